"""A file that the main process and its workers map: whether the service is stopping, and what each worker counts.

    page 0                 byte 0: 1 when the service is stopping
    one region a worker    a header, then records: a key (text) and its value (float64)

The header is three numbers (uint64): how many records there are, the worker's process id, its open connections.

Each worker holds a lock on its region for as long as it lives. The one that takes a dead worker's place takes its
region too and counts on from there, so what was counted is never lost and never goes back.
"""

import fcntl
import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

PAGE = 4096
RECORD, VALUE = 512, 8
KEY = RECORD - VALUE
RECORDS = 2048
REGION = PAGE + RECORDS * RECORD
DOUBLE = 8
COUNT, PID, CONNECTIONS = range(3)  # in a header


class Table:
    """The mapped file. Made by the main process in the folder that all share, opened by name in each worker."""

    def __init__(self, path: str, regions: int) -> None:
        self.path, self.regions = path, regions
        self.descriptor = os.open(path, os.O_RDWR)
        self.map = mmap.mmap(self.descriptor, PAGE + regions * REGION)
        self.values = memoryview(self.map).cast("d")
        self.counts = memoryview(self.map).cast("Q")

    @property
    def stopping(self) -> bool:
        return self.map[0] == 1

    def stop(self) -> None:
        self.map[0] = 1

    def claim(self) -> "Region":
        """The first region that no living process holds. Two processes never get the same one."""
        for number in range(self.regions):
            try:
                fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, PAGE + number * REGION)
            except OSError:
                continue
            region = Region(self, number)
            region.header[PID], region.header[CONNECTIONS] = os.getpid(), 0
            return region
        raise RuntimeError(f"all {self.regions} regions of {self.path} are held")

    def workers(self) -> dict[int, int]:
        """The process id of each worker that was last seen to hold a region, by the region's number."""
        return {number: pid for number, pid in enumerate(self.headers(PID)) if pid}

    def connections(self) -> dict[int, int]:
        """How many connections each of these holds open, as it last told."""
        many = self.headers(CONNECTIONS)
        return {number: many[number] for number in self.workers()}

    def headers(self, which: int) -> list[int]:
        """COUNT, PID or CONNECTIONS of every region."""
        return self.counts[PAGE // DOUBLE + which :: REGION // DOUBLE].tolist()

    def totals(self) -> dict[str, float]:
        """Every key with the sum of its values in all regions."""
        found: dict[str, float] = {}
        for number in range(self.regions):
            for key, slot in Region(self, number).records():
                found[key] = found.get(key, 0.0) + self.values[slot]
        return found


class Region:
    """One worker's records. A thread that writes must be the only one that does."""

    def __init__(self, table: Table, number: int) -> None:
        self.table, self.number, self.start = table, number, PAGE + number * REGION
        self.header = table.counts[self.start // DOUBLE :]
        self.slots: dict[str, int] = {}

    @property
    def count(self) -> int:
        return self.header[COUNT]

    def hold(self, connections: int) -> None:
        """Tell how many connections this worker holds open."""
        self.header[CONNECTIONS] = connections

    @property
    def lead(self) -> int:
        """How many more those are than the worker with the fewest holds."""
        return self.header[CONNECTIONS] - min(self.table.connections().values())

    def records(self) -> Iterator[tuple[str, int]]:
        """Each key and where its value is."""
        for number in range(self.count):
            at = self.start + PAGE + number * RECORD
            yield self.table.map[at : at + KEY].rstrip(b"\0").decode(), (at + KEY) // DOUBLE

    def slot(self, key: str) -> int | None:
        """Where the value of `key` is, from now on; None when there is no room for another or it is too long.

        The count is raised last, so that who reads at that moment sees a whole record or none.
        """
        if not self.slots:
            self.slots.update(self.records())
        if key not in self.slots:
            count, data = self.count, key.encode()
            if count >= RECORDS or len(data) > KEY:
                return None
            at = self.start + PAGE + count * RECORD
            self.table.map[at : at + len(data)] = data
            self.slots[key] = (at + KEY) // DOUBLE
            self.header[COUNT] = count + 1
        return self.slots[key]


def create(workers: int, folder: Path | None) -> Table:
    """A new file in `folder`, with a region for every worker and for as many that take over from them."""
    regions = 2 * workers
    descriptor, path = tempfile.mkstemp(prefix="table-", dir=folder)
    os.truncate(descriptor, PAGE + regions * REGION)
    os.close(descriptor)
    return Table(path, regions)
