"""What was asked of each model by /v2, in Triton's terms, counted by all workers together.

Each worker counts in a table of its own, a file that it maps and that the others read, so nobody waits for another
process. A worker that is started in place of a dead one takes over its table.

    row     model/version/batch (TITLE_BYTES), then 8 numbers of 64 bits: the time of the last request, in ms; how many
            succeeded, and the ns they took; how many failed, and theirs; the ns of input, inference and output
"""

import fcntl
import mmap
import os
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import time_ns
from typing import NamedTuple

# As many pairs of a version and a size of batch are counted; what comes after them is not.
ROWS = 1024
# The longest name that a folder can have, the suffix of preprocessing, and two numbers.
TITLE_BYTES = 288
NUMBERS = struct.Struct("=8q")
ROW_BYTES = TITLE_BYTES + NUMBERS.size
SIZE = ROWS * ROW_BYTES


class Title(NamedTuple):
    """What is counted apart. batch: the size of the batch; 0 for requests that failed, however large they were."""

    name: str
    version: int
    batch: int


class Counts(NamedTuple):
    """The numbers of one row, or of several together."""

    last: int = 0
    successes: int = 0
    success_ns: int = 0
    failures: int = 0
    failure_ns: int = 0
    input_ns: int = 0
    inference_ns: int = 0
    output_ns: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(max(self.last, other.last), *map(sum, zip(self[1:], other[1:], strict=True)))


class Statistics:
    """The table of this worker, and the sums over those of all. Without a folder the worker counts for itself alone."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.table = own_table(folder)
        self.words = memoryview(self.table).cast("q")
        self.places = {title: at for at, (title, _) in enumerate(rows(self.table[:]))}
        self.lock = threading.Lock()

    def succeeded(self, name: str, version: int, batch: int, took: tuple[int, int, int]) -> None:
        """Count an answer. took: the nanoseconds of reading the input, of the inference, of writing the output."""
        self._add(Title(name, version, batch), ((1, 1), (2, sum(took)), (5, took[0]), (6, took[1]), (7, took[2])))

    def failed(self, name: str, version: int, took: int) -> None:
        """Count a request that was refused or failed after `took` nanoseconds."""
        self._add(Title(name, version, 0), ((3, 1), (4, took)))

    def sums(self) -> dict[Title, Counts]:
        """What all workers have counted so far."""
        found: defaultdict[Title, Counts] = defaultdict(Counts)
        for table in [self.table[:]] if self.folder is None else map(Path.read_bytes, tables(self.folder)):
            for title, counts in rows(table):
                found[title] = found[title].plus(counts)
        return found

    def _add(self, title: Title, amounts: tuple[tuple[int, int], ...]) -> None:
        """Add each amount to the number at its place in the row."""
        with self.lock:
            place = self.places.get(title)
            if place is None and (place := self._new(title)) is None:
                return
            at = (place * ROW_BYTES + TITLE_BYTES) // 8
            self.words[at] = time_ns() // 1_000_000
            for number, amount in amounts:
                self.words[at + number] += amount

    def _new(self, title: Title) -> int | None:
        """A row for `title`; None when all are taken."""
        place = len(self.places)
        if place == ROWS:
            return None
        at, text = place * ROW_BYTES, "/".join(map(str, title)).encode()
        self.table[at + 1 : at + len(text)] = text[1:]
        self.table[at] = text[0]  # last: a row is there from its first byte on
        self.places[title] = place
        return place


def own_table(folder: Path | None) -> mmap.mmap:
    """A table that no other living worker counts in: its lock goes with the process that holds it."""
    if folder is None:
        return mmap.mmap(-1, SIZE)
    for number in count():
        file = os.open(folder / f"statistics-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_size < SIZE:
                os.pwrite(file, bytes(SIZE), 0)  # all of it now: a mapped page that a full disk has no room for kills
            return mmap.mmap(file, SIZE)  # which keeps the file, and so the lock, open
        except BlockingIOError:
            continue
        finally:
            os.close(file)
    raise AssertionError("there is no last number")


def tables(folder: Path) -> list[Path]:
    return sorted(folder.glob("statistics-*"))


def rows(table: bytes) -> Iterator[tuple[Title, Counts]]:
    """The rows of a table that are in use."""
    for at in range(0, len(table), ROW_BYTES):
        if not table[at]:
            return
        name, version, batch = table[at : at + TITLE_BYTES].rstrip(b"\0").decode().rsplit("/", 2)
        yield Title(name, int(version), int(batch)), Counts(*NUMBERS.unpack_from(table, at + TITLE_BYTES))
