"""The schedules at their ends, and which way they go in between."""

import numpy as np
import pytest

from pipeline.training.schedules import RISE, SCHEDULES, cosine, one_cycle, steps

T = np.linspace(0, 1, 401)


@pytest.mark.parametrize(
    ("name", "start", "middle", "end"),
    [
        ("constant", 1, 1, 1),
        ("steps", 1, 0.1, 0.01),
        ("cosine", 1, 0.5, 0),
        ("one-cycle", 1 / 25, 0.75, 0),
    ],
)
def test_ends_and_middle(name: str, start: float, middle: float, end: float) -> None:
    assert [SCHEDULES[name](t) for t in (0.0, 0.5, 1.0)] == pytest.approx([start, middle, end])


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_factor_between_0_and_1(name: str) -> None:
    factors = [SCHEDULES[name](t) for t in T]
    assert min(factors) >= 0
    assert max(factors) == 1


@pytest.mark.parametrize("name", ["constant", "steps", "cosine"])
def test_never_upwards(name: str) -> None:
    assert (np.diff([SCHEDULES[name](t) for t in T]) <= 0).all()


def test_steps_are_at_a_half_and_three_quarters() -> None:
    assert [steps(t) for t in (0.499, 0.5, 0.749, 0.75)] == [1, 0.1, 0.1, 0.01]


def test_one_cycle_rises_then_falls_without_a_jump() -> None:
    factors = np.array([one_cycle(t) for t in T])
    rising = T <= RISE
    assert (np.diff(factors[rising]) > 0).all()
    assert (np.diff(factors[~rising]) < 0).all()
    assert one_cycle(RISE) == 1
    assert np.abs(np.diff(factors)).max() < 0.02


def test_cosine_is_half_a_wave() -> None:
    assert cosine(1 / 3) == pytest.approx(0.75)
