"""Back-propagation as the textbooks write it: sigmoid units, squared error, one example at a time.

    a = sigmoid(w·x + b)                        each layer's answers are the next one's x; the last are y
    delta_k = y_k (1 - y_k) (t_k - y_k)         of an output unit
    delta_i = a_i (1 - a_i) Σ_k w_ki delta_k    of a hidden unit, from the units k that it feeds
    w_ki ← w_ki + eta delta_k x_i               and b_k ← b_k + eta delta_k

A delta is -dE/dz of its unit, for E = ½ Σ (t_k - y_k)². The layers of `pipeline.network.network` compute the same, for
any activation, any loss and any batch; this is the shortest case, written out (Mitchell 1997, Machine Learning, 4.5;
Rumelhart, Hinton and Williams 1986, https://doi.org/10.1038/323533a0).
"""

from collections.abc import Sequence

import numpy as np

from pipeline.network.layer import Array


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z); its derivative is sigmoid (1 - sigmoid)."""
    return 1 / (1 + np.exp(-z))


class Textbook:
    """Fully connected layers of sigmoid units. layers: for each its W [D,units] and b [units], moved in place."""

    def __init__(self, layers: Sequence[tuple[Array, Array]]) -> None:
        self.layers = layers

    def answers(self, x: Array) -> list[Array]:
        """The example x [D], and what each layer makes of it; the last is y [K]."""
        a = [x]
        for W, b in self.layers:
            a.append(sigmoid(a[-1] @ W + b))
        return a

    def deltas(self, a: Sequence[Array], t: Array) -> list[Array]:
        """The delta [units] of each layer, from the answers `a` and the targets t [K]."""
        y = a[-1]
        deltas: list[Array] = [y * (1 - y) * (t - y)]
        for (W, _), hidden in zip(reversed(self.layers[1:]), reversed(a[1:-1]), strict=True):
            deltas.append(hidden * (1 - hidden) * (W @ deltas[-1]))
        return deltas[::-1]

    def learn(self, x: Array, t: Array, eta: float) -> Array:
        """Move all W and b by the example x [D] with its targets t [K]; returns y [K], as it was before."""
        a = self.answers(x)
        for (W, b), x_l, delta in zip(self.layers, a, self.deltas(a, t), strict=False):
            on = np.flatnonzero(x_l)  # the weights of an input of 0 stay: of a digit's pixels, four in five
            W[on] += eta * np.outer(x_l[on], delta)
            b += eta * delta
        return a[-1]
