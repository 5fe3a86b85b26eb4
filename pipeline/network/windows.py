"""The windows of a convolution's input, laid out as matrices for its products.

Writing out every window whole ("im2col") copies each value kh·kw times. There are two better ways, and which one is
better depends on the channels:

- `Strips`, for many channels: the input is cut along the width alone, into strips as wide as a window and as high as
  the input. A window is then one piece of its strip, and so every window of a row is a row of a matrix that is there
  already: each value is copied kw times, and the windows overlap in memory.
- `WholeWindows`, for few: with one grey channel there are too few values to be copied together. Windows are written
  out whole, but with the positions last, so that long pieces of memory are copied.

Both give, for some rows y of the output, matrices whose rows are the positions (y, x, n). Strips are kept for the way
back; whole windows are cut anew whenever they are asked for: kept, they would be the largest thing in memory, and to
copy them once more costs less than to wait for them from outside the cache.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pipeline.buffers import Buffers
from pipeline.network.layer import Array
from pipeline.network.notation import Shape

THIN = 20  # values in a row of a window, kw·C, below which strips do not pay


class Strips:
    """strips [OW,N,H,kw·C]: for each place along the width, the rows of its windows, one under the other."""

    def __init__(self, X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> None:
        H, _, N, C = X.shape
        self.X, self.kernel, self.stride, self.out = X, kernel, stride, out
        self.width = kernel[1] * C  # values that a row of the output needs for each position
        self.strips = buffers.get("strips", (out[1], N, H, kernel[1] * C), X.dtype)
        self.cut = 0  # heights that are in the strips already

    def matrices(self, rows: slice) -> Array:
        """[rows,OW·N,kh·kw·C]: a matrix for each row of the output, which come in their order."""
        s, kh = self.stride, self.kernel[0]
        self._cut(s * (rows.stop - 1) + kh)
        OW, N, _, width = self.strips.shape
        _, n, h, c = self.strips.strides
        shape, strides = (rows.stop - rows.start, OW * N, kh * width), (s * h, n, c)
        return as_strided(self.strips[:, :, s * rows.start :], shape, strides, writeable=False)

    def _cut(self, end: int) -> None:
        """Copy the heights up to `end` into the strips, as far as they are not there."""
        C, s, OW = self.X.shape[3], self.stride, self.out[1]
        # All channels of a pixel are copied as one value: a copy's cost is per value, not per byte.
        pixels, places = as_pixels(self.X, C)[..., 0], as_pixels(self.strips, C)
        for h in range(self.cut, end):
            for j in range(self.kernel[1]):
                places[:, :, h, j] = pixels[h, j : j + s * (OW - 1) + 1 : s]
        self.cut = max(self.cut, end)


class WholeWindows:
    """columns [kh·kw·C,rows,OW,N]: for each place in the window, what all the windows have there."""

    def __init__(self, X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> None:
        (kh, kw), (OH, OW) = kernel, out
        N, C = X.shape[2:]
        self.width, self.buffers = kh * kw * C, buffers
        h, w, n, c = X.strides
        self.windows = as_strided(X, (kh, kw, C, OH, OW, N), (h, w, c, stride * h, stride * w, n), writeable=False)

    def matrices(self, rows: slice) -> Array:
        """[1,positions,kh·kw·C], valid until the next call."""
        windows = self.windows[:, :, :, rows]
        columns = self.buffers.get("columns", windows.shape, windows.dtype)
        columns[...] = windows
        whole: Array = columns.reshape(1, math.prod(windows.shape[:3]), -1)
        return whole.transpose(0, 2, 1)


def windows(X: Array, kernel: Shape, stride: int, out: Shape, buffers: Buffers) -> Strips | WholeWindows:
    """The windows of X [H,W,N,C]: kernel (kh, kw), `stride` apart, as many as the output `out` (OH, OW) has values."""
    kind = WholeWindows if kernel[1] * X.shape[3] < THIN else Strips
    return kind(X, kernel, stride, out, buffers)


def as_pixels(values: Array, C: int) -> np.ndarray:
    """[..., k·C] floats as [..., k] of one opaque value each."""
    return values.view(np.dtype((np.void, C * values.itemsize)))
