"""Pooling against its definition, one window at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ArchitectureError
from pipeline.network import notation
from pipeline.network.layer import Array
from pipeline.network.pooling import AveragePooling, MaxPooling, Pooling

KINDS = {"max": (MaxPooling, np.max), "avg": (AveragePooling, np.mean)}


def made(shape: tuple[int, int, int], kind: str, kernel: tuple[int, int], stride: int | None = None) -> Pooling:
    return KINDS[kind][0](shape, notation.Pool(kind, kernel, stride))


@pytest.mark.parametrize("kind", KINDS)
@given(st.tuples(*[st.integers(1, 3)] * 4), st.none() | st.integers(1, 4), st.tuples(*[st.integers(0, 4)] * 2))
def test_every_window(kind: str, sizes: tuple[int, ...], stride: int | None, more: tuple[int, int]) -> None:
    n, channels, kh, kw = sizes
    height, width = kh + more[0], kw + more[1]
    sh, sw = (stride, stride) if stride else (kh, kw)
    layer = made((channels, height, width), kind, (kh, kw), stride)
    X = np.random.default_rng(11).normal(size=(height, width, n, channels))
    Y, _ = layer.forward(X)
    assert Y.shape == (*layer.shape[1:], n, channels) == (more[0] // sh + 1, more[1] // sw + 1, n, channels)
    for y, x, at, c in np.ndindex(Y.shape):
        window = X[y * sh : y * sh + kh, x * sw : x * sw + kw, at, c]
        assert Y[y, x, at, c] == pytest.approx(KINDS[kind][1](window))


def back(layer: Pooling, X: Array, dY: Array) -> Array:
    return layer.forward(X[..., None, None])[1](dY[..., None, None])[..., 0, 0]


def test_a_tie_goes_to_the_first() -> None:
    X = np.array([[1.0, 5, 2, 2], [5, 5, 2, 2]])
    dX = back(made((1, 2, 4), "max", (2, 2)), X, np.array([[10.0, 20]]))
    np.testing.assert_array_equal(dX, [[0, 10, 20, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("X", "place"),
    [
        ([[7, 7, 7], [7, 7, 7], [7, 7, 7]], (0, 0)),
        ([[1, 7, 7], [7, 7, 7], [7, 7, 7]], (0, 1)),
        ([[1, 2, 7], [7, 7, 7], [7, 7, 7]], (0, 2)),
        ([[1, 2, 3], [7, 1, 7], [7, 2, 7]], (1, 0)),
        ([[1, 2, 3], [1, 7, 7], [7, 2, 7]], (1, 1)),
        ([[1, 2, 3], [1, 2, 3], [1, 7, 7]], (2, 1)),
        ([[1, 2, 3], [1, 2, 3], [1, 2, 3]], (0, 2)),
    ],
)
def test_a_tie_goes_to_the_first_row_by_row(X: list[list[int]], place: tuple[int, int]) -> None:
    dX = back(made((1, 3, 3), "max", (3, 3)), np.array(X, float), np.array([[5.0]]))
    assert dX[place] == 5
    assert np.count_nonzero(dX) == 1


@given(st.tuples(*[st.integers(1, 3)] * 4), st.none() | st.integers(1, 4), st.tuples(*[st.integers(0, 4)] * 2))
def test_each_window_gives_its_gradient_to_its_first_largest_value(
    sizes: tuple[int, ...], stride: int | None, more: tuple[int, int]
) -> None:
    n, channels, kh, kw = sizes
    layer, rng = made((channels, kh + more[0], kw + more[1]), "max", (kh, kw), stride), np.random.default_rng(13)
    X = rng.integers(0, 3, (kh + more[0], kw + more[1], n, channels)).astype(float)  # many ties
    Y, backprop = layer.forward(X)
    dY, expected, (sh, sw) = rng.normal(size=Y.shape), np.zeros_like(X), layer.strides
    for y, x, at, c in np.ndindex(Y.shape):
        window = X[y * sh : y * sh + kh, x * sw : x * sw + kw, at, c]
        i, j = np.unravel_index(window.argmax(), window.shape)
        expected[y * sh + i, x * sw + j, at, c] += dY[y, x, at, c]
    np.testing.assert_allclose(backprop(dY), expected, rtol=1e-12, atol=1e-12)


def test_windows_that_overlap_add_up() -> None:
    X = np.array([[1.0, 5, 2]])
    np.testing.assert_array_equal(back(made((1, 1, 3), "max", (1, 2), 1), X, np.array([[3.0, 4]])), [[0, 7, 0]])
    np.testing.assert_array_equal(back(made((1, 1, 3), "avg", (1, 2), 1), X, np.array([[2.0, 4]])), [[1, 3, 2]])


@pytest.mark.parametrize("kind", KINDS)
def test_what_fills_no_window_gets_no_gradient(kind: str) -> None:
    dX = back(made((1, 3, 3), kind, (2, 2)), np.arange(9.0).reshape(3, 3), np.ones((1, 1)))
    assert not dX[2].any()
    assert not dX[:, 2].any()
    assert dX.sum() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_kept_buffers_do_not_leak_from_one_batch_into_another(kind: str) -> None:
    used, rng = made((2, 5, 5), kind, (2, 2), 1), np.random.default_rng(12)
    for n in (4, 1, 6, 3):
        X = rng.normal(size=(5, 5, n, 2))
        Y, backprop = used.forward(X)
        expected, fresh_backprop = made((2, 5, 5), kind, (2, 2), 1).forward(X)
        dY = rng.normal(size=Y.shape)
        np.testing.assert_array_equal(Y, expected)
        np.testing.assert_array_equal(backprop(dY), fresh_backprop(dY))


def test_a_window_larger_than_its_input_is_refused() -> None:
    with pytest.raises(ArchitectureError, match=r"POOL max 2x3: its window 2x3 is larger than its input 4x2x2"):
        made((4, 2, 2), "max", (2, 3))
