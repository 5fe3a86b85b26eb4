"""The products of a convolution, a few rows of its output at a time.

Whoever asks for the rows can work on them while they are in the core's own cache: see `fused`.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from pipeline.buffers import Buffers
from pipeline.network.layer import Array
from pipeline.network.notation import Shape
from pipeline.network.windows import as_pixels, windows

BLOCK = 196_608  # values that a product reads or writes at once: they stay in the cache
# OpenBLAS multiplies matrices of up to so many multiply-adds as they lie, larger ones only after it has copied them.
# With few weights, copying takes a third of the time. Up to how many it pays to make small products of a large one was
# measured, on the way there and back (OpenBLAS 0.3.31, kernels for AVX-512).
SMALL = 1_000_000
FEW, FEW_BACK = 13_000, 10_000


def blocks(rows: int, values: int) -> Iterator[slice]:
    """`rows` rows, as many at a time as have about BLOCK values; `values` in each row."""
    many = max(1, BLOCK // values)
    for start in range(0, rows, many):
        yield slice(start, min(start + many, rows))


@cache
def part(across: int, N: int, weights: int, few: int) -> int:
    """How many positions of a row of the output, [across,N], go into one product.

    weights: multiply-adds for a position; where there are more than `few`, all positions go into one.
    """
    small = [d * N for d in range(1, across + 1) if across % d == 0 and d * N * weights <= SMALL]
    return small[-1] if small and weights <= few else across * N


class Product:
    """Y_y = windows_y W for an input X [H,W,N,C], weights W [kh,kw,C,F] and an output of `out` (OH, OW) places.

    windows_y [OW·N,kh·kw·C]: those of row y of the output, see `windows`. The way back is

        dW = Σ_y windows_yᵀ dY_y,   dwindows_h = Σ_y dY_y W_{h-s·y}ᵀ,

    where dwindows_h [OW·N,kw·C] is what all windows have at the height h of the input, and the sum is over the rows y
    that reach it, with the kernel's row i = h - s·y. To make it one product, dY is written into strips from top to
    bottom, as the input is on the way there. dX adds every row of dwindows to the place that its window came from.
    """

    def __init__(self, X: Array, W: Array, stride: int, out: Shape, buffers: Buffers) -> None:
        self.shape, self.W, self.stride, self.out, self.buffers = X.shape, W, stride, out, buffers
        self.windows = windows(X, W.shape[:2], stride, out, buffers)
        self.part = part(out[1], X.shape[2], W.size, FEW)
        # What a row of the output is made from or to, whichever is more.
        self.values = out[1] * X.shape[2] * max(self.windows.width, W.shape[3])

    def forward(self, rows: slice, Y: Array) -> None:
        """Write these rows of the output into Y [rows,OW,N,F]; they come in their order, from the first to the last."""
        F, columns = self.W.shape[3], self.windows.matrices(rows)
        np.matmul(self._parts(columns), self.W.reshape(-1, F), out=self._parts(Y.reshape(*columns.shape[:2], F)))

    def start_back(self, dW: Array, first: bool) -> None:
        """Begin the way back: dW [kh,kw,C,F] is what the rows add up to; the first layer needs no dX."""
        self.dW, self.first = dW, first
        dW[...] = 0
        if first:
            return
        (H, W, N, C), (OH, OW), F, s = self.shape, self.out, self.W.shape[3], self.stride
        self.reached = self.done = 0  # rows of the output that were taken in; heights of dX that are complete
        self.dX: Array = self.buffers.get("dX", (H, W, N, C), dW.dtype)
        self.strips = self.buffers.get("dstrips", (OW, N, OH, F), dW.dtype)
        # By h mod s, W_iᵀ of the kernel's rows i that meet the height h: as y grows, i falls.
        self.turned = [self.W[r::s][::-1].transpose(0, 3, 1, 2).reshape(-1, F, self.W.shape[1] * C) for r in range(s)]

    def backward(self, rows: slice, dY: Array) -> None:
        """Take in the gradient dY [rows,OW,N,F] of these rows; they come in their order, from the first to the last."""
        F, columns = dY.shape[3], self.windows.matrices(rows)
        dW = self.dW.reshape(-1, F)
        term = self.buffers.get("dW", dW.shape, dW.dtype)
        for matrix, dy in zip(columns, dY.reshape(len(columns), -1, F), strict=True):
            dW += np.matmul(matrix.T, dy, out=term)
        if not self.first:
            self.reached = rows.stop
            as_pixels(self.strips, F)[:, :, rows] = as_pixels(dY, F).transpose(1, 2, 0, 3)
            # Heights that no later row comes to are taken on at once, while they are in the cache.
            self._to_input(slice(self.done, min(self.stride * rows.stop, self.shape[0])))

    def end_back(self) -> Array:
        """dX [H,W,N,C]; of the first layer, nothing."""
        if self.first:
            return self.dW[:0]
        self._to_input(slice(self.done, self.shape[0]))
        return self.dX

    def _parts(self, matrices: Array) -> Array:
        """[M,positions,·] as [M,parts,positions of a part,·]."""
        return matrices.reshape(len(matrices), -1, self.part, matrices.shape[2])

    def _to_input(self, heights: slice) -> None:
        """Write these heights of dX."""
        OW, s, (_, kw, C, _) = self.out[1], self.stride, self.W.shape
        dX = self.dX[heights]
        dX[...] = 0
        d = self.buffers.get("dwindows", (len(dX), OW, self.shape[2], kw, C), dX.dtype)
        for dh, h in zip(d, range(heights.start, heights.stop), strict=True):
            self._at(h, dh)
        for j in range(kw):
            dX[:, j : j + s * (OW - 1) + 1 : s] += d[:, :, :, j]
        self.done = heights.stop

    def _at(self, h: int, dwindows: Array) -> None:
        """Write dwindows_h [OW,N,kw,C]."""
        OW, N = self.strips.shape[:2]
        kh, s, turned = self.W.shape[0], self.stride, self.turned[h % self.stride]
        # Rows of the output that reach this height.
        first, end = max(-((kh - 1 - h) // s), 0), min(h // s + 1, self.reached)
        if first >= end:
            dwindows[...] = 0
            return
        above = len(turned) - 1 - (h // s - first)  # rows of the kernel that would meet rows above the first
        dy = self.strips[:, :, first:end].reshape(OW * N, -1)
        W = turned[above : above + end - first].reshape(dy.shape[1], -1)
        L = part(OW, N, self.W.size, FEW_BACK)
        np.matmul(dy.reshape(-1, L, dy.shape[1]), W, out=dwindows.reshape(-1, L, W.shape[1]))
