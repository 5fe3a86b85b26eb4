"""Seconds an epoch: this project's NumPy against PyTorch, the same network, batch, optimizer, precision and cores.

    python benchmarks/training.py --data-dir FOLDER_WITH_MNIST --torch path/to/python-with-torch

The contestants train by turns, an epoch each, so that a neighbour's load falls on all of them; the first epoch of each
is not counted. The table has medians, and the ratios of PyTorch's median to ours. PyTorch runs eager, once as it comes
and once tuned (channels last, fused Adam). Each side chooses its kernels by the processor: variables that tell OpenBLAS
what to choose are left out of both environments. MB is the memory of our processes, shared memory counted once.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from processes import ROOT, family, megabytes

sys.path.insert(0, str(ROOT))

# name: architecture, batch size
NETWORKS = {
    "cnn 16-32 5x5": (
        "INPUT 1x28x28 -> CONV 16@5x5 relu -> POOL max 2x2 -> CONV 32@5x5 relu -> POOL max 2x2"
        " -> FC 128 relu -> FC 10 softmax",
        128,
    ),
    "LeNet-5 sizes": (
        "INPUT 1x28x28 -> CONV 6@5x5 relu -> POOL max 2x2 -> CONV 16@5x5 relu -> POOL max 2x2"
        " -> FC 120 relu -> FC 84 relu -> FC 10 softmax",
        128,
    ),
    "cnn 32-64 5x5": (
        "INPUT 1x28x28 -> CONV 32@5x5 relu -> POOL max 2x2 -> CONV 64@5x5 relu -> POOL max 2x2"
        " -> FC 128 relu -> FC 10 softmax",
        128,
    ),
    "cnn 32-64 3x3": (
        "INPUT 1x28x28 -> CONV 32@3x3 relu -> CONV 64@3x3 relu -> POOL max 2x2 -> FC 128 relu -> FC 10 softmax",
        128,
    ),
    "fnn 256-128": ("INPUT 784 -> FC 256 relu -> FC 128 relu -> FC 10 softmax", 128),
    "fnn 300-100": ("INPUT 784 -> FC 300 relu -> FC 100 relu -> FC 10 softmax", 64),
    "fnn 800-800": ("INPUT 784 -> FC 800 relu -> FC 800 relu -> FC 10 softmax", 256),
}
LEARNING_RATE = 0.001
PAUSE = 0.5  # seconds between two turns: threads of the last one may go on waiting in a loop for a while


class Contestant:
    """A process that trains an epoch when it is told to, and sleeps until it is told again."""

    def __init__(self, command: list[str], job: dict[str, Any]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
        if job["kind"] == "torch":
            environment["OMP_NUM_THREADS"] = str(job["threads"])
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.seconds: list[float] = []
        self.loss = float("nan")
        self.megabytes = 0.0
        self.say(job)
        self.about = self.answer()

    def answer(self) -> Any:
        """A line from the process. Ends the benchmark when there is none."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args} ended with {self.process.wait()}: its message is above")
        return json.loads(line)

    def say(self, what: object) -> None:
        """A line to the process, as JSON."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def epoch(self) -> None:
        """Train one epoch, and note what it took."""
        self.say("epoch")
        line = self.answer()
        self.seconds.append(line["seconds"])
        self.loss = line["loss"]
        self.megabytes = max(self.megabytes, sum(map(megabytes, family(self.process.pid))))

    def close(self) -> None:
        """Tell it that there are no more turns, and wait until it has ended."""
        assert self.process.stdin
        self.process.stdin.close()  # the end of its turns
        self.process.wait()

    @property
    def median(self) -> float:
        """Of all epochs but the first."""
        return statistics.median(self.seconds[1:])


def train_numpy() -> None:
    """The contestant of this project: `fit` as `pipeline train` calls it, held up after each epoch."""
    import numpy as np

    from pipeline.network.network import Network
    from pipeline.network.parser import parse
    from pipeline.training.environment import blas
    from pipeline.training.loop import Watcher, fit
    from pipeline.training.recipe import Recipe

    job = json.loads(sys.stdin.readline())
    X, labels = (np.load(Path(job["data"]) / f"{name}.npy") for name in ("X", "labels"))
    data = {"X": X, "labels": labels, "learn": np.arange(len(X)), "look": np.arange(0)}
    network = Network(parse(job["architecture"]), X.shape[1:], np.float32)
    recipe = Recipe(
        str(network.architecture), 10_000, job["batch_size"], "adam", LEARNING_RATE, "constant", validation=0
    )

    class Turns(Watcher):
        def finished_epoch(self, line: dict[str, float]) -> None:
            print(json.dumps({"seconds": line["seconds"], "loss": line["train_loss"]}), flush=True)
            if not sys.stdin.readline():
                raise SystemExit

    print(json.dumps(f"NumPy {np.__version__} ({blas()})"), flush=True)
    sys.stdin.readline()
    fit(network, X.shape[1:], data, recipe, job["threads"], [Turns()])


def compare(name: str, data: str, given: argparse.Namespace) -> dict[str, Contestant]:
    """Train one network with every contestant, by turns, on the arrays in the folder `data`."""
    architecture, batch_size = NETWORKS[name]
    job = {
        "architecture": architecture,
        "batch_size": batch_size,
        "data": data,
        "learning_rate": LEARNING_RATE,
    }
    ours = [sys.executable, __file__, "--contestant"]
    theirs = [given.torch, str(Path(__file__).with_name("training_torch.py"))]
    commands = {
        "numpy": (ours, {"kind": "numpy", "threads": 2}),
        "numpy alone": (ours, {"kind": "numpy", "threads": 1}),
    }
    if given.torch:
        commands["torch"] = (theirs, {"kind": "torch", "threads": 2, "tuned": False})
        commands["torch tuned"] = (theirs, {"kind": "torch", "threads": 2, "tuned": True})
    with ExitStack() as stack:
        contestants = {}
        for who, (command, more) in commands.items():
            contestants[who] = Contestant(command, job | more)
            stack.callback(contestants[who].close)
            print(f"  {who}: {contestants[who].about}", file=sys.stderr)
        for turn in range(given.epochs + 1):
            for who, contestant in contestants.items():
                time.sleep(PAUSE)
                contestant.epoch()
                print(f"  {name}, {who}, epoch {turn}: {contestant.seconds[-1]:.2f} s", file=sys.stderr, flush=True)
    return contestants


def row(name: str, found: dict[str, Contestant]) -> str:
    """A line of the table."""
    ours, alone = found["numpy"], found["numpy alone"]
    cells = [name, f"{ours.median:.2f}", f"{alone.median:.2f}", f"{alone.median / ours.median:.2f}"]
    for who in ("torch", "torch tuned"):
        if who in found:
            cells += [f"{found[who].median:.2f}", f"{found[who].median / ours.median:.2f}"]
        else:
            cells += ["–", "–"]
    cells += [f"{ours.megabytes:.0f}", f"{ours.loss:.3f}", f"{found['torch'].loss:.3f}" if "torch" in found else "–"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    import numpy as np

    from pipeline.data import sources

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="with MNIST; by default where `pipeline fetch mnist` puts it")
    parser.add_argument("--torch", help="a Python that has torch; without it, ours are timed alone")
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--epochs", type=int, default=5, help="counted, of each contestant")
    parser.add_argument("--images", type=int, default=60_000, help="in an epoch")
    given = parser.parse_args()
    columns = "network | s/epoch | one worker | speed-up | PyTorch | ratio | tuned | ratio | MB | loss | PyTorch's"
    print(f"| {columns} |\n| --- {'| ---: ' * 10}|", flush=True)
    train = sources.load("mnist", given.data_dir, 1).train
    with tempfile.TemporaryDirectory() as data:
        np.save(Path(data) / "X.npy", train.X[: given.images])
        np.save(Path(data) / "labels.npy", train.labels[: given.images])
        for name in given.networks:
            print(row(name, compare(name, data, given)), flush=True)


if __name__ == "__main__":
    train_numpy() if sys.argv[1:] == ["--contestant"] else main()
