"""The convolution, as matrix products over the windows of its input."""

import numpy as np

from pipeline.errors import ArchitectureError
from pipeline.network import notation
from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.notation import Shape, times
from pipeline.network.product import Product, blocks


class Convolution(Layer):
    """Y[y,x,n,f] = Σ X[s·y+i, s·x+j, n, c] W[i,j,c,f] + b[f], over the kernel (i, j) and the channels c.

    X [H,W,N,C] (padded with zeros for "same"), W [kh,kw,C,F], Y [OH,OW,N,F]. Backwards db = Σ dY; dW and dX are
    matrix products too, see `Product`.
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
        weights = (*spec.kernel, self.channels, spec.filters)
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
        """Y [OH,OW,N,F] and the way back."""
        filters, OH, OW = self.shape
        product, bias = self.product(X), self.bias(X.shape[2])
        Y: Array = self.buffers.get("Y", (OH, OW, X.shape[2], filters), X.dtype)
        for rows in blocks(OH, product.values):
            product.forward(rows, Y[rows])
            self.add(bias, Y[rows])

        def backprop(dY: Array) -> Array:
            product.start_back(self.gradients["W"], self.first)
            self.gradients["b"][...] = 0
            for rows in blocks(OH, product.values):
                self.bias_back(dY[rows])
                product.backward(rows, dY[rows])
            return self.cut(product.end_back())

        return Y, backprop

    def product(self, X: Array) -> Product:
        """All but the bias, for X [H,W,N,C]: rows of Y, and the way back to the padded X."""
        return Product(self._pad(X), self.parameters["W"], self.stride, self.shape[1:], self.buffers)

    def cut(self, dX: Array) -> Array:
        """Padded maps without their padding; of the first layer, there are none."""
        if self.first:
            return dX
        (top, _), (left, _) = self.pads
        return dX[top : top + self.height, left : left + self.width]

    def bias(self, N: int) -> Array:
        """[N·F], b for a whole place: a call's cost is per piece of memory, and F alone is a short one."""
        return np.tile(self.parameters["b"], N)

    def add(self, bias: Array, Y: Array) -> None:
        """Y [rows,OW,N,F] += b."""
        places = Y.reshape(-1, len(bias))
        places += bias

    def bias_back(self, dY: Array) -> None:
        """db += Σ dY [rows,OW,N,F]."""
        # As a product: NumPy's own sum goes through short rows one by one.
        dY2 = dY.reshape(-1, dY.shape[3])
        ones = self.buffers.get("ones", (len(dY2),), dY.dtype)
        ones[...] = 1
        self.gradients["b"] += ones @ dY2

    def _pad(self, X: Array) -> Array:
        (top, bottom), (left, right) = self.pads
        if top + bottom + left + right == 0:
            return np.ascontiguousarray(X)
        padded: Array = self.buffers.get("padded", (*self.padded, *X.shape[2:]), X.dtype)
        padded[...] = 0
        padded[top : top + self.height, left : left + self.width] = X
        return padded


def _pads(n: int, k: int, spec: notation.Conv) -> tuple[int, int]:
    """(before, after): for "same", as many zeros as make the output ceil(n / stride) long; the odd one after."""
    if spec.padding == "valid":
        return 0, 0
    total = max((-(-n // spec.stride) - 1) * spec.stride + k - n, 0)
    return total // 2, total - total // 2
