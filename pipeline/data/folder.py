"""A folder of pictures as a dataset. `listing` says what is in it, this decodes it.

Every picture goes through the network's own preprocessing, the very graph that will serve it. Memory holds the
pixels that come out of that, and the few pictures being decoded, whatever the size of the files.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from pipeline.data import digest
from pipeline.data.dataset import Dataset, Pictures, Split
from pipeline.data.listing import Warn, check_counts, scan
from pipeline.data.pictures import decode, quiet
from pipeline.data.progress import Report, ignore
from pipeline.errors import DataError

Preprocess = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]  # RGB [h,w,3], any h and w -> pixels [C,H,W]
BLOCK = 256  # pictures handed to the threads at a time, so that Ctrl-C is heard and nothing piles up
SAMPLE = 48
TINT = 16  # how far apart red, green and blue may be in what still counts as grey, of 255


def load(
    folder: Path,
    preprocess: Preprocess,
    pictures: Pictures,
    seed: int = 0,
    warn: Warn = print,
    report: Report = ignore,
) -> Dataset:
    """The folder's pictures as pixels, uint8 [N,C,H,W], in the splits that `listing.scan` says.

    warn(line) names each file that cannot be read, and in the end how many were left out. Raises DataError
    when there are fewer than two labels, or fewer than two pictures of one that can be read.
    """
    found = scan(folder, seed, warn)
    total = len(found.train) + len(found.test)
    with quiet():
        train = _decoded(found.train, preprocess, warn, lambda done: report(done, total))
        test = _decoded(found.test, preprocess, warn, lambda done: report(len(found.train) + done, total))
    if skipped := total - len(train) - len(test):
        warn(f"{skipped:,} of {total:,} pictures could not be read and were left out")
    check_counts(folder, found.labels, np.concatenate([train.labels, test.labels]))
    check_counts(folder, found.labels, train.labels, least=1)
    return digest.dataset(folder.resolve().name, train, test, found.labels, pictures)


def looks_grey(folder: Path, sample: int = SAMPLE) -> bool:
    """Whether a sample of the pictures, spread over all labels, is without colour: then one channel will do."""
    files = scan(folder, warn=lambda line: None).train
    chosen = [files[i][0] for i in np.linspace(0, len(files) - 1, min(sample, len(files))).astype(int)]
    with quiet():
        return all(map(_is_grey, chosen))


def _is_grey(path: Path) -> bool:
    try:
        pixels = decode(path)
    except DataError:
        return True  # load() will name it
    step = max(1, max(pixels.shape) // 256)
    spread = np.ptp(pixels[::step, ::step], axis=2)
    return bool(np.percentile(spread, 99.9) <= TINT)


def _decoded(
    files: Sequence[tuple[Path, int]], preprocess: Preprocess, warn: Warn, done: Callable[[int], None]
) -> Split:
    """All of `files` that can be read, in their order."""
    store = _Store(len(files), preprocess)
    with ThreadPoolExecutor(_cores()) as threads:
        for start in range(0, len(files), BLOCK):
            block = range(start, min(start + BLOCK, len(files)))
            for at, problem in zip(block, threads.map(lambda at: store.put(at, files[at][0]), block), strict=True):
                if problem:
                    warn(problem)
                done(at + 1)
    return store.split(np.array([number for _, number in files], dtype=np.int64))


class _Store:
    """The pixels of up to n pictures, each at its place, whichever thread is done with it first."""

    def __init__(self, n: int, preprocess: Preprocess) -> None:
        self.X: NDArray[np.uint8] | None = None
        self.good = np.zeros(n, dtype=bool)
        self.preprocess = preprocess
        self.lock = Lock()

    def put(self, at: int, path: Path) -> str | None:
        """Decodes a file into its place; the answer is what is wrong with it, if anything."""
        try:
            pixels = self.preprocess(decode(path))
        except DataError as error:
            return f"left out {error}"
        with self.lock:
            if self.X is None:
                self.X = np.empty((len(self.good), *pixels.shape), dtype=np.uint8)
        self.X[at] = pixels
        self.good[at] = True
        return None

    def split(self, labels: NDArray[np.int64]) -> Split:
        """The good ones, moved together where they are: a copy would take the memory a second time."""
        places = np.flatnonzero(self.good)
        if self.X is None:
            raise DataError("expected pictures, none of them can be read: the lines above say why")
        for to, at in enumerate(places):
            if to != at:
                self.X[to] = self.X[at]
        return Split(self.X[: len(places)], labels[places])


def _cores() -> int:
    """Those that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
