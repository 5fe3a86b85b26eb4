"""The windows of a convolution's input, laid out as matrices for its products.

Writing out every window whole ("im2col") copies each value kh·kw times. There are two better ways, and which one is
better depends on the channels:

- `RowWindows`, for many channels: the windows are cut along the width alone, so that each value is copied kw times,
  and each of the kernel's kh rows has a product of its own, on another part of the same copy.
- `WholeWindows`, for few: with one grey channel the products above would be too thin. Windows are written out whole,
  but with the positions last, so that long pieces of memory are copied, and there is one product.

Both give, for the rows y of the output, matrices whose rows are the positions (y, x, n).
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pipeline.buffers import Buffers
from pipeline.network.layer import Array
from pipeline.network.notation import Shape

THIN = 20  # values in a row of a window, kw·C, below which a product of one kernel row does not pay


class RowWindows:
    """columns [H,OW,N,kw·C]: at each height, the row of each window. The kernel's row i meets columns[s·y + i]."""

    def __init__(self, X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> None:
        H, _, N, C = X.shape
        (kh, kw), (_, OW) = kernel, out
        self.parts, self.stride = kh, stride
        self.columns = buffers.get("columns", (H, OW, N, kw * C), X.dtype)
        # All channels of a pixel are copied as one value: a copy's cost is per value, not per byte.
        pixels, places = _as_pixels(X, C), _as_pixels(self.columns, C)
        for j in range(kw):
            places[..., j] = pixels[:, j : j + stride * OW : stride, :, 0]

    def matrices(self, rows: slice) -> Iterator[Array]:
        """For each row i of the kernel, [positions, kw·C]."""
        for i in range(self.parts):
            part = self.columns[i + self.stride * rows.start : i + self.stride * (rows.stop - 1) + 1 : self.stride]
            yield part.reshape(-1, part.shape[-1])


class WholeWindows:
    """columns [kh·kw·C,OH,OW,N]: for each place in the window, what all the windows have there."""

    def __init__(self, X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> None:
        (kh, kw), (OH, OW) = kernel, out
        N, C = X.shape[2:]
        self.parts, self.stride = 1, stride
        self.columns = buffers.get("columns", (kh * kw * C, OH, OW, N), X.dtype)
        h, w, n, c = X.strides
        windows = as_strided(X, (kh, kw, C, OH, OW, N), (h, w, c, stride * h, stride * w, n), writeable=False)
        self.columns.reshape(windows.shape)[...] = windows

    def matrices(self, rows: slice) -> Iterator[Array]:
        """The only one, [positions, kh·kw·C]."""
        yield self.columns[:, rows].reshape(len(self.columns), -1).T


def windows(X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> RowWindows | WholeWindows:
    """The windows of X [H,W,N,C]: kernel (kh, kw), `stride` apart, as many as the output `out` (OH, OW) has values."""
    kind = WholeWindows if kernel[1] * X.shape[3] < THIN else RowWindows
    return kind(X, kernel, stride, out, buffers)


def _as_pixels(values: Array, C: int) -> np.ndarray:
    """[..., k·C] floats as [..., k] of one opaque value each."""
    return values.view(np.dtype((np.void, C * values.itemsize)))
