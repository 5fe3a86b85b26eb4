"""The convolution, as one matrix product over the windows of its input."""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pipeline.errors import ArchitectureError
from pipeline.network import notation
from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.notation import Shape, times


class Convolution(Layer):
    """Y[n,y,x,f] = Σ X[n, s·y+i, s·x+j, c] W[f,i,j,c] + b[f], over the kernel (i, j) and the channels c.

    X [N,H,W,C] (padded with zeros for "same"), W [F,kh,kw,C], Y [N,OH,OW,F].
    Every window is written out as a row of `columns` [N·OH·OW, kh·kw·C] ("im2col"); then

        Y = columns Wᵀ + b,   dW = dYᵀ columns,   db = Σ dY,   dcolumns = dY W,

    and dX adds every row of dcolumns back to the place that its window came from.
    """

    kind = "conv"

    def __init__(self, shape: Shape, spec: notation.Conv) -> None:
        self.channels, self.height, self.width = shape
        self.kernel, self.stride = spec.kernel, spec.stride
        self.pads = [_pads(n, k, spec) for n, k in zip(shape[1:], spec.kernel, strict=True)]
        self.padded = [n + sum(pads) for n, pads in zip(shape[1:], self.pads, strict=True)]
        for n, k in zip(self.padded, spec.kernel, strict=True):
            if k > n:
                raise ArchitectureError(
                    f"{spec}: its kernel {times(*spec.kernel)} is larger than its input {times(*shape)}:"
                    " take a smaller kernel, fewer POOLs before it, or “same”"
                )
        out = [(n - k) // spec.stride + 1 for n, k in zip(self.padded, spec.kernel, strict=True)]
        weights = (spec.filters, *spec.kernel, self.channels)
        super().__init__((spec.filters, *out), {"W": weights, "b": (spec.filters,)})

    @property
    def fan_in(self) -> int:
        """How many values one output value is computed from: kh·kw·C."""
        return self.kernel[0] * self.kernel[1] * self.channels

    def initialise(self, rng: np.random.Generator, gain: float) -> None:
        """W ~ N(0, gain / fan_in), b = 0 (He et al. 2015, https://arxiv.org/abs/1502.01852)."""
        W = self.parameters["W"]
        W[...] = rng.normal(0, np.sqrt(gain / self.fan_in), W.shape)
        self.parameters["b"][...] = 0

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y [N,OH,OW,F] and the way back."""
        filters, OH, OW = self.shape
        W = self.parameters["W"].reshape(filters, self.fan_in)
        columns = self._columns(self._pad(X))
        Y = np.matmul(columns, W.T, out=self.buffer("Y", (len(columns), filters), X.dtype))
        self._add_bias(Y)

        def backprop(dY: Array) -> Array:
            dY = dY.reshape(-1, filters)
            np.matmul(dY.T, columns, out=self.gradients["W"].reshape(W.shape))
            # Σ dY as a product: NumPy's own sum goes through short rows one by one.
            np.matmul(np.ones(len(dY), dY.dtype), dY, out=self.gradients["b"])
            if self.first:
                return dY[:, :0]
            # The columns are not needed any more: their memory takes the gradient.
            return self._add_back(np.matmul(dY, W, out=columns), len(X))

        return Y.reshape(len(X), OH, OW, filters), backprop

    def _add_bias(self, Y: Array) -> None:
        """Y [N·OH·OW,F] += b, a whole row of a map at a time: a call's cost is per row, and F alone is a short one."""
        OW = self.shape[2]
        rows = Y.reshape(-1, OW * len(self.parameters["b"]))
        rows += np.tile(self.parameters["b"], OW)

    def _pad(self, X: Array) -> Array:
        (top, bottom), (left, right) = self.pads
        if top + bottom + left + right == 0:
            return X
        padded = self.buffer("padded", (len(X), *self.padded, self.channels), X.dtype)
        padded[...] = 0
        padded[:, top : top + self.height, left : left + self.width] = X
        return padded

    def _columns(self, X: Array) -> Array:
        """The windows of X [N,H,W,C] as rows, [N·OH·OW, kh·kw·C]."""
        _, OH, OW = self.shape
        kh, kw = self.kernel
        s = self.stride
        # A row of a window, kw·C values, is contiguous in X: it is copied in one piece.
        X = np.ascontiguousarray(X)
        n, h, w, c = X.strides
        windows = as_strided(X, (len(X), OH, OW, kh, kw * self.channels), (n, s * h, s * w, h, c), writeable=False)
        columns = self.buffer("columns", windows.shape, X.dtype)
        columns[...] = windows
        return columns.reshape(-1, self.fan_in)

    def _add_back(self, dcolumns: Array, n_examples: int) -> Array:
        """dX [N,H,W,C] from dcolumns [N·OH·OW, kh·kw·C]: each window is added where it was taken from.

        Windows that are at least kw apart do not overlap, so that all of them are added with one call: for each
        row i of the kernel, every `apart`-th window from each starting place.
        """
        _, OH, OW = self.shape
        (kh, kw), s, C = self.kernel, self.stride, self.channels
        dX = self.buffer("dX", (n_examples, *self.padded, C), dcolumns.dtype)
        dX[...] = 0
        windows = dcolumns.reshape(n_examples, OH, OW, kh, kw * C)
        apart = -(-kw // s)
        n, h, w, c = dX.strides
        for i in range(kh):
            for start in range(min(apart, OW)):
                part = windows[:, :, start::apart, i]
                place = as_strided(dX[:, i:, start * s :], part.shape, (n, s * h, s * apart * w, c))
                place += part
        (top, _), (left, _) = self.pads
        return dX[:, top : top + self.height, left : left + self.width]


def _pads(n: int, k: int, spec: notation.Conv) -> tuple[int, int]:
    """(before, after): for "same", as many zeros as make the output ceil(n / stride) long; the odd one after."""
    if spec.padding == "valid":
        return 0, 0
    total = max((-(-n // spec.stride) - 1) * spec.stride + k - n, 0)
    return total // 2, total - total // 2
