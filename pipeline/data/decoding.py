"""Decodes many picture files, in order: the first few here, the rest in as many processes as there are cores.

Not in threads: of the time that a small PNG takes, more than half is Python's own, which threads cannot do at once. On
two cores of which others used a part, threads had 0.91 of them and did 4,556 pictures a second, where a single thread
had 0.66 and did 4,540; processes had 1.03 and did 6,581 (`benchmarks/decoding.py`).
"""

import multiprocessing
import os
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.pictures import decode, quiet
from pipeline.errors import DataError

Function = Callable[[NDArray[np.uint8]], Any]  # of a picture, RGB [h,w,3]: an array, or a number; can be pickled
PATIENCE = 1.0  # seconds: about what it takes until processes have started
PART = 20  # of what is done within PATIENCE, a process gets a twentieth at a time: Ctrl-C is heard soon
AHEAD = 2  # parts for each process that are under way or wait to be taken, so that nothing piles up


@dataclass(frozen=True)
class Part:
    """What came of files in a row. results: [n,...] of those that can be read; problems: of the others, by place."""

    count: int
    results: NDArray[Any]
    problems: dict[int, str]

    @property
    def read(self) -> NDArray[np.int64]:
        """The places, from 0, of those that can be read."""
        return np.setdiff1d(np.arange(self.count), list(self.problems))


def decoded(files: Sequence[Path], function: Function) -> Iterator[Part]:
    """`function` of each picture, part by part in the order of the files.

    Raises DataError when a process is killed.
    """
    cores, start, done = _cores(), time.monotonic(), 0
    with quiet():
        while done < len(files) and (cores == 1 or time.monotonic() - start < PATIENCE):
            yield _part(files[done : done + 1], function)
            done += 1
    if done < len(files):
        yield from _by_processes(files[done:], function, cores, max(1, done // PART))


def _part(files: Sequence[Path], function: Function) -> Part:
    results, problems = [], {}
    for at, path in enumerate(files):
        try:
            results.append(function(decode(path)))
        except DataError as error:
            problems[at] = str(error)
    return Part(len(files), np.array(results), problems)


def _by_processes(files: Sequence[Path], function: Function, cores: int, size: int) -> Iterator[Part]:
    parts: deque[Future[Part]] = deque()
    pool = ProcessPoolExecutor(cores, multiprocessing.get_context("spawn"), _begin)
    try:
        for start in range(0, len(files), size):
            with _uninterrupted():
                parts.append(pool.submit(_part, files[start : start + size], function))
            if len(parts) == AHEAD * cores:
                yield parts.popleft().result()
        while parts:
            yield parts.popleft().result()
    except BrokenProcessPool as error:
        raise DataError(
            "a process that decodes pictures was ended from outside, often for want of memory: make room, and try again"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """In each process: no warnings of Pillow's, and no life without a parent that takes what is decoded."""
    warnings.simplefilter("ignore")
    parent = multiprocessing.parent_process()
    assert parent

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """What asks to end reaches everyone, and the parent decides: processes made meanwhile inherit that."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cores() -> int:
    """Those that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
