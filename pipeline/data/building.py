"""Builds the two files of a picture cache: the pixels, and the index that says what they are.

The pixels are written beside their place, into a file that is locked as long as the build lives, then renamed; the
index comes last. So two builds at once do not meet, a killed one leaves no index, and what it leaves is known by its
lock, which nobody holds any more: the next build sweeps it away.
"""

import contextlib
import fcntl
import hashlib
import json
import math
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline import files
from pipeline.data.decoding import decoded
from pipeline.data.listing import Listing
from pipeline.data.progress import Report
from pipeline.errors import DataError

BUILDING = ".building"


class Preprocess(Protocol):
    """Makes pixels uint8 [C,H,W] of a picture RGB [h,w,3] of any size; in any process, for it can be pickled.

    shape: (C, H, W). key: bytes that differ where the pixels may.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def key(self) -> bytes: ...

    def __call__(self, image: NDArray[np.uint8], /) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Index:
    """What the pixels are: of which folder, and of each split the labels. shape: (C, H, W).

    left_out: why which files could not be read, by their paths within the folder. sha256: of the pixels.
    """

    folder: str
    shape: tuple[int, ...]
    train: list[int]
    test: list[int]
    left_out: dict[str, str]
    sha256: str

    @property
    def size(self) -> int:
        """Bytes of the pixels."""
        return (len(self.train) + len(self.test)) * math.prod(self.shape)


def build(pixels: Path, index: Path, folder: Path, found: Listing, preprocess: Preprocess, report: Report) -> None:
    """Decode the pictures `found` in a folder into the files `pixels` and `index`.

    Raises DataError when not one picture of a split can be read, OSError when the files cannot be written.
    """
    pixels.parent.mkdir(parents=True, exist_ok=True)
    _sweep(pixels.parent)
    with _beside(pixels) as (path, file):
        written = _write(file, folder, found, preprocess, report)
        path.rename(pixels)  # not flushed to the disk before: whoever opens a cache compares its checksum
    files.write(index, json.dumps(asdict(written)).encode())


def name_within(folder: Path, path: Path) -> str:
    """The path of a file as it counts from the folder."""
    return str(path).removeprefix(os.path.join(folder, ""))  # a tenth of what Path.relative_to takes


def _write(file: IO[bytes], folder: Path, found: Listing, preprocess: Preprocess, report: Report) -> Index:
    """Writes the pixels one after the other; a picture that cannot be read leaves no gap."""
    everything = [*found.train, *found.test]
    good, sha, done = np.zeros(len(everything), bool), hashlib.sha256(), 0
    left_out: dict[str, str] = {}
    for part in decoded([path for path, _ in everything], preprocess):
        good[done + part.read] = True
        for at, problem in part.problems.items():
            path = everything[done + at][0]
            left_out[name_within(folder, path)] = problem.removeprefix(f"{path}: ")
        file.write(part.results.data)
        sha.update(part.results.data)
        done += part.count
        report(done, len(everything))
    file.flush()
    train, test = (
        [number for (_, number), read in zip(files, flags, strict=True) if read]
        for files, flags in ((found.train, good[: len(found.train)]), (found.test, good[len(found.train) :]))
    )
    _check(folder, train, test, left_out)
    return Index(str(folder.resolve()), preprocess.shape, train, test, left_out, sha.hexdigest())


def _check(folder: Path, train: list[int], test: list[int], left_out: dict[str, str]) -> None:
    if not train or not test:
        name, why = next(iter(left_out.items()))
        raise DataError(
            f"{folder}: expected pictures to {'test on' if train else 'learn from'}, none of them can be read"
            f" ({name}: {why})"
        )


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file of this build alone, locked as long as that is at it; in the end it is gone, unless it was renamed."""
    while True:
        path = target.with_name(f"{target.stem}-{secrets.token_hex(4)}{BUILDING}")
        with path.open("xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not path.exists():
                continue  # another build swept it away in the moment before it was locked
            try:
                yield path, file
            finally:
                path.unlink(missing_ok=True)
            return


def _sweep(home: Path) -> None:
    """Removes what dead builds have left."""
    for path in home.glob(f"*{BUILDING}"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
