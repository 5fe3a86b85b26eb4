"""The windows of a convolution's input, laid out as matrices for its products.

Writing out every window whole ("im2col") copies each value kh·kw times. There are two better ways, and which one is
better depends on the channels:

- `RowWindows`, for many channels: the windows are cut along the width alone, so that each value is copied kw times,
  and each of the kernel's kh rows has a product of its own, on another part of the same copy.
- `WholeWindows`, for few: with one grey channel the products above would be too thin. Windows are written out whole,
  but with the positions last, so that long pieces of memory are copied, and there is one product.

Both give, for some rows y of the output, matrices whose rows are the positions (y, x, n); they are valid until the
next call. Windows are cut anew whenever they are asked for: kept, they would be the largest thing in memory, and to
copy them once more costs less than to wait for them from outside the cache.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pipeline.buffers import Buffers
from pipeline.network.layer import Array
from pipeline.network.notation import Shape

THIN = 20  # values in a row of a window, kw·C, below which a product of one kernel row does not pay


class RowWindows:
    """columns [heights,OW,N,kw·C]: at each height, the row of each window. The kernel's row i meets heights s·y + i."""

    def __init__(self, X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> None:
        self.X, self.kernel, self.stride, self.out, self.buffers = X, kernel, stride, out, buffers
        self.parts = kernel[0]

    def matrices(self, rows: slice) -> Iterator[Array]:
        """For each row i of the kernel, [positions, kw·C]."""
        (kh, kw), s, OW = self.kernel, self.stride, self.out[1]
        heights = self.X[s * rows.start : s * (rows.stop - 1) + kh]
        H, _, N, C = heights.shape
        columns = self.buffers.get("columns", (H, OW, N, kw * C), heights.dtype)
        # All channels of a pixel are copied as one value: a copy's cost is per value, not per byte.
        pixels, places = _as_pixels(heights, C), _as_pixels(columns, C)
        for j in range(kw):
            places[..., j] = pixels[:, j : j + s * OW : s, :, 0]
        for i in range(kh):
            yield columns[i : i + s * (rows.stop - rows.start - 1) + 1 : s].reshape(-1, kw * C)


class WholeWindows:
    """columns [kh·kw·C,rows,OW,N]: for each place in the window, what all the windows have there."""

    def __init__(self, X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> None:
        (kh, kw), (OH, OW) = kernel, out
        N, C = X.shape[2:]
        self.parts, self.buffers = 1, buffers
        h, w, n, c = X.strides
        self.windows = as_strided(X, (kh, kw, C, OH, OW, N), (h, w, c, stride * h, stride * w, n), writeable=False)

    def matrices(self, rows: slice) -> Iterator[Array]:
        """The only one, [positions, kh·kw·C]."""
        windows = self.windows[:, :, :, rows]
        columns = self.buffers.get("columns", windows.shape, windows.dtype)
        columns[...] = windows
        yield columns.reshape(math.prod(windows.shape[:3]), -1).T


def windows(X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> RowWindows | WholeWindows:
    """The windows of X [H,W,N,C]: kernel (kh, kw), `stride` apart, as many as the output `out` (OH, OW) has values."""
    kind = WholeWindows if kernel[1] * X.shape[3] < THIN else RowWindows
    return kind(X, kernel, stride, out, buffers)


def _as_pixels(values: Array, C: int) -> np.ndarray:
    """[..., k·C] floats as [..., k] of one opaque value each."""
    return values.view(np.dtype((np.void, C * values.itemsize)))
