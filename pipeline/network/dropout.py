"""Dropout: while training, each value is zeroed by chance.

Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
"""

import numpy as np

from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.notation import Shape


class Dropout(Layer):
    """Y = X mask / (1 - rate), where mask is 0 with probability `rate`: the mean stays, and answering needs no mask."""

    kind = "dropout"

    def __init__(self, shape: Shape, rate: float) -> None:
        super().__init__(shape)
        self.rate = rate

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y, of the shape of X, and the way back; without `rng` it passes X on."""
        if rng is None or self.rate == 0:
            return X, lambda dY: dY
        chance = rng.random(out=self.buffers.get("chance", X.shape, np.float32), dtype=np.float32)
        mask: Array = self.buffers.get("mask", X.shape, X.dtype)
        np.multiply(chance >= self.rate, X.dtype.type(1 / (1 - self.rate)), out=mask)
        Y: Array = np.multiply(X, mask, out=self.buffers.get("Y", X.shape, X.dtype))
        return Y, lambda dY: np.multiply(dY, mask, out=self.buffers.get("dX", dY.shape, dY.dtype))
