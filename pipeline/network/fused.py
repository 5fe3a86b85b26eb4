"""CONV relu -> POOL max, run as one.

To add the same to all and to map by a function that never falls changes nothing about which value is the largest. So
the bias and the activation come after the pooling, where a quarter of the values is left. And the convolution's output
is pooled a few rows at a time while it is in the core's own cache; it never exists as a whole, nor does its gradient.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.network.activations import Activation
from pipeline.network.convolution import Convolution
from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.pooling import MaxPooling, places, share_out, take_largest
from pipeline.network.product import Product, blocks


class Fused:
    """A convolution, its activation (or none) and a max pooling whose windows do not overlap."""

    def __init__(self, conv: Convolution, activation: list[Layer], pool: MaxPooling) -> None:
        self.conv, self.activation, self.pool = conv, activation, pool
        self.name = " ".join(layer.name for layer in (conv, *activation, pool))

    @classmethod
    def take(cls, layers: list[Layer]) -> tuple["Fused | None", int]:
        """The layers at the beginning of `layers` that can be run as one, and how many they are."""
        after = 1 + (len(layers) > 1 and isinstance(layers[1], Activation) and layers[1].monotone)
        if len(layers) > after and isinstance(conv := layers[0], Convolution):
            pool = layers[after]
            if isinstance(pool, MaxPooling) and pool.strides == pool.kernel:
                return cls(conv, layers[1:after], pool), after + 1
        return None, 0

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y [OH,OW,N,F] and the way back."""
        F, OH, OW = self.pool.shape
        (kh, kw), N = self.pool.kernel, X.shape[2]
        product, buffers = self.conv.product(X), self.pool.buffers
        Y: Array = buffers.get("Y", (OH, OW, N, F), X.dtype)
        across = buffers.get("across", (kw - 1, OH * kh, OW, N, F), bool)  # where the largest was, along the width
        down = buffers.get("down", (kh - 1, OH, OW, N, F), bool)  # and of those, along the height
        for rows, tall in self._blocks(product):
            Z, half = self._scratch(tall, N, X)
            product.forward(tall, Z)
            take_largest(places(Z, 1, kw, kw, OW), half, across[:, tall])
            take_largest(places(half, 0, kh, kh, len(Y[rows])), Y[rows], down[:, rows])
        Y, bias_back = self.conv.add_bias(Y)
        steps = [bias_back]
        for layer in self.activation:
            Y, back = layer.forward(Y, rng)
            steps.append(back)

        def backprop(dY: Array) -> Array:
            for step in reversed(steps):
                dY = step(dY)
            product.start_back(self.conv.gradients["W"], self.conv.first)
            for rows, tall in self._blocks(product):
                dZ, dhalf = self._scratch(tall, N, X)
                dZ[:, OW * kw :] = 0  # what fills no window
                share_out(dY[rows], down[:, rows], places(dhalf, 0, kh, kh, len(dY[rows])))
                share_out(dhalf, across[:, tall], places(dZ, 1, kw, kw, OW))
                product.backward(tall, dZ)
            return self.conv.cut(product.end_back())

        return Y, backprop

    def _blocks(self, product: Product) -> Iterator[tuple[slice, slice]]:
        """Some rows of the pooling, and the rows of the convolution that they are pooled from."""
        kh = self.pool.kernel[0]
        for rows in blocks(self.pool.shape[1], kh * product.values):
            yield rows, slice(rows.start * kh, rows.stop * kh)

    def _scratch(self, tall: slice, N: int, X: Array) -> tuple[Array, Array]:
        """Room for these rows of the convolution, and for the same when their width is pooled."""
        (F, _, W), height = self.conv.shape, tall.stop - tall.start
        whole = self.pool.buffers.get("whole", (height, W, N, F), X.dtype)
        return whole, self.pool.buffers.get("half", (height, self.pool.shape[2], N, F), X.dtype)
