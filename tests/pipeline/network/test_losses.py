"""The losses against their definitions, and where a definition written naively would break."""

import numpy as np
import pytest

from pipeline.network import losses

T = np.array([[1.0, 0, 0], [0, 0, 1]])
Z = np.array([[0.5, -1, 2], [3, 0, -2]])
LOSSES = [losses.mean_squared_error, losses.softmax_cross_entropy, losses.sigmoid_cross_entropy]


def test_one_hot() -> None:
    np.testing.assert_array_equal(losses.one_hot(np.array([0, 2]), 3, np.dtype(np.float32)), T)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_smoothing_shares_out_a_part_evenly(smoothing: float, dtype: type[np.floating]) -> None:
    labels, K = np.array([3, 0, 3, 4]), 5
    smooth = losses.one_hot(labels, K, np.dtype(dtype), smoothing)
    assert smooth.dtype == dtype
    np.testing.assert_allclose(smooth.sum(axis=1), 1, rtol=1e-6)
    true = np.eye(K, dtype=bool)[labels]
    np.testing.assert_allclose(smooth[true], 1 - smoothing + smoothing / K, rtol=1e-6)
    np.testing.assert_allclose(smooth[~true], smoothing / K, rtol=1e-6)


def test_mean_squared_error_is_half_the_sum_of_squares() -> None:
    Y = np.array([[0.5, 0.5, 0], [0, 0, 0.0]])
    assert losses.mean_squared_error(Y, T, 2)[0] == ((0.25 + 0.25) / 2 + 1 / 2) / 2


def test_cross_entropies() -> None:
    exp = np.exp(Z)
    softmax, sigmoid = exp / exp.sum(axis=1, keepdims=True), 1 / (1 + np.exp(-Z))
    by_softmax = -np.sum(T * np.log(softmax)) / 2
    by_sigmoid = -np.sum(T * np.log(sigmoid) + (1 - T) * np.log(1 - sigmoid)) / 2
    assert losses.softmax_cross_entropy(Z, T, 2)[0] == pytest.approx(by_softmax, rel=1e-12)
    assert losses.sigmoid_cross_entropy(Z, T, 2)[0] == pytest.approx(by_sigmoid, rel=1e-12)


@pytest.mark.parametrize("loss", [losses.softmax_cross_entropy, losses.sigmoid_cross_entropy])
def test_a_certain_wrong_answer_neither_overflows_nor_stops_learning(loss: losses.Loss) -> None:
    value, dZ = loss(np.array([[-1e4, 1e4]], np.float32), np.array([[1, 0]], np.float32), 1)
    assert value == pytest.approx(2e4)
    np.testing.assert_allclose(dZ, [[-1, 1]])
    assert dZ.dtype == np.float32


@pytest.mark.parametrize("loss", LOSSES)
def test_the_outputs_are_left_as_they_are(loss: losses.Loss) -> None:
    before = Z.copy()
    loss(Z, T, 2)
    np.testing.assert_array_equal(Z, before)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_parts_of_a_batch_add_up_to_its_mean(loss: losses.Loss, smoothing: float) -> None:
    rng, B = np.random.default_rng(3), 7
    Y, targets = rng.normal(size=(B, 4)), losses.one_hot(rng.integers(0, 4, B), 4, np.dtype(np.float64), smoothing)
    value, dY = loss(Y, targets, B)
    parts = [loss(Y[part], targets[part], B) for part in (slice(0, 3), slice(3, 4), slice(4, 7))]
    assert sum(part[0] for part in parts) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(np.concatenate([part[1] for part in parts]), dY, rtol=1e-12)
    assert value == pytest.approx(np.mean([loss(Y[n : n + 1], targets[n : n + 1], 1)[0] for n in range(B)]), rel=1e-12)
