"""Accuracy, calibration, seconds and memory of whole trainings on MNIST, by seed, and their means.

    python benchmarks/accuracy.py --data-dir FOLDER_WITH_MNIST --kinds fnn cnn --seeds 3
    python benchmarks/accuracy.py --data-dir FOLDER_WITH_MNIST --kinds cnn --recipe fast --seeds 5

Each line is a run of `pipeline train`, in processes of its own. The test set is opened once for each, after its
training; nothing is chosen by it. Seconds are those of the training, MB the most memory that its processes had at once.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from processes import ROOT, family, megabytes


class Trained(NamedTuple):
    """What one training came to; accuracies and the calibration error in percent."""

    accuracy: float
    validation: float
    calibration_error: float
    epochs: float
    seconds: float
    megabytes: float


def train(kind: str, seed: int, given: argparse.Namespace) -> Trained:
    """Run the command, watch its memory, and read what it left."""
    with tempfile.TemporaryDirectory() as temporary:
        runs = (given.keep or Path(temporary)) / f"{kind}-{seed}"
        command = [sys.executable, "-m", "pipeline", "train", kind, "--dataset", "mnist", "--no-publish"]
        options = ["--runs", runs.resolve(), "--recipe", given.recipe, "--seed", seed, *given.more]
        if given.data_dir:
            options += ["--data-dir", given.data_dir.resolve()]
        process = subprocess.Popen([*command, *map(str, options)], cwd=ROOT, stdout=subprocess.DEVNULL)
        most = 0.0
        while process.poll() is None:
            most = max(most, memory(process.pid))
            time.sleep(0.2)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: its message is above")
        run = max(runs.iterdir())
        history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
        metrics = json.loads((run / "metrics.json").read_text())
    return Trained(
        100 * metrics["accuracy"],
        100 * history[-1].get("validation_accuracy", float("nan")),
        100 * metrics["expected_calibration_error"],
        len(history),
        sum(line["seconds"] for line in history),
        most,
    )


def memory(pid: int) -> float:
    """Megabytes of a process and all that came from it; 0 when one of them is just ending."""
    try:
        return sum(map(megabytes, family(pid)))
    except (OSError, StopIteration):
        return 0.0


def row(kind: str, seed: object, trained: Trained) -> str:
    """A line of the table."""
    numbers = "{:.2f} | {:.2f} | {:.2f} | {:.1f} | {:.1f} | {:.0f}".format(*trained)
    return f"| {kind} | {seed} | {numbers} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="with MNIST; by default where `pipeline fetch mnist` puts it")
    parser.add_argument("--kinds", nargs="+", choices=["fnn", "cnn"], default=["fnn", "cnn"])
    parser.add_argument("--recipe", default="best")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the run folders there, <network>-<seed>/")
    parser.add_argument("more", nargs="*", help="options of `pipeline train`, after --")
    given = parser.parse_args()
    columns = "network | seed | test % | validation % | calibration error % | epochs | seconds | MB"
    print(f"| {columns} |\n| --- {'| ---: ' * 7}|", flush=True)
    for kind in given.kinds:
        found = []
        for seed in range(1, given.seeds + 1):
            found.append(train(kind, seed, given))
            print(row(kind, seed, found[-1]), flush=True)
        print(row(kind, "mean", Trained(*map(statistics.mean, zip(*found, strict=True)))), flush=True)


if __name__ == "__main__":
    main()
