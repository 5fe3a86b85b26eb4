"""Requests that run together: each gets its own rows, and none suffers from another."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stores import publish_images

from service.app import create_app
from service.batch import MOST_ROWS, Pending, Ran, run_together
from service.config import Config


class Network:
    """Doubles; remembers how many rows each run had. Fails on a batch with a negative number in it."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def probabilities(self, X: Any) -> Any:
        self.runs.append(len(X))
        if (X < 0).any():
            raise ValueError("a negative number")
        return 2 * X


def pending(model: Any, *rows: float) -> Pending:
    return Pending(model, np.array(rows, np.float32)[:, None], lambda ran: (200, [], b""))


def rows(ran: Ran | Exception) -> list[float]:
    assert isinstance(ran, Ran)
    return [float(each) for each in ran.Y[:, 0]]


def test_each_gets_its_own_rows_and_the_run_is_told_of_once() -> None:
    one, other = Network(), Network()
    found = run_together([pending(one, 1, 2), pending(other, 3), pending(one, 4)])
    assert [rows(each) for each in found] == [[2, 4], [6], [8]]
    assert (one.runs, other.runs) == ([3], [1])
    assert [each.rows for each in found if isinstance(each, Ran)] == [3, 1, 0]


def test_no_more_rows_than_allowed_run_together() -> None:
    network = Network()
    half = MOST_ROWS // 2
    found = run_together([pending(network, *[each] * half) for each in range(5)] + [pending(network, *[9] * 100)])
    assert [rows(each)[0] for each in found] == [0, 2, 4, 6, 8, 18]
    assert network.runs == [MOST_ROWS, MOST_ROWS, half, 100]


def test_one_that_fails_does_not_harm_the_others() -> None:
    network = Network()
    first, bad, last = run_together([pending(network, 1), pending(network, -1), pending(network, 2)])
    assert (rows(first), rows(last)) == ([2], [4])
    assert isinstance(bad, ValueError)


def test_nothing_to_run() -> None:
    assert run_together([]) == []


def test_together_networks_answer_as_alone(tmp_path: Path, picture: Callable[..., bytes]) -> None:
    publish_images(tmp_path)
    model = create_app(Config(store=tmp_path)).extensions["numserve"].get("cnn")
    X = np.random.default_rng(1).integers(0, 256, (6, *model.manifest.input.dims), dtype=np.uint8)
    alone = [model.probabilities(each[None]) for each in X]
    asked = [Pending(model, each[None], SimpleNamespace()) for each in X]  # type: ignore[arg-type]
    for ran, expected in zip(run_together(asked), alone, strict=True):
        assert isinstance(ran, Ran)
        assert pytest.approx(expected, abs=1e-6) == ran.Y
