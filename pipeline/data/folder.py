"""A folder of pictures as a dataset. `listing` says what is in it, `cache` has it decoded.

Every picture goes through the network's own preprocessing, the very graph that will serve it. What comes out of that is
in a file that is mapped into memory, so that memory holds no more than what is just being looked at.
"""

from pathlib import Path

import numpy as np

from pipeline.data import cache, digest
from pipeline.data.building import Preprocess
from pipeline.data.dataset import Dataset, Pictures
from pipeline.data.listing import Warn, check_counts, scan
from pipeline.data.pictures import decode, quiet
from pipeline.data.progress import Report, ignore
from pipeline.errors import DataError

SAMPLE = 48
TINT = 16  # how far apart red, green and blue may be in what still counts as grey, of 255


def load(
    folder: Path,
    preprocess: Preprocess,
    pictures: Pictures,
    home: Path,
    seed: int = 0,
    warn: Warn = print,
    report: Report = ignore,
) -> Dataset:
    """The folder's pictures as pixels, uint8 [N,C,H,W], in the splits that `listing.scan` says.

    home: of the cache. warn(line) names each file that cannot be read, and in the end how many were left out.
    Raises DataError when there are fewer than two labels, or fewer than two pictures of one that can be read.
    """
    found = scan(folder, seed, warn)
    have = cache.pictures(folder, found, preprocess, home, warn, report)
    for path, why in have.left_out.items():
        warn(f"left out {path}: {why}")
    if have.left_out:
        total = len(found.train) + len(found.test)
        warn(f"{len(have.left_out):,} of {total:,} pictures could not be read and were left out")
    check_counts(folder, found.labels, np.concatenate([have.train.labels, have.test.labels]))
    check_counts(folder, found.labels, have.train.labels, least=1)
    return digest.dataset(folder.resolve().name, have.train, have.test, found.labels, pictures)


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
