"""The activation functions, each with its derivative.

| name     | f(x)                   | f'(x), from y = f(x) where that is shorter |
| -------- | ---------------------- | ------------------------------------------ |
| identity | x                      | 1                                          |
| step     | 1 if x > 0 else 0      | 0                                          |
| sigmoid  | 1 / (1 + e^-x)         | y (1 - y)                                  |
| tanh     | tanh x                 | 1 - y²                                     |
| relu     | max(x, 0)              | 1 if x > 0 else 0                          |
| softmax  | e^x_k / Σ e^x_j        | dx = y (dy - Σ y dy)                       |
"""

import numpy as np

from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.notation import Shape


class Activation(Layer):
    """An activation works value by value (softmax: row by row) and keeps the shape."""

    gain = 1.0  # of the initialisation of the layer before it
    monotone = True  # the activation of the largest value is the largest activation

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y, of the shape of X, and the way back."""
        Y = self.buffers.get("Y", X.shape, X.dtype)
        self.apply(X, Y)

        def backprop(dY: Array) -> Array:
            dX: Array = self.buffers.get("dX", X.shape, X.dtype)
            self.derive(Y, dY, dX)
            return dX

        return Y, backprop

    def apply(self, X: Array, Y: Array) -> None:
        """Write f(X) into Y."""
        np.copyto(Y, X)

    def derive(self, Y: Array, dY: Array, dX: Array) -> None:
        """Write f'(X) dY into dX, from Y = f(X)."""
        np.copyto(dX, dY)


class Identity(Activation):
    """f(x) = x: what a linear unit has."""

    kind = "identity"


class Step(Activation):
    """f(x) = 1 if x > 0 else 0: what a perceptron has. Its derivative is 0 wherever there is one."""

    kind = "step"
    gain = 0.0  # a perceptron begins with nothing

    def apply(self, X: Array, Y: Array) -> None:
        np.greater(X, 0, out=Y, casting="unsafe")

    def derive(self, Y: Array, dY: Array, dX: Array) -> None:
        dX[...] = 0


class Sigmoid(Activation):
    """f(x) = 1 / (1 + e^-x), written as (1 + tanh(x/2)) / 2, which cannot overflow; f' = y (1 - y)."""

    kind = "sigmoid"

    def apply(self, X: Array, Y: Array) -> None:
        np.multiply(X, 0.5, out=Y)
        np.tanh(Y, out=Y)
        Y += 1
        Y *= 0.5

    def derive(self, Y: Array, dY: Array, dX: Array) -> None:
        np.subtract(1, Y, out=dX)
        dX *= Y
        dX *= dY


class Tanh(Activation):
    """f(x) = tanh x; f' = 1 - y²."""

    kind = "tanh"

    def apply(self, X: Array, Y: Array) -> None:
        np.tanh(X, out=Y)

    def derive(self, Y: Array, dY: Array, dX: Array) -> None:
        np.multiply(Y, Y, out=dX)
        np.subtract(1, dX, out=dX)
        dX *= dY


class Relu(Activation):
    """f(x) = max(x, 0); f' = 1 if x > 0 else 0."""

    kind = "relu"
    gain = 2.0  # half of the values are cut off

    def apply(self, X: Array, Y: Array) -> None:
        # A row of zeros: NumPy compares with one number at a third of the speed.
        np.maximum(X, np.zeros(X.shape[-2:] if X.ndim == 4 else X.shape[-1], X.dtype), out=Y)

    def derive(self, Y: Array, dY: Array, dX: Array) -> None:
        positive = self.buffers.get("positive", Y.shape, bool)
        np.multiply(dY, np.greater(Y, 0, out=positive), out=dX)


class Softmax(Activation):
    """f(x)_k = e^x_k / Σ_j e^x_j, over the last axis; the largest x is taken off first, so that e^x cannot overflow."""

    kind = "softmax"
    monotone = False

    def apply(self, X: Array, Y: Array) -> None:
        np.subtract(X, X.max(axis=-1, keepdims=True), out=Y)
        np.exp(Y, out=Y)
        Y /= Y.sum(axis=-1, keepdims=True)

    def derive(self, Y: Array, dY: Array, dX: Array) -> None:
        np.multiply(Y, dY, out=dX)
        np.subtract(dY, dX.sum(axis=-1, keepdims=True), out=dX)
        dX *= Y


_KINDS: dict[str, type[Activation]] = {c.kind: c for c in (Identity, Step, Sigmoid, Tanh, Relu, Softmax)}


def activation(name: str, shape: Shape) -> Activation:
    """The activation called `name` in the notation, for examples of this shape."""
    return _KINDS[name](shape)
