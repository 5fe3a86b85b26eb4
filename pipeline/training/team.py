"""The workers: processes that run the same training on the same data and meet once a step.

Each has its own network. What they share is the memory in which shards leave their gradients, and after each meeting
every one of them adds up the same gradients and takes the same step, so that their networks stay equal.

The shared memory is a file that all have mapped; it is unlinked as soon as they have, so that a killed training leaves
nothing behind; at most, if it is killed in its first moment, until the next one begins.
"""

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import files
from pipeline.errors import TrainingError

PREFIX, LOCK = "numserve-", "lock"  # of the folder in which arrays are handed over, and the file in it that is held
PATIENCE = 1.0  # seconds between two looks at whether the others are still alive
SPIN = 0.002  # seconds of looking again and again before going to sleep: to be woken takes longer than most waits
Arrays = dict[str, np.ndarray]


@dataclass
class Team:
    """One worker's view of the team. rank 0 is the parent, which alone reports.

    semaphores: two for each worker, [size][2]; meetings use them in turn, so that one who hurries ahead to the next
    meeting cannot be taken for one who arrives at this.
    """

    rank: int
    size: int
    arrays: Arrays
    semaphores: list[list[Semaphore]]
    check: Callable[[], None] = lambda: None
    meetings: int = 0

    def meet(self) -> None:
        """Wait until every worker has come here. Raises TrainingError when one of them cannot come any more."""
        turn = self.meetings % 2
        self.meetings += 1
        for rank in range(self.size):
            if rank != self.rank:
                self.semaphores[rank][turn].release()
        for _ in range(self.size - 1):
            self._await(self.semaphores[self.rank][turn])

    def _await(self, semaphore: Semaphore) -> None:
        end = time.perf_counter() + SPIN
        while time.perf_counter() < end:
            if semaphore.acquire(False):
                return
            os.sched_yield()  # to whoever else wants this core
        while not semaphore.acquire(timeout=PATIENCE):
            self.check()


def alone(arrays: Arrays) -> Team:
    """A team of one: it meets nobody."""
    return Team(0, 1, arrays, [])


@contextmanager
def gather(size: int, arrays: Arrays, job: Callable[..., None], *arguments: Any) -> Iterator[Team]:
    """A team of `size`, of which this process is rank 0; each other runs `job(team, *arguments)` in a process.

    arrays: what all of them see, by name; what one writes there, the others read.
    """
    context = multiprocessing.get_context("spawn")
    semaphores = [[context.Semaphore(0), context.Semaphore(0)] for _ in range(size)]
    with _folder() as folder:
        maps = _share(folder, arrays)
        workers: list[BaseProcess] = [
            context.Process(target=_worker, args=(rank, size, maps, semaphores, job, arguments), daemon=True)
            for rank in range(1, size)
        ]
        team = Team(0, size, _map(maps), semaphores, lambda: _check(workers))
        try:
            _start(workers)
            team.meet()  # all have mapped the memory
        except BaseException:
            _end(workers)
            raise
    try:
        yield team
    finally:
        _end(workers)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for the moment until all have mapped what is in it. Those of killed trainings are removed."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), files.held(left):
            shutil.rmtree(left.parent)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name, files.held(Path(name) / LOCK):
        yield Path(name)


def _start(workers: list[BaseProcess]) -> None:
    """What asks to end reaches everyone, and the parent decides: the workers inherit that it is held back."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        for worker in workers:
            worker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


Maps = dict[str, dict[str, Any]]  # by name, what np.memmap makes the array of


def _share(folder: Path, arrays: Arrays) -> Maps:
    """Each array as a file that all can map; what is in a file already stays there, and is only read."""
    return {name: _in_a_file(array) or _into_a_file(folder / name, array) for name, array in arrays.items()}


def _into_a_file(path: Path, array: np.ndarray) -> dict[str, Any]:
    with path.open("wb") as file:
        array.tofile(file)
    return {"filename": path, "dtype": array.dtype.str, "mode": "r+", "shape": array.shape}


def _in_a_file(array: np.ndarray) -> dict[str, Any] | None:
    """Where a part of a mapped file is; None for other arrays."""
    if not isinstance(array, np.memmap) or array.filename is None or not array.flags.c_contiguous:
        return None
    whole = array
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    offset = whole.offset + array.ctypes.data - whole.ctypes.data
    return {"filename": array.filename, "dtype": array.dtype.str, "mode": "r", "offset": offset, "shape": array.shape}


def _map(maps: Maps) -> Arrays:
    return {
        name: np.memmap(**of).view(np.ndarray) if 0 not in of["shape"] else np.empty(of["shape"], of["dtype"])
        for name, of in maps.items()
    }


def _worker(
    rank: int,
    size: int,
    maps: Maps,
    semaphores: list[list[Semaphore]],
    job: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    team = Team(rank, size, _map(maps), semaphores, _check_parent)
    team.meet()
    try:
        job(team, *arguments)
    except TrainingError:
        sys.exit(1)  # the parent meets the same error, and says so


def _check(workers: list[BaseProcess]) -> None:
    for worker in workers:
        if not worker.is_alive():
            raise TrainingError(
                f"a worker process ended with exit code {worker.exitcode} before the training did (-9 is a kill, often"
                " for want of memory): go on with --resume, if need be with fewer --workers"
            )


def _check_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None or not parent.is_alive():
        os._exit(1)


def _end(workers: list[BaseProcess]) -> None:
    for worker in workers:
        if worker.pid is not None:
            worker.kill()
            worker.join()
