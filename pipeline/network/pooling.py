"""Sub-sampling: the largest, or the mean, of each window."""

from collections.abc import Iterator

import numpy as np

from pipeline.errors import ArchitectureError
from pipeline.network import notation
from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.notation import Shape, times


class Pooling(Layer):
    """The base of both: X [N,H,W,C] to Y [N,OH,OW,C]; what does not fill a window is left out."""

    kind = "pool"

    def __init__(self, shape: Shape, spec: notation.Pool) -> None:
        channels, height, width = shape
        (kh, kw), stride = spec.kernel, spec.stride
        if kh > height or kw > width:
            raise ArchitectureError(
                f"{spec}: its window {times(*spec.kernel)} is larger than its input {times(*shape)}:"
                " take a smaller window, or leave this POOL out"
            )
        self.kernel = spec.kernel
        self.strides = (stride or kh, stride or kw)
        OH, OW = (height - kh) // self.strides[0] + 1, (width - kw) // self.strides[1] + 1
        super().__init__((channels, OH, OW))
        # Windows that neither overlap nor leave anything out write each gradient once.
        self.tiling = self.strides == self.kernel and (OH * kh, OW * kw) == (height, width)

    def places(self, X: Array) -> Iterator[Array]:
        """For each place in the window, a view [N,OH,OW,C] of what all the windows have there."""
        _, OH, OW = self.shape
        sh, sw = self.strides
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                yield X[:, i : i + sh * OH : sh, j : j + sw * OW : sw]

    def output(self, X: Array) -> Array:
        """The buffer for Y [N,OH,OW,C]."""
        channels, OH, OW = self.shape
        return self.buffer("Y", (len(X), OH, OW, channels), X.dtype)


class MaxPooling(Pooling):
    """Y = the largest value of each window; the gradient goes to the first place that held it."""

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y [N,OH,OW,C] and the way back."""
        Y = self.output(X)
        first, *others = self.places(X)
        Y[...] = first
        for place in others:
            np.maximum(Y, place, out=Y)

        def backprop(dY: Array) -> Array:
            dX = self.buffer("dX", X.shape, X.dtype)
            if not self.tiling:
                dX[...] = 0
            here = self.buffer("here", Y.shape, np.dtype(bool))
            waiting = self.buffer("waiting", Y.shape, np.dtype(bool))  # windows whose largest value was not met yet
            waiting[...] = True
            for place, gradient in zip(self.places(X), self.places(dX), strict=True):
                np.equal(place, Y, out=here)
                np.logical_and(here, waiting, out=here)
                np.logical_xor(waiting, here, out=waiting)
                if self.tiling:
                    np.multiply(dY, here, out=gradient)
                else:
                    gradient += dY * here
            return dX

        return Y, backprop


class AveragePooling(Pooling):
    """Y = the mean of each window; the gradient is shared out evenly."""

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y [N,OH,OW,C] and the way back."""
        share = X.dtype.type(1 / (self.kernel[0] * self.kernel[1]))
        Y = self.output(X)
        Y[...] = 0
        for place in self.places(X):
            Y += place
        Y *= share

        def backprop(dY: Array) -> Array:
            dX = self.buffer("dX", X.shape, X.dtype)
            dX[...] = 0
            for gradient in self.places(dX):
                gradient += dY * share
            return dX

        return Y, backprop
