"""What is measured of answers in numbers, and the closed form beside which they are set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.regression import least_squares, measure, r2

t = np.array([1.0, 2.0, 3.0, 6.0])


def test_the_figures_by_hand() -> None:
    found = measure(np.array([1.0, 2.0, 5.0, 6.0]), t, t)
    assert (found.samples, found.rmse, found.mae, found.loss) == (4, 1.0, 0.5, 0.5)
    assert found.r2 == pytest.approx(1 - 4 / 14)
    assert found.least_squares_r2 == 1


def test_r2_of_the_mean_is_0_and_of_targets_that_are_all_the_same_1_or_0() -> None:
    assert r2(np.full(4, t.mean()), t) == 0
    assert (r2(np.ones(3), np.ones(3)), r2(np.zeros(3), np.ones(3))) == (1, 0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_nothing_beats_least_squares_where_it_was_fitted(seed: int, D: int) -> None:
    rng = np.random.default_rng(seed)
    X, targets = rng.normal(5, [1000.0, 0.01, 1.0, 10.0][:D], (30, D)), rng.normal(size=30)
    w, b = least_squares(X, targets)
    error = float(np.sum((X @ w + b - targets) ** 2))
    for _ in range(5):
        other = np.sum((X @ (w + rng.normal(0, 1e-3, D)) + b + rng.normal(0, 1e-3) - targets) ** 2)
        assert error <= other + 1e-9


def test_it_finds_the_plane_that_the_points_lie_on() -> None:
    X = np.random.default_rng(1).normal(size=(10, 3)) * [1, 1e4, 1e-3]
    w, b = least_squares(X, X @ [2, -3e-4, 5e3] + 7)
    np.testing.assert_allclose([*w, b], [2, -3e-4, 5e3, 7], rtol=1e-9)


def test_a_column_that_never_changes_is_no_trouble() -> None:
    X = np.column_stack([np.full(4, 3.0), t])
    w, b = least_squares(X, 2 * t + 1)
    np.testing.assert_allclose(X @ w + b, 2 * t + 1)
