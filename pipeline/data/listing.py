"""Which pictures a folder holds: one subfolder per label, or `train/` and `test/` with those in each."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.data.pictures import FORMATS, SUFFIXES
from pipeline.data.split import share_for_test
from pipeline.errors import DataError

Warn = Callable[[str], None]
Files = list[tuple[Path, int]]
NO_LABELS = ("__MACOSX",)  # beside hidden ones: what unzipping leaves


@dataclass(frozen=True)
class Listing:
    """Files, each with the index of its label; labels and files in natural order: 2.png before 10.png."""

    labels: tuple[str, ...]
    train: Files
    test: Files


def scan(folder: Path, seed: int = 0, warn: Warn = print, least: int = 2) -> Listing:
    """The labels and files of a folder, without opening one. Without a `test/`, a fifth of each label is it.

    Pictures may lie deeper in their label's folder. Hidden files are passed over, and so are those that are no
    pictures by their names: warn(line) says how many. Raises DataError when there are fewer than two labels, a
    label with fewer than `least` pictures, or a label in `test/` that is not in `train/`.
    """
    root = folder / "train" if subfolders(folder / "train") else folder
    labels = tuple(path.name for path in subfolders(root))
    if len(labels) < 2:
        raise DataError(
            f"{root}: expected a subfolder for each of two labels or more, "
            f"there is {f'only {labels[0]}' if labels else 'none'}: sort the pictures into one folder per label"
        )
    _check_names(root, labels)
    files = _files(root, labels, warn)
    numbers = np.array([number for _, number in files], dtype=np.int64)
    check_counts(root, labels, numbers, least)
    if root != folder and (test := folder / "test").is_dir():
        return Listing(labels, files, _test_files(test, labels, warn))
    kept, held = share_for_test(numbers, seed)
    return Listing(labels, [files[at] for at in kept], [files[at] for at in held])


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder that can be labels, in natural order; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return [path for path in _visible(folder) if path.is_dir() and path.name not in NO_LABELS]


def check_counts(folder: Path, labels: Sequence[str], numbers: NDArray[np.int64], least: int = 2) -> None:
    """Raises DataError unless each label has so many pictures: one to learn from, one to be tested on."""
    counts = np.bincount(numbers, minlength=len(labels))
    if not len(numbers):
        raise DataError(f"{folder}: expected {', '.join(FORMATS)} pictures, there are none: convert or add some")
    few = [f"{label} has {count}" for label, count in zip(labels, counts, strict=True) if count < least]
    if few:
        raise DataError(
            f"{folder}: expected at least {least} pictures of each label, {some(few)}: "
            "add pictures, or remove the label's folder"
        )


def _check_names(root: Path, labels: Sequence[str]) -> None:
    try:
        "".join(labels).encode()
    except UnicodeEncodeError as error:
        bad = next(label for label in labels if label != label.encode(errors="replace").decode())
        raise DataError(f"{root}: expected the labels' names in UTF-8, {bad!r} is not: rename it") from error


def _test_files(test: Path, labels: tuple[str, ...], warn: Warn) -> Files:
    unknown = [path.name for path in subfolders(test) if path.name not in labels]
    if unknown:
        raise DataError(f"{test}: expected only labels that `train` has, came {some(unknown)}: rename or remove it")
    files = _files(test, labels, warn)
    if not files:
        raise DataError(f"{test}: expected pictures to test on, there are none: add some, or remove train and test")
    return files


def _files(root: Path, labels: Sequence[str], warn: Warn) -> Files:
    """The pictures under each label. A link back to a label or to the whole does not make them another's."""
    folders = [root / label for label in labels]
    seen = {_identity(path) for path in (root.parent, root, *folders) if path.is_dir()}
    found = [(path, number) for number, folder in enumerate(folders) for path in _walk(folder, seen)]
    files = [(path, number) for path, number in found if path.suffix.lower() in SUFFIXES]
    if others := len(found) - len(files):
        warn(f"{root}: passed over {others:,} files that are no pictures by their names")
    return files


def _walk(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    for path in _visible(folder):
        if path.is_dir():
            if (identity := _identity(path)) not in seen:
                seen.add(identity)
                yield from _walk(path, seen)
        elif path.is_file() or not path.exists():  # a broken link cannot be read: it will be named
            yield path


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    try:
        return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=_natural)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}): check its permissions") from error


def _natural(path: Path) -> tuple[list[str | int], str]:
    parts = re.split(r"(\d+)", path.name.casefold())
    return [int(part) if at % 2 else part for at, part in enumerate(parts)], path.name


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few of many names, in a row."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
