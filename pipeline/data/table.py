"""A dataset from a .csv file: a first line with the names of the columns, then an example a line."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.data import digest
from pipeline.data.dataset import Dataset, Split, Task
from pipeline.data.split import share_for_test, subset
from pipeline.errors import DataError

LARGEST = float(np.finfo(np.float32).max)
FEW = 20  # examples, of fewer than which none is set apart


def load(path: Path, seed: int = 0, target: str | None = None, task: Task = "classification") -> Dataset:
    """Features float32 [N,D], all columns but one, and the labels, or the numbers of a regression, in that one.

    target: the name of that column, by default the last. A fifth is set apart by seed to test on; of fewer than FEW
    examples nothing is, and the test set is what was learned from. Columns are separated by commas or by semicolons.
    Raises DataError, with the line, where the file is anything else.
    """
    names, rows = _read(path)
    target = names[-1] if target is None else target
    if target not in names:
        raise DataError(f"{path}: expected a column called “{target}”, there are {', '.join(names)}: see --target")
    at = names.index(target)
    columns = tuple(name for name in names if name != target)
    X = np.array([_numbers(path, line, names, row, skip=at) for line, row in rows], np.float32)
    answers = [(line, row[at].strip()) for line, row in rows]
    if task == "regression":
        numbers = [_number(path, line, target, text) for line, text in answers]
        everything, labels = Split(X, np.array(numbers, np.float32)), [target]
    else:
        everything, labels = _labelled(path, X, [text for _, text in answers], target)
    train, test = _parts(path, everything, labels, seed)
    return digest.dataset(path.stem, train, test, tuple(labels), None, task, target, columns)


def _read(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and the rows that are not empty, each with the number of its line."""
    try:
        text = path.read_text("utf-8-sig")
        head = text.partition("\n")[0]
        delimiter = ";" if head.count(";") > head.count(",") else ","
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a text file of columns in UTF-8, but {error}") from error
    if len(lines) < 3:
        raise DataError(f"{path}: expected a line with the names of the columns and two examples or more: add some")
    names = [cell.strip() for cell in lines[0][1]]
    if len(names) < 2 or "" in names or len(set(names)) < len(names):
        raise DataError(f"{path}, line {lines[0][0]}: expected different names of two columns or more, came {names}")
    if all(map(_is_number, names)):
        raise DataError(f"{path}, line {lines[0][0]}: expected the names of the columns, came numbers: add such a line")
    for line, row in lines[1:]:
        if len(row) != len(names):
            raise DataError(f"{path}, line {line}: expected {len(names)} columns, came {len(row)}")
    return names, lines[1:]


def _numbers(path: Path, line: int, names: Sequence[str], row: Sequence[str], skip: int) -> list[float]:
    pairs = zip(names, row, strict=True)
    return [_number(path, line, name, text) for at, (name, text) in enumerate(pairs) if at != skip]


def _number(path: Path, line: int, name: str, text: str) -> float:
    if not _is_number(text):
        raise DataError(
            f"{path}, line {line}: expected a number that fits float32 in “{name}”, came “{text[:40]}”:"
            " fill it, or leave out the line or the column"
        )
    return float(text)


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) <= LARGEST
    except ValueError:
        return False


def _labelled(path: Path, X: NDArray[np.float32], texts: Sequence[str], target: str) -> tuple[Split, list[str]]:
    """The examples with their labels, which stand in the order of their numbers, if they are numbers."""
    distinct = set(texts)
    labels = sorted(distinct, key=(lambda text: (float(text), text)) if all(map(_is_number, distinct)) else str)
    if len(labels) < 2 or "" in labels:
        raise DataError(f"{path}: expected two labels or more, and none empty, in “{target}”, came {labels[:5]}")
    if len(labels) > max(FEW, len(texts) // 2):
        raise DataError(
            f"{path}: expected labels in “{target}”, nearly each of its {len(texts):,} is another: these are numbers to"
            " be met, which `train linear` learns"
        )
    number = {label: at for at, label in enumerate(labels)}
    return Split(X, np.array([number[text] for text in texts], np.int64)), labels


def _parts(path: Path, everything: Split, labels: Sequence[str], seed: int) -> tuple[Split, Split]:
    if len(everything) < FEW:
        return everything, everything
    numbers = everything.labels
    if numbers.dtype.kind == "f":
        numbers = np.zeros(len(everything), np.int64)  # nothing to be balanced
    elif 1 in (counts := np.bincount(numbers)):
        once = labels[int(np.argmax(counts == 1))]
        raise DataError(f"{path}: expected two examples or more of each label, there is one of “{once}”: add some")
    kept, held = share_for_test(numbers, seed)
    return subset(everything, kept), subset(everything, held)
