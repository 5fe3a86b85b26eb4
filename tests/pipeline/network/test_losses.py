"""The losses against their definitions, and where a definition written naively would break."""

import numpy as np
import pytest

from pipeline.network import losses

T = np.array([[1.0, 0, 0], [0, 0, 1]])
Z = np.array([[0.5, -1, 2], [3, 0, -2]])


def test_one_hot() -> None:
    np.testing.assert_array_equal(losses.one_hot(np.array([0, 2]), 3, np.dtype(np.float32)), T)


def test_mean_squared_error_is_half_the_sum_of_squares() -> None:
    Y = np.array([[0.5, 0.5, 0], [0, 0, 0.0]])
    assert losses.mean_squared_error(Y, T)[0] == ((0.25 + 0.25) / 2 + 1 / 2) / 2


def test_cross_entropies() -> None:
    exp = np.exp(Z)
    softmax, sigmoid = exp / exp.sum(axis=1, keepdims=True), 1 / (1 + np.exp(-Z))
    by_softmax = -np.sum(T * np.log(softmax)) / 2
    by_sigmoid = -np.sum(T * np.log(sigmoid) + (1 - T) * np.log(1 - sigmoid)) / 2
    assert losses.softmax_cross_entropy(Z, T)[0] == pytest.approx(by_softmax, rel=1e-12)
    assert losses.sigmoid_cross_entropy(Z, T)[0] == pytest.approx(by_sigmoid, rel=1e-12)


@pytest.mark.parametrize("loss", [losses.softmax_cross_entropy, losses.sigmoid_cross_entropy])
def test_a_certain_wrong_answer_neither_overflows_nor_stops_learning(loss: losses.Loss) -> None:
    value, dZ = loss(np.array([[-1e4, 1e4]], np.float32), np.array([[1, 0]], np.float32))
    assert value == pytest.approx(2e4)
    np.testing.assert_allclose(dZ, [[-1, 1]])
    assert dZ.dtype == np.float32


@pytest.mark.parametrize("loss", [losses.softmax_cross_entropy, losses.sigmoid_cross_entropy])
def test_the_outputs_are_left_as_they_are(loss: losses.Loss) -> None:
    before = Z.copy()
    loss(Z, T)
    np.testing.assert_array_equal(Z, before)
