"""The truth tables."""

import operator
from collections.abc import Callable

import numpy as np
import pytest

from pipeline.data import truth


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("and", operator.and_),
        ("or", operator.or_),
        ("nand", lambda a, b: not (a and b)),
        ("xor", operator.xor),
    ],
)
def test_the_answers_are_those_of_the_operator(name: str, function: Callable[[int, int], int]) -> None:
    data = truth.load(name)
    assert [tuple(map(int, x)) for x in data.train.X] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [int(function(int(a), int(b))) for a, b in data.train.X] == data.train.labels.tolist()
    assert (data.train.X.dtype, data.task, data.columns) == (np.float32, "classification", ("a", "b"))
    assert data.test is data.train


def test_each_is_another_dataset() -> None:
    assert len({truth.load(name).sha256 for name in truth.TABLES}) == len(truth.TABLES) == 4
