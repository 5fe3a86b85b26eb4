"""Reads IDX, the format MNIST came in: a magic number, the size of each dimension, then the bytes themselves.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (1998), end of the page.
"""

import gzip
import math
import struct
import zlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.data.dataset import Split
from pipeline.errors import DataError

IMAGES, LABELS = 0x00000803, 0x00000801  # 08: unsigned bytes; 03 and 01: the number of dimensions
CONTENT = {IMAGES: "images", LABELS: "labels"}
DEFLATE_LIMIT = 1032  # deflate cannot shrink anything by more than this factor
CHUNK = 1 << 20
AGAIN = "delete it and fetch it again"
AGAIN = "delete it and fetch it again"


def read_split(images: Path, labels: Path, classes: int | None = None) -> Split:
    """One split from its two files: X uint8 [N,1,H,W] and labels int64 [N], each in [0, classes).

    Raises DataError when a file is missing, damaged or not what it should be, or when the two do not fit.
    """
    X, y = read_images(images), read_labels(labels)
    if len(X) != len(y):
        raise DataError(
            f"{labels}: expected one label for each of the {len(X)} images in {images.name}, "
            f"there are {len(y)}: take both files from the same dataset"
        )
    if classes is not None and y.max() >= classes:
        at = int(np.argmax(y >= classes))
        raise DataError(
            f"{labels}: expected labels from 0 to {classes - 1}, label {at} is {y[at]}: "
            "is this the labels file of another dataset?"
        )
    return Split(X, y)


def read_images(path: Path) -> NDArray[np.uint8]:
    """The pictures of an IDX file, gzipped or not: uint8 [N,1,H,W]. Raises DataError as `read_split` does."""
    pixels = _read(path, IMAGES)
    return pixels[:, np.newaxis]


def read_labels(path: Path) -> NDArray[np.int64]:
    """The labels of an IDX file, gzipped or not: int64 [N]. Raises DataError as `read_split` does."""
    return _read(path, LABELS).astype(np.int64)


def _read(path: Path, magic: int) -> NDArray[np.uint8]:
    try:
        with _opened(path) as file:
            sizes = _header(path, file, magic)
            return _body(path, file, sizes)
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected IDX {CONTENT[magic]}, there is no file: fetch it") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: expected a whole gzip file, it is cut off or damaged ({error}): {AGAIN}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}): check its permissions") from error


def _opened(path: Path) -> AbstractContextManager[IO[bytes]]:
    """The file, unzipped on the way when its first bytes say that it is zipped, whatever its name says."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")


def _header(path: Path, file: IO[bytes], magic: int) -> tuple[int, ...]:
    (came,) = _integers(path, file, 1)
    if came != magic:
        raise DataError(
            f"{path}: expected IDX {CONTENT[magic]} (magic 0x{magic:08x}), came "
            f"{'IDX ' + CONTENT[came] if came in CONTENT else 'something else'} (0x{came:08x}): "
            f"{'are the images and labels swapped?' if came in CONTENT else 'is this the right file?'}"
        )
    sizes = _integers(path, file, magic & 0xFF)
    if 0 in sizes:
        raise DataError(f"{path}: expected at least one example, the header says {_times(sizes)}: {AGAIN}")
    return sizes


def _integers(path: Path, file: IO[bytes], count: int) -> tuple[int, ...]:
    raw = file.read(4 * count)
    if len(raw) < 4 * count:
        raise DataError(f"{path}: expected an IDX header, the file ends within it: {AGAIN}")
    return struct.unpack(f">{count}I", raw)


def _body(path: Path, file: IO[bytes], sizes: tuple[int, ...]) -> NDArray[np.uint8]:
    """What follows the header, without trusting it: memory grows with what is there, not with the claim."""
    expected = math.prod(sizes)
    content = bytearray()
    if expected <= path.stat().st_size * DEFLATE_LIMIT:
        while len(content) <= expected and (chunk := file.read(CHUNK)):
            content += chunk
    if len(content) < expected:
        raise DataError(
            f"{path}: expected {_times(sizes)} = {expected} bytes after the header, "
            f"the file is cut off{f' after {len(content)}' if content else ''}: {AGAIN}"
        )
    if len(content) > expected:
        raise DataError(
            f"{path}: expected {_times(sizes)} = {expected} bytes after the header, there are more: "
            f"its header is wrong, {AGAIN}"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(sizes)


def _times(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
