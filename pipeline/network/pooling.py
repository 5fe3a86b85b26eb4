"""Sub-sampling: the largest, or the mean, of each window."""

from collections.abc import Callable

import numpy as np

from pipeline.errors import ArchitectureError
from pipeline.network import notation
from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.notation import Shape, times

Share = Callable[[Array, list[Array]], None]


class Pooling(Layer):
    """The base of both: X [H,W,N,C] to Y [OH,OW,N,C]; what does not fill a window is left out.

    The windows are taken in along the width, then along the height: the largest of the largest is the largest, and the
    mean of the means is the mean. So a window of k x k costs k + k steps, and the second half sees less data.
    """

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
        super().__init__((channels, (height - kh) // self.strides[0] + 1, (width - kw) // self.strides[1] + 1))

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y [OH,OW,N,C] and the way back."""
        rows, rows_back = self._along(1, X)
        Y, columns_back = self._along(0, rows)
        return Y, lambda dY: rows_back(columns_back(dY))

    def _along(self, axis: int, X: Array) -> tuple[Array, Backprop]:
        """The windows taken in along one axis, 0 the height and 1 the width; and the way back."""
        kernel, stride, size = self.kernel[axis], self.strides[axis], self.shape[1 + axis]
        Y = self.buffers.get(f"Y{axis}", (*X.shape[:axis], size, *X.shape[axis + 1 :]), X.dtype)
        share = self.take_in(axis, places(X, axis, kernel, stride, size), Y)

        def backprop(dY: Array) -> Array:
            dX: Array = self.buffers.get(f"dX{axis}", X.shape, X.dtype)
            dX[...] = 0
            # Windows may overlap, so that what comes from all of them is added up.
            shares = list(self.buffers.get(f"shares{axis}", (kernel, *Y.shape), X.dtype))
            share(dY, shares)
            for place, part in zip(places(dX, axis, kernel, stride, size), shares, strict=True):
                place += part
            return dX

        return Y, backprop

    def take_in(self, axis: int, places: list[Array], Y: Array) -> Share:
        """Write into Y what the windows amount to, of which `places` are the values.

        Returns how a gradient dY is shared out: `share(dY, shares)` writes into shares[i] that of places[i].
        """
        raise NotImplementedError(f"{type(self).__name__}.take_in")


class MaxPooling(Pooling):
    """Y = the largest value of each window; the gradient goes to the first place that held it."""

    def take_in(self, axis: int, places: list[Array], Y: Array) -> Share:
        here = self.buffers.get(f"here{axis}", (len(places) - 1, *Y.shape), bool)
        take_largest(places, Y, here)
        return lambda dY, shares: share_out(dY, here, shares)


class AveragePooling(Pooling):
    """Y = the mean of each window; the gradient is shared out evenly."""

    def take_in(self, axis: int, places: list[Array], Y: Array) -> Share:
        part = Y.dtype.type(1 / len(places))
        Y[...] = places[0]
        for place in places[1:]:
            Y += place
        Y *= part

        def share(dY: Array, shares: list[Array]) -> None:
            for each in shares:
                np.multiply(dY, part, out=each)

        return share


def places(A: Array, axis: int, kernel: int, stride: int, size: int) -> list[Array]:
    """For each place in a window along an axis, a view of what all `size` windows have there."""
    before = (slice(None),) * axis
    return [A[(*before, slice(i, i + stride * (size - 1) + 1, stride))] for i in range(kernel)]


def take_largest(places: list[Array], Y: Array, here: np.ndarray) -> None:
    """Write into Y the largest of `places`, and into here[i], for all but the last, where places[i] is it."""
    if len(places) == 1:
        Y[...] = places[0]
    for at in range(1, len(places)):
        np.maximum(places[0] if at == 1 else Y, places[at], out=Y)
    for place, mask in zip(places[:-1], here, strict=True):
        np.equal(place, Y, out=mask)


def share_out(dY: Array, here: np.ndarray, shares: list[Array]) -> None:
    """Give each value of dY to the first place that was the largest: shares[i] is what places[i] gets."""
    if len(shares) == 1:
        shares[0][...] = dY
    rest, last = dY, shares[-1]
    for share, mask in zip(shares[:-1], here, strict=True):
        np.multiply(rest, mask, out=share)
        rest = np.subtract(rest, share, out=last)  # the others share what is left, and the last one takes the rest
