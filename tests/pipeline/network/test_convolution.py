"""The convolution against its definition, one loop for each sum in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ArchitectureError
from pipeline.network import notation
from pipeline.network.convolution import Convolution
from pipeline.network.layer import Array


def made(shape: tuple[int, int, int], spec: notation.Conv) -> Convolution:
    layer, rng = Convolution(shape, spec), np.random.default_rng(5)
    layer.parameters = {name: rng.normal(size=shape) for name, shape in layer.parameter_shapes.items()}
    layer.gradients = {name: np.zeros(shape) for name, shape in layer.parameter_shapes.items()}
    return layer


def naive(X: Array, W: Array, b: Array, s: int) -> Array:
    """Y[n,y,x,f] = Σ X[n, s·y+i, s·x+j, c] W[f,i,j,c] + b[f], for X that is padded already."""
    N, H, K, C = X.shape
    F, kh, kw, _ = W.shape
    Y = np.empty((N, (H - kh) // s + 1, (K - kw) // s + 1, F))
    for n, y, x, f in np.ndindex(Y.shape):
        Y[n, y, x, f] = b[f]
        for i, j, c in np.ndindex(kh, kw, C):
            Y[n, y, x, f] += X[n, s * y + i, s * x + j, c] * W[f, i, j, c]
    return Y


@given(st.integers(1, 3), st.integers(1, 3), st.tuples(*[st.integers(1, 6)] * 2), st.integers(1, 3), st.data())
def test_valid(n: int, channels: int, sides: tuple[int, int], stride: int, data: st.DataObject) -> None:
    kernel = tuple(data.draw(st.integers(1, side)) for side in sides)
    layer = made((channels, *sides), notation.Conv(data.draw(st.integers(1, 3)), kernel, stride))
    X = np.random.default_rng(6).normal(size=(n, *sides, channels))
    Y, _ = layer.forward(X)
    np.testing.assert_allclose(Y, naive(X, **layer.parameters, s=stride), rtol=1e-10, atol=1e-12)
    assert Y.shape[1:] == (*layer.shape[1:], layer.shape[0])


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "pads"),
    [(7, 3, 1, (1, 1)), (7, 2, 1, (0, 1)), (8, 5, 2, (1, 2)), (8, 3, 2, (0, 1)), (7, 4, 3, (1, 2)), (6, 1, 4, (0, 0))],
)
def test_same_pads_with_zeros_the_odd_one_after(side: int, kernel: int, stride: int, pads: tuple[int, int]) -> None:
    layer = made((2, side, side + 1), notation.Conv(3, (kernel, 1), stride, "same"))
    assert layer.shape == (3, -(-side // stride), -(-(side + 1) // stride))
    X = np.random.default_rng(7).normal(size=(2, side, side + 1, 2))
    padded = np.pad(X, ((0, 0), pads, (0, 0), (0, 0)))
    np.testing.assert_allclose(layer.forward(X)[0], naive(padded, **layer.parameters, s=stride), rtol=1e-10)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4))
def test_same_keeps_the_size_divided_by_the_stride(side: int, kernel: int, stride: int) -> None:
    layer = Convolution((1, 9, 5 + side), notation.Conv(2, (kernel, kernel), stride, "same"))
    assert layer.shape == (2, -(-9 // stride), -(-(5 + side) // stride))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_kept_buffers_do_not_leak_from_one_batch_into_another(padding: str) -> None:
    """Buffers grow and are used again for smaller batches: each answer is that of a fresh layer."""
    spec = notation.Conv(3, (3, 2), 2, padding)
    used, rng = made((2, 6, 5), spec), np.random.default_rng(8)
    for n in (4, 1, 6, 3):
        X = rng.normal(size=(n, 6, 5, 2))
        fresh = made((2, 6, 5), spec)
        Y, backprop = used.forward(X)
        expected, fresh_backprop = fresh.forward(X)
        dY = rng.normal(size=Y.shape)
        np.testing.assert_array_equal(Y, expected)
        np.testing.assert_array_equal(backprop(dY), fresh_backprop(dY))
        np.testing.assert_array_equal(used.gradients["W"], fresh.gradients["W"])


def test_an_input_with_gaps_in_memory() -> None:
    layer, wide = made((2, 6, 5), notation.Conv(3, (3, 2))), np.random.default_rng(9).normal(size=(2, 12, 5, 4))
    X = wide[:, ::2, :, 1:3]
    np.testing.assert_allclose(layer.forward(X)[0], naive(X, **layer.parameters, s=1), rtol=1e-10)


def test_buffers_follow_the_dtype() -> None:
    layer = made((1, 4, 4), notation.Conv(2, (3, 3)))
    X = np.ones((1, 4, 4, 1))
    layer.forward(X.astype(np.float32))
    assert layer.forward(X)[0].dtype == np.float64


def test_the_first_layer_leaves_dx_out_and_learns_the_same() -> None:
    spec = notation.Conv(3, (3, 3))
    first, later = made((1, 5, 5), spec), made((1, 5, 5), spec)
    first.first = True
    X = np.random.default_rng(9).normal(size=(2, 5, 5, 1))
    gone = first.forward(X)[1](np.ones((2, 3, 3, 3)))
    later.forward(X)[1](np.ones((2, 3, 3, 3)))
    assert gone.size == 0
    np.testing.assert_array_equal(first.gradients["W"], later.gradients["W"])


def test_initial_weights_keep_the_variance() -> None:
    layer = made((8, 9, 9), notation.Conv(200, (5, 5)))
    layer.parameters["b"][...] = 1
    layer.initialise(np.random.default_rng(10), gain=2.0)
    assert layer.parameters["W"].var() == pytest.approx(2 / (5 * 5 * 8), rel=0.05)
    assert not layer.parameters["b"].any()


def test_a_kernel_larger_than_its_input_is_refused() -> None:
    with pytest.raises(ArchitectureError, match=r"CONV 4@5x3: its kernel 5x3 is larger than its input 1x4x4"):
        Convolution((1, 4, 4), notation.Conv(4, (5, 3)))
