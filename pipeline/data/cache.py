"""Decoded pictures in a file that is mapped into memory: a folder is decoded once, and none is too large.

<home>/<key>.pixels    uint8 [N,C,H,W]: the pictures of the training set, then those of the test set
<home>/<key>.json      the index, see `building`

The key is a SHA-256 of all that decides the pixels: the files, as far as their names, sizes and times tell, their
labels and splits, and what decodes them. So a cache is never brought up to date: what has changed has another key.
"""

import atexit
import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import PIL

from pipeline import files
from pipeline.data.building import Index, Preprocess, build, name_within
from pipeline.data.dataset import Split
from pipeline.data.listing import Listing, Warn
from pipeline.data.pictures import decode, quiet
from pipeline.data.progress import Report
from pipeline.errors import DataError

VERSION = 1  # of the files, and of the rules by which `pictures.decode` makes pixels


@dataclass(frozen=True)
class Cached:
    """The two splits, mapped read-only from a file; left_out: why which files could not be read."""

    train: Split
    test: Split
    left_out: dict[Path, str]


class _StaleError(Exception):
    """A cache that is there and cannot be used; the message says what was expected and what came."""


def pictures(folder: Path, found: Listing, preprocess: Preprocess, home: Path, warn: Warn, report: Report) -> Cached:
    """The pictures `found` in a folder, decoded and preprocessed: from the cache in `home`, which is built if need be.

    Where `home` cannot be written they go to a temporary file, and warn(line) says so, as it does of a damaged cache.
    Raises DataError when not one picture of a split can be read, or there is no room for them anywhere.
    """
    key = key_of(folder, found, preprocess)
    try:
        return _opened_or_built(home, key, folder, found, preprocess, warn, report)
    except OSError as error:
        warn(
            f"{home}: cannot keep decoded pictures ({error.strerror or error}): they go to a temporary file and are"
            " decoded again the next time; make it writable, or set NUMSERVE_DATA to a folder that is"
        )
    try:
        return _opened_or_built(_temporary(), key, folder, found, preprocess, warn, report)
    except OSError as error:
        raise DataError(
            f"{tempfile.gettempdir()}: expected room for the decoded pictures ({error.strerror or error}): free some"
            " space, or set NUMSERVE_DATA to a folder that has it"
        ) from error


def key_of(folder: Path, found: Listing, preprocess: Preprocess) -> str:
    """SHA-256 of all that decides the pixels. The folder may move: paths count from it."""
    sha = hashlib.sha256(json.dumps([VERSION, PIL.__version__, preprocess.shape]).encode())
    sha.update(hashlib.sha256(preprocess.key).digest())
    for split in (found.train, found.test):
        for path, number in split:
            line = (name_within(folder, path), found.labels[number], *_stamp(path))
            sha.update(os.fsencode("\0".join(map(str, line)) + "\n"))
        sha.update(b"\0")
    return sha.hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of a file; a broken link has neither."""
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _opened_or_built(
    home: Path, key: str, folder: Path, found: Listing, preprocess: Preprocess, warn: Warn, report: Report
) -> Cached:
    pixels, index = home / f"{key}.pixels", home / f"{key}.json"
    if there := _opened(pixels, index, folder, warn):
        return there
    build(pixels, index, folder, found, preprocess, report)
    if there := _opened(pixels, index, folder, warn):  # what was written is read once more
        return there
    raise DataError(f"{pixels}: expected what has just been written, something else came: check the disk")


def _opened(pixels: Path, index: Path, folder: Path, warn: Warn) -> Cached | None:
    """The cache, if it is there, whole, and has every picture that can be read."""
    try:
        read = _read(index)
        _check(pixels, read)
        _check_left_out(folder, read)
    except FileNotFoundError:
        return None
    except _StaleError as error:
        warn(f"{error}: the pictures are decoded again")
        return None
    return _mapped(pixels, read, folder)


def _read(index: Path) -> Index:
    try:
        read = json.loads(index.read_bytes())
        return Index(**{**read, "shape": tuple(read["shape"])})
    except (ValueError, TypeError, KeyError) as error:
        raise _StaleError(f"{index}: expected the index of a cache, it is damaged ({error})") from error


def _check(pixels: Path, index: Index) -> None:
    if (size := pixels.stat().st_size) != index.size:
        raise _StaleError(f"{pixels}: expected {index.size:,} bytes, came {size:,}")
    if (sha256 := files.sha256(pixels)) != index.sha256:
        raise _StaleError(f"{pixels}: expected SHA-256 {index.sha256[:12]}…, came {sha256[:12]}…")


def _check_left_out(folder: Path, index: Index) -> None:
    """Permissions leave size and time as they are, so the key does not tell that they have been mended."""
    for path in (folder / name for name in index.left_out):
        with quiet(), contextlib.suppress(DataError):
            decode(path)
            raise _StaleError(f"{path}: could not be read before, and can be now")


def _mapped(pixels: Path, index: Index, folder: Path) -> Cached:
    """Each split is a map of its own, whose `filename` and `offset` tell other processes where to find the same."""

    def split(labels: list[int], offset: int) -> Split:
        X = np.memmap(pixels, np.uint8, "r", offset, (len(labels), *index.shape))
        return Split(X, np.array(labels, np.int64))

    train = split(index.train, 0)
    test = split(index.test, train.X.nbytes)
    return Cached(train, test, {folder / name: why for name, why in index.left_out.items()})


@cache
def _temporary() -> Path:
    """A folder that goes when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="numserve-pictures-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
