"""What exactly was trained on, in 64 characters."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.dataset import Dataset, Pictures, Split, Task

BLOCK = 1 << 24  # bytes at a time: of a dataset that is in a file, memory holds no more


def digest(train: Split, test: Split, labels: tuple[str, ...]) -> str:
    """SHA-256 of the labelled examples: their names, then each split's shapes, dtypes and bytes, train first.

    Little-endian and C order wherever it runs, so that the same examples give the same digest anywhere.
    The names come with their lengths: ("ab", "c") and ("a", "bc") are different datasets.
    """
    sha = hashlib.sha256(repr([(len(label), label) for label in labels]).encode())
    for array in (train.X, train.labels, test.X, test.labels):
        little = array.dtype.newbyteorder("<")
        sha.update(f"{little.str}{array.shape}".encode())
        for block in _blocks(array):
            sha.update(np.ascontiguousarray(block, little).data)
    return sha.hexdigest()


def _blocks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    rows = max(1, BLOCK * len(array) // max(1, array.nbytes))
    return (array[start : start + rows] for start in range(0, len(array), rows))


def dataset(
    name: str,
    train: Split,
    test: Split,
    labels: tuple[str, ...],
    pictures: Pictures | None,
    task: Task = "classification",
    target: str | None = None,
    columns: tuple[str, ...] = (),
) -> Dataset:
    """A Dataset, with its SHA-256 filled in."""
    return Dataset(name, train, test, labels, pictures, digest(train, test, labels), task, target, columns)
