"""What a look at a picture leaves of it, so that many can be compared: its size, two hashes and a thumbnail.

The hash `alike` is a difference hash (dHash): of the picture as 9x8 pixels of grey, is the right one of each two that
are side by side brighter? Noise and JPEG would decide that wherever little is to be seen. So brighter means by a
sixteenth of the picture's own contrast, and what makes the picture small is Lanczos' filter, which gives nearly the
same from whatever size it comes.

Source: N. Krawetz, "Kind of Like That" (2013), https://www.hackerfactor.com/blog/index.php?/archives/529.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.data.decoding import decoded
from pipeline.data.progress import Report

SIDE = 16  # of a thumbnail
LOOK = np.dtype(
    [("size", np.int32, 2), ("exact", np.uint64), ("alike", np.uint64), ("small", np.uint8, (SIDE, SIDE, 3))]
)
Looks = NDArray[Any]  # [N] of LOOK. size: height, width; exact: hash of the pixels; small: the thumbnail, RGB
NOTICED = 1 / 16  # of the contrast
ENOUGH = 3.0  # times the size wanted: a picture larger than that is averaged first, which is much faster


def of_files(files: Sequence[Path], report: Report) -> tuple[Looks, dict[int, str]]:
    """A look at each picture file that can be read, and what is wrong with the others, by their places in `files`."""
    looks, done = [np.empty(0, LOOK)], 0
    problems: dict[int, str] = {}
    for part in decoded(files, look):
        if len(part.results):
            looks.append(part.results)
        problems |= {done + at: problem for at, problem in part.problems.items()}
        done += part.count
        report(done, len(files))
    return np.concatenate(looks), problems


def of_arrays(X: NDArray[Any], report: Report) -> Looks:
    """A look at each picture of X [N,C,H,W]; of features [N,D] only the hash `exact`."""
    if X.ndim == 2:
        return np.array([(exact(x),) for x in X], [("exact", np.uint64)])
    looks = np.empty(len(X), LOOK)
    for at, x in enumerate(X):
        looks[at] = look(x[0] if len(x) == 1 else np.ascontiguousarray(x.transpose(1, 2, 0)))
        report(at + 1, len(X))
    return looks


def look(picture: NDArray[np.uint8]) -> Looks:
    """A look [] at a picture, uint8 [h,w,3] or grey [h,w]."""
    image, seen = Image.fromarray(picture), np.empty((), LOOK)
    seen["size"] = picture.shape[:2]
    seen["exact"] = exact(picture)
    seen["alike"] = _alike(_shrunk(image.convert("L"), 9, 8))
    seen["small"] = _shrunk(image, SIDE, SIDE).reshape(SIDE, SIDE, -1)
    return seen


def exact(example: NDArray[Any]) -> int:
    """64 bits of the numbers and their shape: two others have the same ones by a chance of 1 in 2^64."""
    hashed = hashlib.blake2b(repr(example.shape).encode(), digest_size=8)
    hashed.update(np.ascontiguousarray(example).data)
    return int.from_bytes(hashed.digest(), "big")


def _shrunk(image: Image.Image, width: int, height: int) -> NDArray[np.uint8]:
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=ENOUGH))


def _alike(grey: NDArray[np.uint8]) -> int:
    """64 bits of a picture [8,9]."""
    values = grey.astype(np.int16)
    brighter = np.diff(values, axis=1) > np.ptp(values) * NOTICED
    return int.from_bytes(np.packbits(brighter).tobytes(), "big")
