"""CONV, its activation and a max pooling, run as one.

What comes out of the convolution is worked on a few rows at a time, while it is in the core's own cache. To add the
same to all and to map by a function that never falls changes nothing about which value is the largest, so that the bias
and the activation come after the pooling, where a quarter of the values is left. Where there is a pooling, the
convolution's output never exists as a whole, nor does its gradient.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.network.activations import Activation
from pipeline.network.convolution import Convolution
from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.pooling import MaxPooling, places, share_out, take_largest
from pipeline.network.product import Product, blocks


class Fused:
    """A convolution, and behind it an activation, a max pooling whose windows do not overlap, or both."""

    def __init__(self, conv: Convolution, activation: Activation | None, pool: MaxPooling | None) -> None:
        self.conv, self.activation, self.pool = conv, activation, pool
        layers: list[Layer | None] = [conv, activation, pool]
        self.name = " ".join(layer.name for layer in layers if layer)
        self.shape = (pool or conv).shape
        self.buffers = (pool or conv).buffers

    @classmethod
    def take(cls, layers: list[Layer]) -> tuple["Fused | None", int]:
        """The layers at the beginning of `layers` that can be run as one, and how many they are."""
        if not isinstance(conv := _at(layers, 0), Convolution):
            return None, 0
        activation: Activation | None = None
        pool: MaxPooling | None = None
        many = 1
        if isinstance(after := _at(layers, many), Activation) and after.monotone:
            activation, many = after, many + 1
        if isinstance(after := _at(layers, many), MaxPooling) and after.strides == after.kernel:
            pool, many = after, many + 1
        return (cls(conv, activation, pool), many) if many > 1 else (None, 0)

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y [OH,OW,N,F] and the way back."""
        (F, OH, OW), N = self.shape, X.shape[2]
        product, bias = self.conv.product(X), self.conv.bias(N)
        Y: Array = self.buffers.get("Y", (OH, OW, N, F), X.dtype)
        pooling = self.pool and Pooled(self.pool, self.conv.shape, Y)
        for rows, tall in self._blocks(product):
            if pooling:
                Z = pooling.room(tall)
                product.forward(tall, Z)
                pooling.forward(rows, tall, Z)
            else:
                product.forward(rows, Y[rows])
            self.conv.add(bias, Y[rows])
            if self.activation:
                self.activation.apply(Y[rows], Y[rows])

        def backprop(dY: Array) -> Array:
            product.start_back(self.conv.gradients["W"], self.conv.first)
            self.conv.gradients["b"][...] = 0
            for rows, tall in self._blocks(product):
                dy = dY[rows]
                if self.activation:
                    dy = self.buffers.get("dy", dy.shape, dy.dtype)
                    self.activation.derive(Y[rows], dY[rows], dy)
                self.conv.bias_back(dy)
                product.backward(tall, pooling.backward(rows, tall, dy) if pooling else dy)
            return self.conv.cut(product.end_back())

        return Y, backprop

    def _blocks(self, product: Product) -> Iterator[tuple[slice, slice]]:
        """Some rows of Y, and the rows of the convolution that they come from."""
        kh = self.pool.kernel[0] if self.pool else 1
        for rows in blocks(self.shape[1], kh * product.values):
            yield rows, slice(rows.start * kh, rows.stop * kh)


class Pooled:
    """The pooling of the convolution's output, of `shape` (F, H, W), to Y [OH,OW,N,F], some rows at a time."""

    def __init__(self, pool: MaxPooling, shape: tuple[int, ...], Y: Array) -> None:
        OH, OW, N, F = Y.shape
        kh, kw = pool.kernel
        self.kernel, self.W, self.Y, self.buffers = pool.kernel, shape[2], Y, pool.buffers
        # Where the largest was, along the width; and of those, along the height.
        self.across = self.buffers.get("across", (kw - 1, OH * kh, OW, N, F), bool)
        self.down = self.buffers.get("down", (kh - 1, OH, OW, N, F), bool)

    def room(self, tall: slice) -> Array:
        """[rows,W,N,F] for these rows of the convolution."""
        whole: Array = self.buffers.get("whole", (tall.stop - tall.start, self.W, *self.Y.shape[2:]), self.Y.dtype)
        return whole

    def forward(self, rows: slice, tall: slice, Z: Array) -> None:
        """Write these rows of Y, from the convolution's rows `tall`, Z."""
        half = self._half(tall)
        take_largest(self._along(1, Z), half, self.across[:, tall])
        take_largest(self._along(0, half), self.Y[rows], self.down[:, rows])

    def backward(self, rows: slice, tall: slice, dy: Array) -> Array:
        """The gradient of the convolution's rows `tall`, from dy, that of these rows of Y."""
        half, dZ = self._half(tall), self.room(tall)
        share_out(dy, self.down[:, rows], self._along(0, half))
        share_out(half, self.across[:, tall], self._along(1, dZ))
        dZ[:, self.Y.shape[1] * self.kernel[1] :] = 0  # what fills no window
        return dZ

    def _half(self, tall: slice) -> Array:
        """[rows,OW,N,F] for these rows, their width pooled."""
        half: Array = self.buffers.get("half", (tall.stop - tall.start, *self.Y.shape[1:]), self.Y.dtype)
        return half

    def _along(self, axis: int, A: Array) -> list[Array]:
        """What the windows have of A along the height, 0, or the width, 1."""
        k = self.kernel[axis]
        return places(A, axis, k, k, A.shape[axis] // k)


def _at(layers: list[Layer], place: int) -> Layer | None:
    """The layer at this place, if there are so many."""
    return layers[place] if place < len(layers) else None
