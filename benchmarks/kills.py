"""Kills a training again and again, resumes it each time, and looks whether a bit is lost.

    python benchmarks/kills.py --kills 200

It trains once without interruption, and once more with SIGKILL at random moments, from the first import to the
publication: the parent, one of its workers, or whichever writes, while a checkpoint is half-written. Both must publish
the same model.onnx, byte for byte, and nothing must be left lying about.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from training import ROOT, family

TEXT = "INPUT 1x8x8 -> CONV 8@3x3 same relu -> POOL max 2x2 -> DROPOUT 0.2 -> FC 32 relu -> FC 10 softmax"
OPTIONS = ("--dataset", "digits", "--architecture", TEXT, "--epochs", "25", "--augment", "affine", "--average", "0.99")
HOW = ("--patience", "20", "--workers", "2", "--checkpoint-every", "2", "--resume")
FILES = ("model.onnx", "explain.onnx", "preprocess.onnx")


def start(home: Path) -> "subprocess.Popen[str]":
    """The command, in a folder of its own."""
    command = [sys.executable, "-m", "pipeline", "train", "cnn", *OPTIONS, *HOW]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(home / "tmp")}
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=home, env=environment, **quiet)  # type: ignore[call-overload,no-any-return]


def kill(process: "subprocess.Popen[str]", home: Path, chance: random.Random, longest: float) -> str | None:
    """One SIGKILL within `longest` seconds; says what it hit, None if the training ended before."""
    victim = chance.choice(["parent", "parent", "worker", "writer"])
    end = time.monotonic() + chance.uniform(0.0, longest)
    while time.monotonic() < end and process.poll() is None:
        time.sleep(0.001)
    if victim == "writer":
        end = time.monotonic() + 2
        while time.monotonic() < end and process.poll() is None and not half_written(home):
            pass
        victim = "writer of a checkpoint" if half_written(home) else "parent"
    if process.poll() is not None:
        return None
    workers = [pid for pid in family(process.pid)[1:] if "spawn_main" in command_line(pid)]
    if victim == "worker" and workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(workers[0], signal.SIGKILL)
    else:
        victim = "parent" if victim == "worker" else victim
        process.kill()
    process.communicate(timeout=60)
    return victim


def half_written(home: Path) -> bool:
    """Whether there is a checkpoint under its hidden name."""
    return any(home.glob("runs/*/checkpoints/.*"))


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def finish(home: Path) -> None:
    """Let it go on to its end."""
    process = start(home)
    said = process.communicate(timeout=300)[1]
    if process.returncode:
        raise SystemExit(f"the training ended with {process.returncode}: {said}")


def compare(calm: Path, stormy: Path) -> None:
    """Raises SystemExit unless both published one version, of the same bytes, and left nothing half-done."""
    for home in (calm, stormy):
        versions = sorted(path.name for path in (home / "models" / "cnn").iterdir())
        if versions != ["1"]:
            raise SystemExit(f"expected one version, there are {versions}")
        if left := [*(home / "tmp").glob("numserve-*/*"), *home.glob("runs/*/checkpoints/.*")]:
            raise SystemExit(f"left behind: {left}")
    for name in FILES:
        if len({(home / "models" / "cnn" / "1" / name).read_bytes() for home in (calm, stormy)}) > 1:
            raise SystemExit(f"{name} differs from that of the training that was not interrupted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance, hit = random.Random(given.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        calm, trainings = Path(folder) / "calm", 0
        began = time.monotonic()
        finish(calm)
        longest = time.monotonic() - began
        while hit.total() < given.kills:
            trainings += 1
            stormy = Path(folder) / f"stormy-{trainings}"
            while hit.total() < given.kills and (victim := kill(start(stormy), stormy, chance, longest / 2)):
                hit[victim] += 1
                print(f"{hit.total()} of {given.kills}: {victim}", flush=True)
            finish(stormy)
            compare(calm, stormy)
    kills = ", ".join(f"{number} times the {victim}" for victim, number in hit.items())
    print(f"{trainings} trainings, killed {hit.total()} times ({kills}): the same files, byte for byte")


if __name__ == "__main__":
    main()
