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
from collections.abc import Callable
from pathlib import Path

from processes import ROOT, family

TEXT = "INPUT 1x8x8 -> CONV 8@3x3 same relu -> POOL max 2x2 -> DROPOUT 0.2 -> FC 32 relu -> FC 10 softmax"
OPTIONS = ("--dataset", "digits", "--architecture", TEXT, "--epochs", "25", "--augment", "affine", "--average", "0.99")
HOW = ("--patience", "20", "--workers", "2", "--checkpoint-every", "2", "--resume")
VICTIMS = ("parent", "writer of a checkpoint", "parent", "worker")
FILES = ("model.onnx", "explain.onnx", "preprocess.onnx")


def start(home: Path) -> "subprocess.Popen[str]":
    """The command, in a folder of its own."""
    command = [sys.executable, "-m", "pipeline", "train", "cnn", *OPTIONS, *HOW]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(home / "tmp")}
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=home, env=environment, **quiet)  # type: ignore[call-overload,no-any-return]


def kill(process: "subprocess.Popen[str]", home: Path, victim: str, chance: random.Random, longest: float) -> bool:
    """One SIGKILL at a random moment; False if the training ended before."""
    if victim == "parent":
        time.sleep(chance.uniform(0, longest))
    if victim == "worker":
        wait(process, lambda: bool(workers(process.pid)))
        time.sleep(chance.uniform(0, longest / 4))
    if victim == "writer of a checkpoint":
        wait(process, lambda: half_written(home))
    if process.poll() is not None:
        return False
    with contextlib.suppress(IndexError, ProcessLookupError):
        os.kill(workers(process.pid)[0] if victim == "worker" else process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode != 0


def wait(process: "subprocess.Popen[str]", until: Callable[[], bool]) -> None:
    """Look again and again, as long as the process lives."""
    while process.poll() is None and not until():
        time.sleep(0.0005)


def workers(pid: int) -> list[int]:
    """The processes that train beside the parent."""
    with contextlib.suppress(OSError):
        return [child for child in family(pid)[1:] if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]
    return []


def half_written(home: Path) -> bool:
    """Whether there is a checkpoint under its hidden name."""
    return any(home.glob("runs/*/checkpoints/.*"))


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
            while hit.total() < given.kills:
                victim = VICTIMS[hit.total() % len(VICTIMS)]
                if not kill(start(stormy), stormy, victim, chance, longest / 2):
                    break
                hit[victim] += 1
                print(f"{hit.total()} of {given.kills}: {victim}", flush=True)
            finish(stormy)
            compare(calm, stormy)
    kills = ", ".join(f"{number} times the {victim}" for victim, number in hit.items())
    print(f"{trainings} trainings, killed {hit.total()} times ({kills}): the same files, byte for byte")


if __name__ == "__main__":
    main()
