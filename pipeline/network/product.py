"""The products of a convolution, a few rows of its output at a time.

Whoever asks for the rows can work on them while they are in the core's own cache: see `fused`.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.buffers import Buffers
from pipeline.network.layer import Array
from pipeline.network.notation import Shape
from pipeline.network.windows import windows

BLOCK = 131_072  # values that a product reads or adds at once: they stay in the cache


def blocks(rows: int, values: int) -> Iterator[slice]:
    """`rows` rows, as many at a time as have about BLOCK values; `values` in each row."""
    many = max(1, BLOCK // values)
    for start in range(0, rows, many):
        yield slice(start, min(start + many, rows))


class Product:
    """Y = Σ_i columns_i W_i for an input X [H,W,N,C], weights W [kh,kw,C,F] and an output of `out` (OH, OW) places.

    columns_i: the windows' row i (or, with few channels, the whole window), see `windows`. The way back is

        dW_i = columns_iᵀ dY,   dcolumns_i = dY W_iᵀ,

    and dX adds every row of dcolumns to the place that its window came from.
    """

    def __init__(self, X: Array, W: Array, stride: int, out: Shape, buffers: Buffers) -> None:
        self.shape, self.W, self.stride, self.out, self.buffers = X.shape, W, stride, out, buffers
        self.windows = windows(X, W.shape[:2], stride, out, buffers)
        # What a row of the output is made from or to, whichever is more: a row of windows, or of maps.
        self.values = out[1] * X.shape[2] * max(W.shape[1] * W.shape[2], W.shape[3])

    def forward(self, rows: slice, Y: Array) -> None:
        """Write these rows of the output into Y [rows,OW,N,F]."""
        y = Y.reshape(-1, Y.shape[-1])
        W = self.W.reshape(self.windows.parts, -1, Y.shape[-1])
        term = self.buffers.get("term", y.shape, y.dtype)
        for i, columns in enumerate(self.windows.matrices(rows)):
            if i == 0:
                np.matmul(columns, W[i], out=y)
            else:
                y += np.matmul(columns, W[i], out=term)

    def start_back(self, dW: Array, first: bool) -> None:
        """Begin the way back: dW [kh,kw,C,F] is what the rows add up to; the first layer needs no dX."""
        self.dW, self.first = dW, first
        self.done = self.reached = 0  # heights of dX that are complete, and that a window has come to
        dW[...] = 0
        if first:
            return
        H, W, N, C = self.shape
        kh, kw = self.W.shape[:2]
        self.dcolumns = self.buffers.get("dcolumns", (H, self.out[1], N, kw, C), dW.dtype)
        self.dX: Array = self.buffers.get("dX", (H, W, N, C), dW.dtype)
        # With a stride of 1, the kernel's last row is the first to come to any height but the uppermost: it is written.
        self.dcolumns[: kh - 1 if self.stride == 1 else H] = 0
        self.dX[...] = 0

    def backward(self, rows: slice, dY: Array) -> None:
        """Take in the gradient dY [rows,OW,N,F] of these rows; they come in their order, from the first to the last."""
        dy = dY.reshape(-1, dY.shape[-1])
        dW = self.dW.reshape(self.windows.parts, -1, dY.shape[-1])
        term = self.buffers.get("dW", dW.shape[1:], dy.dtype)
        for i, columns in enumerate(self.windows.matrices(rows)):
            dW[i] += np.matmul(columns.T, dy, out=term)
        if not self.first:
            self._add_to_columns(rows, dy)
            self.reached = self.stride * (rows.stop - 1) + self.W.shape[0]
            # Heights that no later row comes to are taken on at once, while they are in the cache.
            self._add_to_input(slice(self.done, self.stride * rows.stop))

    def end_back(self) -> Array:
        """dX [H,W,N,C]; of the first layer, nothing."""
        if self.first:
            return self.dW[:0]
        self._add_to_input(slice(self.done, self.reached))
        return self.dX

    def _add_to_columns(self, rows: slice, dy: Array) -> None:
        kh, kw, C, F = self.W.shape
        W, s = self.W.reshape(kh, kw * C, F), self.stride
        term = self.buffers.get("dterm", (rows.stop - rows.start, *self.dcolumns.shape[1:]), dy.dtype)
        for i in reversed(range(kh)):
            place = self.dcolumns[i + s * rows.start : i + s * (rows.stop - 1) + 1 : s]
            if s == 1 and i == kh - 1:
                np.matmul(dy, W[i].T, out=place.reshape(-1, kw * C))
            else:
                np.matmul(dy, W[i].T, out=term.reshape(-1, kw * C))
                place += term

    def _add_to_input(self, heights: slice) -> None:
        s, OW = self.stride, self.out[1]
        for j in range(self.W.shape[1]):
            self.dX[heights, j : j + s * (OW - 1) + 1 : s] += self.dcolumns[heights, :, :, j]
        self.done = heights.stop
