"""Sets examples apart, so that each label is as frequent in one part as in the other."""

import numpy as np
from numpy.typing import NDArray

from pipeline.data.dataset import Split
from pipeline.errors import DataError

Indices = NDArray[np.int64]
TEST_SHARE = 0.2  # where a dataset comes without a test set of its own


def stratified(labels: NDArray[np.int64], count: int, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Two sets of indices, (kept, held), both ascending: `count` are held, in proportion from each label.

    labels: int64 [N]; 0 <= count <= N. A label with two examples or more is in both parts if `count` allows.
    """
    members = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    shares = _shares(np.array([len(m) for m in members]), count)
    held = np.sort(np.concatenate([m[:share] for m, share in zip(members, shares, strict=True)]))
    return np.setdiff1d(np.arange(len(labels)), held, assume_unique=True), held


def _shares(sizes: Indices, count: int) -> Indices:
    """How many to hold of each label: whole numbers that add up to `count`, by the largest remainder."""
    exact = sizes * (count / sizes.sum())
    shares: Indices = np.floor(exact).astype(np.int64)
    # A label that nothing is held of yet comes before all others, one with a single example to keep after.
    remainder = exact - shares + ((shares == 0) & (sizes > 1)) - (shares == sizes - 1)
    order = np.argsort(-remainder, kind="stable")
    order = order[shares[order] < sizes[order]]
    shares[order[: count - shares.sum()]] += 1
    return shares


def share_for_test(labels: NDArray[np.int64], seed: int) -> tuple[Indices, Indices]:
    """(train, test) indices for a dataset that comes in one piece. Another seed is another test set."""
    return stratified(labels, max(1, round(TEST_SHARE * len(labels))), np.random.default_rng(seed))


def hold_out(labels: NDArray[np.int64], share: float, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """(train, validation) indices: `share` of the examples, a fraction below 1 or a number from 1, stratified.

    0 holds nothing out. Raises DataError when nothing would be left to train on.
    """
    count = round(share * len(labels)) if share < 1 else int(share)
    if not 0 <= count < len(labels):
        raise DataError(
            f"expected to hold out a fraction below 1, or fewer than the {len(labels)} training examples, "
            f"came {share:g}: hold out less"
        )
    return stratified(labels, count, rng)


def subset(split: Split, indices: Indices) -> Split:
    """The examples at `indices`, in that order."""
    return Split(split.X[indices], split.labels[indices])
