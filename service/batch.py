"""Runs of a network, of one request or of several at once.

Requests that start in the same turn of the loop run as one batch: it costs less than each by itself, for a wide fully
connected network a quarter (docs/serving.md). Nobody waits for it, and nobody is harmed by another's input.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.exchange import Answer
from service.notes import notes
from service.runtime import Model

log = logging.getLogger(__name__)
# Rows that run together; a request that has more runs alone.
MOST_ROWS = 32


class Ran(NamedTuple):
    """What a network gave for the rows of one request.

    Y: [N,K]. start, end: of the run, by perf_counter. rows: of the whole run; 0 if another request tells of them.
    """

    Y: NDArray[Any]
    start: float
    end: float
    rows: int

    def note(self) -> None:
        """Note the run down for the request that this thread works on."""
        notes.stages.append(("inference", self.start, self.end))
        if self.rows:
            notes.batches.append(self.rows)


@dataclass(frozen=True)
class Pending:
    """A request that needs one run: X [N,…] through the network of `model`, and then `tell` makes the answer.

    failed: counts the request, if the network fails on it.
    """

    model: Model
    X: NDArray[Any]
    tell: Callable[[Ran], Answer]
    failed: Callable[[], None] = lambda: None


def run(model: Model, X: NDArray[Any]) -> Ran:
    """One request by itself."""
    start = perf_counter()
    Y = model.probabilities(X)
    return Ran(Y, start, perf_counter(), len(X))


def run_together(pending: Sequence[Pending]) -> list[Ran | Exception]:
    """What the networks give for each; an exception where a network fails on the request even by itself."""
    found: dict[int, Ran | Exception] = {}
    for numbers in batches(pending):
        found |= zip(numbers, run_batch([pending[number] for number in numbers]), strict=True)
    return [found[number] for number in range(len(pending))]


def batches(pending: Sequence[Pending]) -> Iterator[list[int]]:
    """The numbers of those that can run together: for the same network, and of at most MOST_ROWS rows."""
    by_model: dict[int, list[int]] = defaultdict(list)
    for number, each in enumerate(pending):
        by_model[id(each.model)].append(number)
    for numbers in by_model.values():
        batch, rows = [numbers[0]], len(pending[numbers[0]].X)
        for number in numbers[1:]:
            rows += len(pending[number].X)
            if rows > MOST_ROWS:
                yield batch
                batch, rows = [], len(pending[number].X)
            batch.append(number)
        yield batch


def run_batch(batch: list[Pending]) -> list[Ran | Exception]:
    if len(batch) > 1:
        try:
            return list(parts(batch, run(batch[0].model, np.concatenate([each.X for each in batch]))))
        except Exception as error:
            log.warning("a batch of %d requests failed, so each runs alone: %s", len(batch), error)
    return [run_alone(each) for each in batch]


def parts(batch: list[Pending], ran: Ran) -> Iterator[Ran]:
    """Each request's own rows of a run of all."""
    start = 0
    for each in batch:
        end = start + len(each.X)
        yield Ran(ran.Y[start:end], ran.start, ran.end, ran.rows if start == 0 else 0)
        start = end


def run_alone(pending: Pending) -> Ran | Exception:
    try:
        return run(pending.model, pending.X)
    except Exception as error:
        return error
