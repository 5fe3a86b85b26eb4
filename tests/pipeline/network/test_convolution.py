"""The convolution against its definition, one loop for each sum in it."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ArchitectureError
from pipeline.network import notation, product, windows
from pipeline.network.convolution import Convolution
from pipeline.network.layer import Array
from pipeline.network.windows import THIN


def made(shape: tuple[int, int, int], spec: notation.Conv) -> Convolution:
    layer, rng = Convolution(shape, spec), np.random.default_rng(5)
    layer.parameters = {name: rng.normal(size=shape) for name, shape in layer.parameter_shapes.items()}
    layer.gradients = {name: np.full(shape, np.nan) for name, shape in layer.parameter_shapes.items()}
    return layer


def naive(X: Array, W: Array, b: Array, s: int) -> Array:
    """Y[y,x,n,f] = Σ X[s·y+i, s·x+j, n, c] W[i,j,c,f] + b[f], for X that is padded already."""
    H, K, N, _ = X.shape
    kh, kw, C, F = W.shape
    Y = np.empty(((H - kh) // s + 1, (K - kw) // s + 1, N, F))
    for y, x, n, f in np.ndindex(Y.shape):
        Y[y, x, n, f] = b[f]
        for i, j, c in np.ndindex(kh, kw, C):
            Y[y, x, n, f] += X[s * y + i, s * x + j, n, c] * W[i, j, c, f]
    return Y


@contextmanager
def done(thin: int, block: int) -> Iterator[None]:
    """Convolutions done with windows taken whole below `thin` values a row, and `block` positions at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "THIN", thin)
        patch.setattr(product, "BLOCK", block)
        yield


WAYS = [(thin, block) for thin in (0, 1_000) for block in (1, 5, 8_192)]


@given(st.integers(1, 3), st.integers(1, 3), st.tuples(*[st.integers(1, 6)] * 2), st.integers(1, 3), st.data())
def test_valid(n: int, channels: int, sides: tuple[int, int], stride: int, data: st.DataObject) -> None:
    kernel = tuple(data.draw(st.integers(1, side)) for side in sides)
    layer = made((channels, *sides), notation.Conv(data.draw(st.integers(1, 3)), kernel, stride))
    X = np.random.default_rng(6).normal(size=(*sides, n, channels))
    expected = naive(X, **layer.parameters, s=stride)
    for way in WAYS:
        with done(*way):
            Y, _ = layer.forward(X)
        np.testing.assert_allclose(Y, expected, rtol=1e-10, atol=1e-12)
    assert Y.shape == (*layer.shape[1:], n, layer.shape[0])


@pytest.mark.parametrize("channels", [1, 6, 7, THIN, THIN + 3])
@pytest.mark.parametrize(("stride", "padding"), [(1, "valid"), (2, "same")])
def test_few_channels_and_many(channels: int, stride: int, padding: str) -> None:
    """On both sides of the border between the two kinds of windows, which a kernel 3 wide has at 7 channels."""
    layer = made((channels, 5, 4), notation.Conv(2, (2, 3), stride, padding))
    X = np.random.default_rng(6).normal(size=(5, 4, 2, channels))
    padded = np.pad(X, (*layer.pads, (0, 0), (0, 0)))
    np.testing.assert_allclose(layer.forward(X)[0], naive(padded, **layer.parameters, s=stride), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "pads"),
    [(7, 3, 1, (1, 1)), (7, 2, 1, (0, 1)), (8, 5, 2, (1, 2)), (8, 3, 2, (0, 1)), (7, 4, 3, (1, 2)), (6, 1, 4, (0, 0))],
)
def test_same_pads_with_zeros_the_odd_one_after(side: int, kernel: int, stride: int, pads: tuple[int, int]) -> None:
    layer = made((2, side, side + 1), notation.Conv(3, (kernel, 1), stride, "same"))
    assert layer.shape == (3, -(-side // stride), -(-(side + 1) // stride))
    X = np.random.default_rng(7).normal(size=(side, side + 1, 2, 2))
    padded = np.pad(X, (pads, (0, 0), (0, 0), (0, 0)))
    np.testing.assert_allclose(layer.forward(X)[0], naive(padded, **layer.parameters, s=stride), rtol=1e-10)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4))
def test_same_keeps_the_size_divided_by_the_stride(side: int, kernel: int, stride: int) -> None:
    layer = Convolution((1, 9, 5 + side), notation.Conv(2, (kernel, kernel), stride, "same"))
    assert layer.shape == (2, -(-9 // stride), -(-(5 + side) // stride))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("channels", [2, THIN])
def test_kept_buffers_do_not_leak_from_one_batch_into_another(padding: str, channels: int) -> None:
    """Buffers grow and are used again for smaller batches: each answer is that of a fresh layer."""
    spec = notation.Conv(3, (3, 2), 2, padding)
    used, rng = made((channels, 6, 5), spec), np.random.default_rng(8)
    for n in (4, 1, 6, 3):
        X = rng.normal(size=(6, 5, n, channels))
        fresh = made((channels, 6, 5), spec)
        Y, backprop = used.forward(X)
        expected, fresh_backprop = fresh.forward(X)
        dY = rng.normal(size=Y.shape)
        np.testing.assert_array_equal(Y, expected)
        np.testing.assert_array_equal(backprop(dY), fresh_backprop(dY))
        np.testing.assert_array_equal(used.gradients["W"], fresh.gradients["W"])


@pytest.mark.parametrize("channels", [2, THIN])
def test_an_input_with_gaps_in_memory(channels: int) -> None:
    layer, rng = made((channels, 6, 5), notation.Conv(3, (3, 2))), np.random.default_rng(9)
    X = rng.normal(size=(12, 5, 2, channels + 2))[::2, :, :, 1:-1]
    np.testing.assert_allclose(layer.forward(X)[0], naive(X, **layer.parameters, s=1), rtol=1e-10)


def test_buffers_follow_the_dtype() -> None:
    layer = made((1, 4, 4), notation.Conv(2, (3, 3)))
    X = np.ones((4, 4, 1, 1))
    layer.forward(X.astype(np.float32))
    assert layer.forward(X)[0].dtype == np.float64


@pytest.mark.parametrize(("thin", "block"), WAYS)
def test_the_first_layer_leaves_dx_out_and_learns_the_same(thin: int, block: int) -> None:
    spec = notation.Conv(3, (3, 3))
    first, later = made((2, 6, 5), spec), made((2, 6, 5), spec)
    first.first = True
    rng = np.random.default_rng(9)
    X, dY = rng.normal(size=(6, 5, 2, 2)), rng.normal(size=(4, 3, 2, 3))
    with done(thin, block):
        gone = first.forward(X)[1](dY)
        assert later.forward(X)[1](dY).shape == X.shape
    assert gone.size == 0
    for name in ("W", "b"):
        np.testing.assert_array_equal(first.gradients[name], later.gradients[name])


def test_initial_weights_keep_the_variance() -> None:
    layer = made((8, 9, 9), notation.Conv(200, (5, 5)))
    layer.parameters["b"][...] = 1
    layer.initialise(np.random.default_rng(10), gain=2.0)
    assert layer.parameters["W"].var() == pytest.approx(2 / (5 * 5 * 8), rel=0.05)
    assert not layer.parameters["b"].any()


def test_a_kernel_larger_than_its_input_is_refused() -> None:
    with pytest.raises(ArchitectureError, match=r"CONV 4@5x3: its kernel 5x3 is larger than its input 1x4x4"):
        Convolution((1, 4, 4), notation.Conv(4, (5, 3)))
