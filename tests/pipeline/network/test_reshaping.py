"""What comes in, and the way from maps to rows."""

import numpy as np
import pytest

from pipeline.network.reshaping import Flatten, Input

FLOAT = np.dtype(np.float32)


def test_pixels_are_scaled_and_laid_place_example_channel() -> None:
    X = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    Y, _ = Input((3, 4, 5), (3, 4, 5), FLOAT).forward(X)
    assert Y.dtype == FLOAT
    assert Y.shape == (4, 5, 2, 3)
    assert Y[2, 3, 1, 0] == np.float32(X[1, 0, 2, 3]) * np.float32(1 / 255)


def test_a_row_of_pixels_is_in_the_order_c_h_w() -> None:
    X = np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2)
    Y, _ = Input((3, 2, 2), (12,), FLOAT).forward(X)
    np.testing.assert_allclose(Y, [np.arange(12) / 255], rtol=1e-6)


def test_black_is_0_and_white_is_1() -> None:
    Y, _ = Input((1, 1, 2), (2,), FLOAT).forward(np.array([0, 255], np.uint8).reshape(1, 1, 1, 2))
    assert Y[0, 0] == 0
    assert Y[0, 1] == pytest.approx(1)


def test_features_pass_as_they_are() -> None:
    X = np.array([[-3.5, 1e6]], np.float32)
    assert Input((2,), (2,), FLOAT).forward(X)[0] is X


def test_kept_buffers_do_not_leak_from_one_batch_into_another() -> None:
    used = Input((1, 2, 2), (1, 2, 2), FLOAT)
    for n in (3, 1, 5):
        X = np.random.default_rng(n).integers(0, 256, (n, 1, 2, 2), np.uint8)
        np.testing.assert_array_equal(used.forward(X)[0], Input((1, 2, 2), (1, 2, 2), FLOAT).forward(X)[0])


def test_flatten_puts_each_examples_values_in_the_order_h_w_c_and_finds_the_way_back() -> None:
    rows = np.arange(24.0).reshape(2, 12)
    X = np.stack([row.reshape(2, 3, 2) for row in rows], axis=2)  # [H,W,N,C]
    Y, backprop = Flatten((2, 2, 3)).forward(X)
    np.testing.assert_array_equal(Y, rows)
    np.testing.assert_array_equal(backprop(rows), X)
