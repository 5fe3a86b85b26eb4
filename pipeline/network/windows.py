"""The windows of a convolution's input, laid out as matrices for its products.

Writing out every window whole ("im2col") copies each value kh·kw times. There are two better ways, and which one is
better depends on the channels:

- `Strips`, for many channels: the input is cut along the width alone, into strips as wide as a window, and the window
  slides down the strip: each value is copied kw times, and there is only ever one row of windows in memory.
- `WholeWindows`, for few: with one grey channel there are too few values to be copied together. Windows are written
  out whole, but with the positions last, so that long pieces of memory are copied.

Both give the windows row by row of the output, as matrices whose rows are the positions (y, x, n). They are cut anew
for the way back: kept, they would be the largest thing in memory, and to copy them once more costs less than to wait
for them from outside the cache.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike

from pipeline.buffers import Buffers
from pipeline.network.layer import Array
from pipeline.network.notation import Shape

THIN = 20  # values in a row of a window, kw·C, below which strips do not pay
Matrices = Iterator[tuple[slice, Array]]  # for which of the rows that were asked for, and the matrix


class Sliding:
    """Windows of k rows that slide down: for every position the last k rows, one behind the other, as one matrix.

    The window of a position lies right behind that of the position before it. When all of them move on by a row, they
    move by a row in memory, and where each gains a row is where the next one has just lost one. So nothing is ever
    moved, and the matrix stays in the core's own cache, however many rows there are.
    """

    def __init__(self, k: int, rows: int, shape: Shape, buffers: Buffers, name: str, dtype: DTypeLike) -> None:
        """rows: how many there are; shape: of one of them, (positions, values)."""
        self.positions, self.values = shape
        self.length = k * self.values  # of a position's window
        self.memory: Array = buffers.get(name, (self.positions * self.length + rows * self.values,), dtype)

    def window(self, first: int, end: int) -> Array:
        """[positions, values of the rows from `first` to `end`]: at most k rows, of those that were written last."""
        start = first * self.values
        whole: Array = self.memory[start : start + self.positions * self.length].reshape(self.positions, self.length)
        return whole[:, : (end - first) * self.values]

    def row(self, y: int) -> Array:
        """[positions, values], where row y is to be written. Rows are written in their order."""
        return self.window(y, y + 1)


class Strips:
    """The input cut along the width, into OW·N strips as wide as a window, which slides down them."""

    def __init__(self, X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> None:
        H, _, N, C = X.shape
        self.X, self.kernel, self.stride, self.out = X, kernel, stride, out
        self.width = kernel[1] * C  # values that a row of the output needs for each position
        self.strips = Sliding(kernel[0], H, (out[1] * N, self.width), buffers, "strips", X.dtype)
        self.cut = 0  # heights that were cut

    def matrices(self, rows: slice) -> Matrices:
        """[OW·N,kh·kw·C] for each of these rows, valid until the next. Rows come in their order; 0 begins anew."""
        if rows.start == 0:
            self.cut = 0
        for y in range(rows.start, rows.stop):
            first, end = self.stride * y, self.stride * y + self.kernel[0]
            for h in range(max(self.cut, first), end):
                self._cut(h)
            self.cut = end
            yield slice(y - rows.start, y - rows.start + 1), self.strips.window(first, end)

    def _cut(self, h: int) -> None:
        """Copy a row of X into the strips."""
        (_, _, N, C), s, OW = self.X.shape, self.stride, self.out[1]
        # All channels of a pixel are copied as one value: a copy's cost is per value, not per byte.
        pixels, places = as_pixels(self.X[h], C)[..., 0], as_pixels(self.strips.row(h), C).reshape(OW, N, -1)
        for j in range(self.kernel[1]):
            places[:, :, j] = pixels[j : j + s * (OW - 1) + 1 : s]


class WholeWindows:
    """columns [kh·kw·C,rows,OW,N]: for each place in the window, what all the windows have there."""

    def __init__(self, X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> None:
        (kh, kw), (OH, OW) = kernel, out
        N, C = X.shape[2:]
        self.width, self.buffers = kh * kw * C, buffers
        h, w, n, c = X.strides
        self.windows = as_strided(X, (kh, kw, C, OH, OW, N), (h, w, c, stride * h, stride * w, n), writeable=False)

    def matrices(self, rows: slice) -> Matrices:
        """[positions,kh·kw·C] for all of these rows, valid until the next call."""
        windows = self.windows[:, :, :, rows]
        columns = self.buffers.get("columns", windows.shape, windows.dtype)
        columns[...] = windows
        whole: Array = columns.reshape(math.prod(windows.shape[:3]), -1)
        yield slice(None), whole.T


def windows(X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> Strips | WholeWindows:
    """The windows of X [H,W,N,C]: kernel (kh, kw), `stride` apart, as many as the output `out` (OH, OW) has values."""
    kind = WholeWindows if kernel[1] * X.shape[3] < THIN else Strips
    return kind(X, kernel, stride, out, buffers)


def as_pixels(values: Array, C: int) -> np.ndarray:
    """[..., k·C] floats as [..., k] of one opaque value each."""
    return values.view(np.dtype((np.void, C * values.itemsize)))
