"""What can be said of a dataset before anything is trained on it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from pipeline.data import arrays, looks, sources
from pipeline.data.building import name_within
from pipeline.data.dataset import Dataset
from pipeline.data.duplicates import Pairs
from pipeline.data.listing import Listing, scan, some
from pipeline.data.looks import Looks
from pipeline.data.progress import progress, say
from pipeline.data.split import Indices
from pipeline.errors import DataError

FEW = 20  # examples to learn a label from
UNEVEN = 10  # times as many of the commonest label as of the rarest
Size = tuple[int, int]  # width, height


@dataclass(frozen=True)
class Files:
    """A folder of pictures."""

    folder: Path
    found: Listing


@dataclass(frozen=True)
class Examples:
    """All that can be read of a dataset, first those to learn from. numbers: the label of each, an index into `labels`.

    data: where they come from. names: what each is called there, files by their paths within the folder.
    unreadable: what is wrong with the files that are left out.
    """

    name: str
    data: Files | Dataset
    labels: tuple[str, ...]
    numbers: Indices
    names: list[str]
    train: int
    looks: Looks
    unreadable: list[str]


def load(source: str, data_dir: Path | None, seed: int, console: Console) -> Examples:
    """Look at every example that `source` has, as `sources.load` takes it. seed: as there, for the test set.

    Files of a folder are looked at as they are, and a label may have too few. console: for the progress.
    Raises DataError as `sources.load` does, and when not one file of a folder can be read.
    """
    if sources.kind(source) == "folder":
        return _of_folder(Path(source), seed, console)
    dataset = sources.load(source, data_dir, seed, console=console)
    rows = arrays.rows(Path(source), seed) if sources.kind(source) == "arrays" else None
    return _of_arrays(dataset, rows, console)


def counts(examples: Examples) -> NDArray[np.int64]:
    """[K,2]: how many of each label there are to learn from, and to test on."""
    parts = (examples.numbers[: examples.train], examples.numbers[examples.train :])
    return np.stack([np.bincount(part, minlength=len(examples.labels)) for part in parts], axis=1)


def sizes(examples: Examples) -> list[tuple[Size, int, str]]:
    """The smallest, the largest and the commonest of pictures; how many have it, and which is the first that has."""
    found = [(int(width), int(height)) for height, width in examples.looks["size"]]
    many = Counter(found)
    chosen = (min(many, key=_area), max(many, key=_area), many.most_common(1)[0][0])
    return [(size, many[size], examples.names[found.index(size)]) for size in chosen]


def remarks(examples: Examples) -> list[str]:
    """What is noticed about the labels, in whole sentences."""
    learn, test = counts(examples).T
    said = []
    if few := [f"{examples.labels[k]} ({learn[k]})" for k in np.argsort(learn, kind="stable") if learn[k] < FEW]:
        said.append(f"Fewer than {FEW} to learn from: {some(few)}.")
    if none := [label for label, count in zip(examples.labels, test, strict=True) if not count]:
        said.append(f"None to test on: {some(none)}.")
    least, most = int(np.argmin(learn)), int(np.argmax(learn))
    if learn[most] > UNEVEN * learn[least]:
        said.append(
            f"Uneven: {learn[most]:,} of {examples.labels[most]} to learn from, but {learn[least]:,} of"
            f" {examples.labels[least]}."
        )
    return said


@dataclass(frozen=True)
class Places:
    """How many pairs of duplicates are where; relabelled: how many of all have two labels."""

    across: int
    train: int
    test: int
    relabelled: int


def places(examples: Examples, pairs: Pairs) -> Places:
    """Where the pairs [P,2] are."""
    in_test = (pairs >= examples.train).sum(axis=1)
    relabelled = int(differ(examples, pairs).sum())
    return Places(int((in_test == 1).sum()), int((in_test == 0).sum()), int((in_test == 2).sum()), relabelled)


def differ(examples: Examples, pairs: Pairs) -> NDArray[np.bool_]:
    """[P]: whether the two of each pair have different labels."""
    labels = examples.numbers[pairs]
    found: NDArray[np.bool_] = labels[:, 0] != labels[:, 1]
    return found


def worst(examples: Examples, pairs: Pairs) -> Indices:
    """The order in which pairs are worth looking at: different labels, then across train and test, then as they are."""
    in_test = (pairs >= examples.train).sum(axis=1)
    return np.lexsort((in_test != 1, ~differ(examples, pairs)))


def _of_folder(folder: Path, seed: int, console: Console) -> Examples:
    found = scan(folder, seed, lambda line: say(console, line), least=0)
    files = [*found.train, *found.test]
    with progress(console, f"looking at {folder}", "pictures") as report:
        seen, problems = looks.of_files([path for path, _ in files], report)
    if not len(seen):
        raise DataError(f"{folder}: expected pictures, none of them can be read: {problems[0]}")
    good = np.setdiff1d(np.arange(len(files)), list(problems))
    return Examples(
        name=folder.resolve().name,
        data=Files(folder, found),
        labels=found.labels,
        numbers=np.array([number for _, number in files], np.int64)[good],
        names=[name_within(folder, files[at][0]) for at in good],
        train=int((good < len(found.train)).sum()),
        looks=seen,
        unreadable=list(problems.values()),
    )


def _of_arrays(dataset: Dataset, rows: Indices | None, console: Console) -> Examples:
    splits = {"train": dataset.train, "test": dataset.test}
    seen = []
    for name, split in splits.items():
        with progress(console, f"looking at {dataset.name}, {name}", "examples") as report:
            seen.append(looks.of_arrays(split.X, report))
    names = [f"{name} {at}" for name, split in splits.items() for at in range(len(split))]
    return Examples(
        name=dataset.name,
        data=dataset,
        labels=dataset.labels,
        numbers=np.concatenate([split.labels for split in splits.values()]),
        names=names if rows is None else [f"row {row}" for row in rows],
        train=len(dataset.train),
        looks=np.concatenate(seen),
        unreadable=[],
    )


def _area(size: Size) -> int:
    return size[0] * size[1]
