"""What exactly was trained on, in 64 characters."""

import hashlib

import numpy as np

from pipeline.data.dataset import Dataset, Pictures, Split


def digest(train: Split, test: Split, labels: tuple[str, ...]) -> str:
    """SHA-256 of the labelled examples: their names, then each split's shapes, dtypes and bytes, train first.

    Little-endian and C order wherever it runs, so that the same examples give the same digest anywhere.
    The names come with their lengths: ("ab", "c") and ("a", "bc") are different datasets.
    """
    sha = hashlib.sha256(repr([(len(label), label) for label in labels]).encode())
    for array in (train.X, train.labels, test.X, test.labels):
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        sha.update(f"{little.dtype.str}{little.shape}".encode())
        sha.update(little.data)
    return sha.hexdigest()


def dataset(name: str, train: Split, test: Split, labels: tuple[str, ...], pictures: Pictures | None) -> Dataset:
    """A Dataset, with its SHA-256 filled in."""
    return Dataset(name, train, test, labels, pictures, digest(train, test, labels))
