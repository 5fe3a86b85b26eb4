"""The perceptron and the linear unit: one unit that learns from one example at a time.

    z = w·x + b
    y = f(z)                 the perceptron's f is `step`, the linear unit's is `identity`
    w ← w + eta (t - y) x
    b ← b + eta (t - y)

One rule, twice discovered. For the perceptron it was guessed, and proven to arrive wherever a line parts the two labels
(Rosenblatt 1962, Principles of Neurodynamics, chapter 5). For the linear unit it is the step down the gradient of the
squared error E = ½ (t - y)², since -dE/dw = (t - y) x (Widrow and Hoff 1960, Adaptive Switching Circuits).
"""

from collections.abc import Callable

from pipeline.network.layer import Array

Function = Callable[[Array], Array]


def step(z: Array) -> Array:
    """f(z) = 1 if z > 0 else 0."""
    return (z > 0).astype(z.dtype)


def identity(z: Array) -> Array:
    """f(z) = z."""
    return z


class Unit:
    """One unit: its weights w [D] and its bias b [1], which are moved in place, and its function f."""

    def __init__(self, w: Array, b: Array, f: Function) -> None:
        self.w, self.b, self.f = w, b, f

    def answer(self, x: Array) -> Array:
        """y [1] for an example x [D]."""
        return self.f(self.w @ x + self.b)

    def learn(self, x: Array, t: Array, eta: float) -> Array:
        """Move w and b by what the answer for x [D] lacks of its target t [1]; returns z [1], as it was before."""
        z: Array = self.w @ x + self.b
        y = self.f(z)
        self.w += eta * (t - y) * x
        self.b += eta * (t - y)
        return z
