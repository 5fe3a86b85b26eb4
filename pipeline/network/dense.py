"""The fully connected layer: Y = X W + b."""

import numpy as np

from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.multiply import multiply


class Dense(Layer):
    """Y [N,units] = X [N,D] W [D,units] + b [units].

    Backwards: dW = Xᵀ dY, db = Σ dY over the examples, dX = dY Wᵀ.
    """

    kind = "fc"

    def __init__(self, fan_in: int, units: int) -> None:
        super().__init__((units,), {"W": (fan_in, units), "b": (units,)})
        self.fan_in = fan_in

    def initialise(self, rng: np.random.Generator, gain: float) -> None:
        """W ~ N(0, gain / fan_in), b = 0 (He et al. 2015, https://arxiv.org/abs/1502.01852)."""
        W = self.parameters["W"]
        W[...] = rng.normal(0, np.sqrt(gain / self.fan_in), W.shape)
        self.parameters["b"][...] = 0

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y [N,units] and the way back."""
        W, b = self.parameters["W"], self.parameters["b"]
        Y: Array = np.matmul(X, W, out=self.buffers.get("Y", (len(X), *self.shape), X.dtype))
        Y += b

        def backprop(dY: Array) -> Array:
            multiply(X.T, dY, self.gradients["W"])
            np.sum(dY, axis=0, out=self.gradients["b"])
            if self.first:
                return dY[:, :0]
            dX: Array = np.matmul(dY, W.T, out=self.buffers.get("dX", X.shape, X.dtype))
            return dX

        return Y, backprop
