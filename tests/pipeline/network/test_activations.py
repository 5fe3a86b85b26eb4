"""The activations at values worked out by hand, and at the ends of what numbers can hold."""

import numpy as np
import pytest

from pipeline.network.activations import activation
from pipeline.network.notation import ACTIVATIONS

X = np.array([[-2.0, 0, 1]])
SUM = np.exp(-2) + 1 + np.e


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("identity", [-2, 0, 1]),
        ("step", [0, 0, 1]),
        ("sigmoid", [1 / (1 + np.exp(2)), 0.5, 1 / (1 + np.exp(-1))]),
        ("tanh", [np.tanh(-2), 0, np.tanh(1)]),
        ("relu", [0, 0, 1]),
        ("softmax", [np.exp(-2) / SUM, 1 / SUM, np.e / SUM]),
    ],
)
def test_values(name: str, expected: list[float]) -> None:
    np.testing.assert_allclose(activation(name, (3,)).forward(X)[0], [expected], rtol=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_huge_values_stay_finite_and_float32_stays_float32(name: str) -> None:
    layer = activation(name, (4,))
    Y, backprop = layer.forward(np.array([[-1e30, -88.8, 88.8, 1e30]], np.float32))
    dX = backprop(np.ones_like(Y))
    assert np.isfinite(Y).all()
    assert np.isfinite(dX).all()
    assert Y.dtype == dX.dtype == np.float32


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_input_is_left_as_it_is(name: str) -> None:
    before = X.copy()
    Y, backprop = activation(name, (3,)).forward(X)
    backprop(np.ones_like(Y))
    np.testing.assert_array_equal(X, before)


def test_the_derivative_of_relu_at_zero_is_zero() -> None:
    Y, backprop = activation("relu", (3,)).forward(X)
    np.testing.assert_array_equal(backprop(np.ones_like(Y)), [[0, 0, 1]])
