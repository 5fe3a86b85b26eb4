"""Dropout: what it zeroes, what it keeps, and that it is quiet when answering."""

import numpy as np
import pytest

from pipeline.network.dropout import Dropout

X = np.ones((200, 50), np.float32)


def test_it_zeroes_at_the_rate_and_keeps_the_mean() -> None:
    Y, _ = Dropout((50,), 0.2).forward(X, np.random.default_rng(1))
    assert np.mean(Y == 0) == pytest.approx(0.2, abs=0.02)
    assert set(np.unique(Y)) == {0, np.float32(1.25)}
    assert Y.dtype == np.float32


def test_the_same_chance_the_same_mask() -> None:
    layer = Dropout((50,), 0.5)
    first, second, other = (layer.forward(X, np.random.default_rng(seed))[0].copy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize(("rate", "rng"), [(0.5, None), (0.0, np.random.default_rng(1))])
def test_answering_passes_everything_on(rate: float, rng: np.random.Generator | None) -> None:
    Y, backprop = Dropout((50,), rate).forward(X, rng)
    np.testing.assert_array_equal(Y, X)
    np.testing.assert_array_equal(backprop(X), X)
