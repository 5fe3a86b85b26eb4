"""Reading between pixels, against the definition of bilinear interpolation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.buffers import Buffers
from pipeline.data.resampling import ONE, read


def bilinear(picture: np.ndarray, y: float, x: float) -> float:
    """The value of a picture [H,W] at a place, where everything outside is 0."""
    H, W = picture.shape
    value = 0.0
    for i in (int(np.floor(y)), int(np.floor(y)) + 1):
        for j in (int(np.floor(x)), int(np.floor(x)) + 1):
            if 0 <= i < H and 0 <= j < W:
                value += picture[i, j] * (1 - abs(y - i)) * (1 - abs(x - j))
    return value


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_it_is_bilinear_everywhere(n: int, C: int, H: int, W: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, (n, C, H, W), np.uint8)
    # In whole 256ths, so that nothing but the last rounding is left; far outside, too.
    at = rng.integers(-3 * ONE, (max(H, W) + 3) * ONE, (n, 2, H * W))
    Y = read(X, at.astype(np.float32), Buffers())
    assert Y.shape == X.shape
    assert Y.dtype == np.uint8
    for k, c, p in np.ndindex(n, C, H * W):
        expected = bilinear(X[k, c].astype(float), *(at[k, :, p] / ONE))
        assert abs(Y[k, c].flat[p] - expected) <= 0.5 + 1e-9


@pytest.mark.parametrize("shape", [(2, 1, 28, 28), (3, 3, 4, 7)])
def test_at_the_pixels_themselves_nothing_changes(shape: tuple[int, ...]) -> None:
    X = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    at = np.broadcast_to(np.mgrid[: shape[2], : shape[3]].reshape(2, -1), (shape[0], 2, shape[2] * shape[3]))
    np.testing.assert_array_equal(read(X, ONE * at.astype(np.float32), Buffers()), X)


def test_kept_buffers_do_not_leak_from_one_batch_into_another() -> None:
    buffers, rng = Buffers(), np.random.default_rng(2)
    for n in (4, 1, 6, 3):
        X = rng.integers(0, 256, (n, 1, 5, 6), np.uint8)
        at = rng.uniform(-ONE, 7 * ONE, (n, 2, 30)).astype(np.float32)
        np.testing.assert_array_equal(read(X, at.copy(), buffers), read(X, at, Buffers()))
