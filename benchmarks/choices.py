"""What each option of the training gives on MNIST: the recipe's networks with one thing changed, several seeds each.

    python benchmarks/choices.py --data-dir FOLDER_WITH_MNIST --kinds fnn cnn --seeds 3

A third of the training set, other examples for each seed, is held out and answered: as it is, and as other hands and
other pens would have written it (the "hand" conditions of `scenes.py`, through preprocess.onnx). The test set is never
opened. Trainings are shorter than the recipe's, so that all of it takes less than an hour; compare within the table.
With `--epochs` as long as the recipe trains: for what is to become a default.

Each seed has a split of its own, which moves all rows alike; so the last column has the loss of each seed: a change
that helps lowers all of them.
"""

import argparse
import statistics
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from handwriting import pictures
from numpy.typing import NDArray
from rich.console import Console
from scenes import CONDITIONS

from pipeline import jobs, steps
from pipeline.data.dataset import Dataset, Split
from pipeline.data.split import hold_out, subset
from pipeline.export.preprocessing import preprocessing, preprocessor
from pipeline.training.loop import Watcher
from pipeline.training.recipe import RECIPES
from pipeline.training.run import Run

VALIDATION = 1 / 3
EPOCHS = {"fnn": 20, "cnn": 6}
HANDS = [name for name in CONDITIONS if name.startswith("hand, ")]
PICTURES = 300  # of each of them, for each seed
BY_RECIPE = dict.fromkeys(["architecture", "learning_rate", "augment", "weight_decay", "average"])
RECIPE = {
    "batch_size": 128,
    "optimizer": "adam",
    "schedule": "one-cycle",
    "loss": "cross-entropy",
    "label_smoothing": 0.0,
    "stop_at": 0.0,
}


def filters(a: int, b: int, c: int, d: int) -> dict[str, object]:
    """The CNN that the recipe had while they were chosen, with so many filters in its four CONV."""
    first, second = f"CONV {a}@3x3 relu -> CONV {b}@3x3 relu", f"CONV {c}@3x3 relu -> CONV {d}@3x3 relu"
    blocks = f"{first} -> POOL max 2x2 -> {second} -> POOL max 2x2"
    return {"architecture": f"INPUT 1x28x28 -> {blocks} -> FC 256 relu -> DROPOUT 0.4 -> FC 10 softmax"}


CHANGES: dict[str, dict[str, object]] = {
    "recipe `best`": {},
    "--augment none": {"augment": "none"},
    "--augment affine": {"augment": "affine"},
    "--augment elastic": {"augment": "elastic"},
    "--average 0": {"average": 0.0},
    "--schedule cosine": {"schedule": "cosine"},
    "--label-smoothing 0.01": {"label_smoothing": 0.01},
    "--label-smoothing 0.05": {"label_smoothing": 0.05},
    "--learning-rate 0.003": {"learning_rate": 0.003},
    "--weight-decay 0": {"weight_decay": 0.0},
    "--weight-decay 0.05": {"weight_decay": 0.05},
    "CONV 32, 32, 64, 64": filters(32, 32, 64, 64),
    "CONV 16, 32, 64, 64": filters(16, 32, 64, 64),
    "CONV 16, 16, 64, 128": filters(16, 16, 64, 128),
    "CONV 16, 24, 64, 96": filters(16, 24, 64, 96),
    "CONV 16, 24, 64, 128": filters(16, 24, 64, 128),
}


class Found(NamedTuple):
    """Of one training, or the mean of several; accuracies in percent."""

    accuracy: float
    loss: float
    hands: float


@cache
def rewritten(data_dir: Path, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pixels [n,1,28,28] and labels [n] of digits held out with this seed, written by other hands."""
    train = dataset(data_dir).train
    held = subset(train, hold_out(train.labels, VALIDATION, np.random.default_rng([seed, 3]))[1])
    prepare = preprocessor(preprocessing("ink", (1, 28, 28)).SerializeToString())
    every = [
        pair for name in HANDS for pair in pictures(name, held.X[:, 0], held.labels.astype(np.uint8), PICTURES, seed)
    ]
    return np.stack([prepare(picture) for picture, _ in every]), np.array([label for _, label in every])


@cache
def dataset(data_dir: Path) -> Dataset:
    """MNIST, whose test set is left alone."""
    loaded = steps.load("mnist", str(data_dir), "ink", None, 0, Console(stderr=True))
    nothing = Split(loaded.test.X[:0], loaded.test.labels[:0])
    return Dataset(loaded.name, loaded.train, nothing, loaded.labels, loaded.pictures, loaded.sha256)


def train(kind: str, change: dict[str, object], epochs: int, seed: int, data_dir: Path) -> Found:
    """Train once, and ask the examples that were held out."""
    told = {**BY_RECIPE, **RECIPE, "epochs": epochs, "validation": VALIDATION, "seed": seed, **change}
    _, job = jobs.prepare(
        kind, kind, dataset="mnist", data_dir=str(data_dir), target=None, pictures=None, recipe="best", **told
    )  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        run, last = Run.create(Path(folder), job), Last()
        network = steps.train(run, dataset(data_dir), jobs.workers(job), [last])
    X, labels = rewritten(data_dir, seed)
    right = np.mean(network.predict(X).argmax(axis=1) == labels)
    return Found(100 * last.line["validation_accuracy"], last.line["validation_loss"], 100 * float(right))


class Last(Watcher):
    """Remembers the last epoch."""

    def finished_epoch(self, line: dict[str, float]) -> None:
        self.line = line


def row(kind: str, name: str, found: list[Found]) -> str:
    """A line of the table: means, and the loss of each seed."""
    mean = Found(*map(statistics.mean, zip(*found, strict=True)))
    losses = " ".join(f"{each.loss:.4f}" for each in found)
    return f"| {kind} | {name} | {mean.accuracy:.2f} | {mean.loss:.4f} | {mean.hands:.2f} | {losses} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True, help="with MNIST")
    parser.add_argument("--kinds", nargs="+", choices=["fnn", "cnn"], default=["fnn", "cnn"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[""], help="only changes whose name contains one of these")
    parser.add_argument("--epochs", type=int, help=f"of each training, else {EPOCHS}")
    given = parser.parse_args()
    columns = "network | changed | validation % | validation loss | other hands % | loss of each seed"
    print(f"| {columns} |\n| --- | --- | ---: | ---: | ---: | --- |", flush=True)
    for kind in given.kinds:
        for name, change in CHANGES.items():
            preset = RECIPES["best"]
            has_it = change in ({"augment": preset.augment[kind]}, {"weight_decay": preset.weight_decay[kind]})
            other_kind = "architecture" in change and kind != "cnn"
            if has_it or other_kind or not any(part in name for part in given.only):
                continue
            found = []
            for seed in range(1, given.seeds + 1):
                found.append(train(kind, change, given.epochs or EPOCHS[kind], seed, given.data_dir))
                print(f"{kind}, {name}, seed {seed}: {found[-1]}", file=sys.stderr, flush=True)
            print(row(kind, name, found), flush=True)


if __name__ == "__main__":
    main()
