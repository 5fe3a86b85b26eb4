"""The products of a convolution, a few rows of its output at a time.

Whoever asks for the rows can work on them while they are in the core's own cache: see `fused`.
"""

from collections.abc import Iterator

from pipeline.buffers import Buffers
from pipeline.network.layer import Array
from pipeline.network.multiply import add_product, multiply
from pipeline.network.notation import Shape
from pipeline.network.windows import Sliding, windows

BLOCK = 400_000  # values that a product reads or writes at once: they stay in the cache


def blocks(rows: int, values: int) -> Iterator[slice]:
    """`rows` rows, as many at a time as have about BLOCK values; `values` in each row."""
    many = max(1, BLOCK // values)
    for start in range(0, rows, many):
        yield slice(start, min(start + many, rows))


class Product:
    """Y_y = windows_y W for an input X [H,W,N,C], weights W [kh,kw,C,F] and an output of `out` (OH, OW) places.

    windows_y [OW·N,kh·kw·C]: those of row y of the output, see `windows`. The way back is

        dW = Σ_y windows_yᵀ dY_y,   dwindows_h = Σ_y dY_y W_{h-s·y}ᵀ,

    where dwindows_h [OW·N,kw·C] is what all windows have at the height h of the input, and the sum is over the rows y
    that reach it, with the kernel's row i = h - s·y. To make it one product, dY is written into strips from top to
    bottom, as the input is on the way there. dX adds every row of dwindows to the place that its window came from.
    """

    def __init__(self, X: Array, W: Array, stride: int, out: Shape, buffers: Buffers) -> None:
        self.shape, self.stride, self.out, self.buffers = X.shape, stride, out, buffers
        self.W: Array = buffers.get("W", W.shape, W.dtype)
        self.W[...] = W  # where small products read it fast
        self.windows = windows(X, W.shape[:2], stride, out, buffers)
        # What a row of the output is made from or to, whichever is more.
        self.values = out[1] * X.shape[2] * max(self.windows.width, W.shape[3])

    def forward(self, rows: slice, Y: Array) -> None:
        """Write these rows of the output into Y [rows,OW,N,F]; they come in their order, from the first to the last."""
        F = self.W.shape[3]
        W = self.W.reshape(-1, F)
        for some, matrix in self.windows.matrices(rows):
            multiply(matrix, W, Y[some].reshape(-1, F))

    def start_back(self, dW: Array, first: bool) -> None:
        """Begin the way back: dW [kh,kw,C,F] is what the rows add up to; the first layer needs no dX."""
        self.dW, self.first = dW, first
        dW[...] = 0
        if first:
            return
        (H, W, N, C), (OH, OW), (kh, _, _, F), s = self.shape, self.out, self.W.shape, self.stride
        self.reached = self.done = 0  # rows of the output that were taken in; heights of dX that are complete
        self.dX: Array = self.buffers.get("dX", (H, W, N, C), dW.dtype)
        self.strips = Sliding(-(-kh // s), OH, (OW * N, F), self.buffers, "dstrips", dW.dtype)
        # By h mod s, W_iᵀ of the kernel's rows i that meet the height h: as y grows, i falls.
        self.turned = []
        for r in range(s):
            rows = self.W[r::s][::-1].transpose(0, 3, 1, 2)
            self.turned.append(self.buffers.get(f"turned{r}", rows.shape, dW.dtype))
            self.turned[r][...] = rows

    def backward(self, rows: slice, dY: Array) -> None:
        """Take in the gradient dY [rows,OW,N,F] of these rows; they come in their order, from the first to the last."""
        F = dY.shape[3]
        dW = self.dW.reshape(-1, F)
        term = self.buffers.get("dW", dW.shape, dW.dtype)
        for some, matrix in self.windows.matrices(rows):
            add_product(matrix, dY[some].reshape(-1, F), dW, term)
        if self.first:
            return
        for y, dy in zip(range(rows.start, rows.stop), dY, strict=True):
            self.strips.row(y)[...] = dy.reshape(-1, F)
            self.reached = y + 1
            # Heights that no later row comes to are taken on at once, while they are in the cache.
            self._to_input(min(self.stride * self.reached, self.shape[0]))

    def end_back(self) -> Array:
        """dX [H,W,N,C]; of the first layer, nothing."""
        if self.first:
            return self.dW[:0]
        self._to_input(self.shape[0])
        return self.dX

    def _to_input(self, end: int) -> None:
        """Write the heights of dX up to `end`."""
        OW, s, (_, kw, C, _) = self.out[1], self.stride, self.W.shape
        d = self.buffers.get("dwindows", (OW, self.shape[2], kw, C), self.dX.dtype)
        for h in range(self.done, end):
            dX = self.dX[h]
            dX[...] = 0
            if self._at(h, d):
                for j in range(kw):
                    dX[j : j + s * (OW - 1) + 1 : s] += d[:, :, j]
        self.done = end

    def _at(self, h: int, dwindows: Array) -> bool:
        """Write dwindows_h [OW,N,kw,C], if any row of the output comes to this height."""
        kh, s, turned = self.W.shape[0], self.stride, self.turned[h % self.stride]
        # Rows of the output that reach this height.
        first, end = max(-((kh - 1 - h) // s), 0), min(h // s + 1, self.reached)
        if first >= end:
            return False
        above = len(turned) - 1 - (h // s - first)  # rows of the kernel that would meet rows above the first
        dy = self.strips.window(first, end)
        W = turned[above : above + end - first].reshape(dy.shape[1], -1)
        multiply(dy, W, dwindows.reshape(len(dy), -1))
        return True
