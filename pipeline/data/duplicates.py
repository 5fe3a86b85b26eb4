"""Pictures that are in a dataset twice, as they are or nearly.

Nearly means: the hashes `alike` differ in at most DISTANCE of their 64 bits, and the thumbnails correlate. The hash
alone would take every thin 1 for every other; the thumbnails alone would have to be compared each with each. Neither
minds brightness and contrast, and both do mind where things are: a copy that was shifted, cropped, turned or mirrored
is not found.

That no pair is missed without comparing each with each: the 64 bits are dealt out to DISTANCE+1 bands. Two hashes that
differ in at most DISTANCE bits cannot differ in every band, so only those are compared that agree in one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.looks import Looks
from pipeline.data.split import Indices

DISTANCE = 3  # bits
CORRELATION = 0.995  # of the thumbnails
FLAT = 8  # of 255: a thumbnail with less between dark and light has nothing to be recognised by
MOST = 5_000_000_000  # comparisons of hashes: half a minute
PIECE = 1 << 15  # pairs of thumbnails at a time
Pairs = NDArray[np.int64]  # [P,2]: two examples, the lower first


@dataclass(frozen=True)
class Near:
    """Pairs of pictures that are nearly the same, with their correlation [P]; the surest first.

    complete: False if so many pictures have the same hashes that it was not worth the while to compare them all.
    """

    pairs: Pairs
    correlation: NDArray[np.float32]
    complete: bool


def exact(looks: Looks) -> Pairs:
    """Each example whose numbers have been seen before, with the first that has them."""
    _, first, which = np.unique(looks["exact"], return_index=True, return_inverse=True)
    again = np.flatnonzero(first[which] != np.arange(len(looks)))
    return np.stack([first[which][again], again], axis=1)


def near(looks: Looks) -> Near:
    """The pairs that are nearly the same. Of exact copies the first stands for all."""
    pictures = np.unique(looks["exact"], return_index=True)[1]
    small = _rows(looks["small"][pictures])
    some = small.max(axis=1) - small.min(axis=1) >= FLAT
    pictures, thumbnails, hashes = pictures[some], Thumbnails(small[some]), looks["alike"][pictures[some]]
    bands = _bands(hashes)
    complete = sum(map(_comparisons, bands)) <= MOST
    found, sure = [np.empty((0, 2), np.int64)], [np.empty(0, np.float32)]
    for pairs in _similar(hashes, bands) if complete else ():
        r = thumbnails.correlation(pairs)
        found.append(pictures[pairs[r >= CORRELATION]])
        sure.append(r[r >= CORRELATION])
    correlation = np.concatenate(sure)
    order = np.argsort(-correlation, kind="stable")
    return Near(np.sort(np.concatenate(found), axis=1)[order], correlation[order], complete)


def _rows(small: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Thumbnails [N,s,s,3] as [N,P], a third of it where all of them are grey."""
    if (small == small[..., :1]).all():
        small = small[..., :1]
    return small.reshape(len(small), -1)


class Thumbnails:
    """Thumbnails uint8 [N,P], to be correlated with each other."""

    def __init__(self, small: NDArray[np.uint8]) -> None:
        self.small = small
        self.mean = small.mean(axis=1, dtype=np.float32)
        self.norm = np.sqrt(small.var(axis=1, dtype=np.float32) * small.shape[1])

    def correlation(self, pairs: Pairs) -> NDArray[np.float32]:
        """[P], of each pair."""
        pieces = [self._piece(*pairs[start : start + PIECE].T) for start in range(0, len(pairs), PIECE)]
        return np.concatenate(pieces) if pieces else np.empty(0, np.float32)

    def _piece(self, a: Indices, b: Indices) -> NDArray[np.float32]:
        products = np.einsum("np,np->n", self.small[a].astype(np.float32), self.small[b].astype(np.float32))
        covariance = products - self.small.shape[1] * self.mean[a] * self.mean[b]
        correlation: NDArray[np.float32] = covariance / (self.norm[a] * self.norm[b])
        return correlation


def _bands(hashes: NDArray[np.uint64]) -> list[NDArray[np.uint64]]:
    """For each band, its bits of each hash.

    Some bits are nearly always the same, as where ink never comes: a band of such bits would tell nobody apart. So the
    bits are dealt out in the order of how evenly they divide the pictures.
    """
    bits = np.unpackbits(hashes.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    uneven = np.abs(2 * bits.sum(axis=0, dtype=np.int64) - len(bits))
    order = np.argsort(uneven, kind="stable").astype(np.uint64)
    dealt = (order[band :: DISTANCE + 1] for band in range(DISTANCE + 1))
    return [hashes & np.bitwise_or.reduce(np.uint64(1) << places) for places in dealt]


def _comparisons(keys: NDArray[np.uint64]) -> int:
    """How many pairs agree in a band."""
    counts = np.unique(keys, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _similar(hashes: NDArray[np.uint64], bands: list[NDArray[np.uint64]]) -> Iterator[Pairs]:
    """Pairs whose hashes differ in at most DISTANCE bits, each of them once: in the first band in which they agree."""
    for band, keys in enumerate(bands):
        for pairs in _agreeing(keys):
            a, b = pairs.T
            wanted = np.bitwise_count(hashes[a] ^ hashes[b]) <= DISTANCE
            for earlier in bands[:band]:
                wanted &= earlier[a] != earlier[b]
            if wanted.any():
                yield pairs[wanted]


def _agreeing(keys: NDArray[np.uint64]) -> Iterator[Pairs]:
    """All pairs with the same key: in sorted order, each with the next, then each with the next but one …"""
    order = np.argsort(keys, kind="stable")
    ordered, at, step = keys[order], np.arange(len(keys)), 1
    while len(at := at[at + step < len(keys)]) and len(at := at[ordered[at] == ordered[at + step]]):
        yield np.stack([order[at], order[at + step]], axis=1)
        step += 1
