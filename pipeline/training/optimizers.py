"""How a step is taken: each optimizer moves theta [P] along its gradient [P], in place.

eta is the learning rate, g the gradient of the mean loss over the batch.
"""

import numpy as np

from pipeline.network.layer import Array
from pipeline.network.network import Network

BETA = 0.9  # the memory of momentum: about the last ten gradients


class SGD:
    """Gradient descent: theta ← theta - eta g. On one example at a time it is stochastic, on all of them batch."""

    def __init__(self, theta: Array) -> None:
        self.theta = theta
        self.scratch = np.empty_like(theta)

    def step(self, g: Array, eta: float) -> None:
        """Take one step; g is left as it is."""
        np.multiply(g, eta, out=self.scratch)
        self.theta -= self.scratch


class Momentum(SGD):
    """v ← beta v + g; theta ← theta - eta v (Polyak 1964)."""

    def __init__(self, theta: Array) -> None:
        super().__init__(theta)
        self.v = np.zeros_like(theta)

    def step(self, g: Array, eta: float) -> None:
        """Take one step; g is left as it is."""
        self.v *= BETA
        self.v += g
        super().step(self.v, eta)


class Nesterov(Momentum):
    """v ← beta v + g; theta ← theta - eta (g + beta v): the gradient is followed as if the step were taken already.

    Nesterov 1983, in the form of Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html
    """

    def step(self, g: Array, eta: float) -> None:
        """Take one step; g is left as it is."""
        super().step(g, eta * BETA)
        SGD.step(self, g, eta)


class Adam(SGD):
    """m ← b1 m + (1 - b1) g; v ← b2 v + (1 - b2) g²; theta ← theta - eta m̂ / (√v̂ + 1e-8).

    m̂ and v̂ are m and v freed of their start at zero: m / (1 - b1^t), v / (1 - b2^t).
    Kingma and Ba 2015, https://arxiv.org/abs/1412.6980
    """

    B1, B2, EPSILON = 0.9, 0.999, 1e-8

    def __init__(self, theta: Array) -> None:
        super().__init__(theta)
        self.m, self.v = np.zeros_like(theta), np.zeros_like(theta)
        self.t = 0

    def step(self, g: Array, eta: float) -> None:
        """Take one step; g is left as it is."""
        self.t += 1
        scratch = self.scratch
        self.m *= self.B1
        np.multiply(g, 1 - self.B1, out=scratch)
        self.m += scratch
        self.v *= self.B2
        np.multiply(g, g, out=scratch)
        scratch *= 1 - self.B2
        self.v += scratch
        # eta m̂ / (√v̂ + e) with the two corrections drawn into two numbers.
        correction = np.sqrt(1 - self.B2**self.t)
        np.sqrt(self.v, out=scratch)
        scratch += self.EPSILON * correction
        np.divide(self.m, scratch, out=scratch)
        scratch *= eta * correction / (1 - self.B1**self.t)
        self.theta -= scratch


OPTIMIZERS: dict[str, type[SGD]] = {"sgd": SGD, "momentum": Momentum, "nesterov": Nesterov, "adam": Adam}


def decay(network: Network, eta: float, rate: float) -> None:
    """Weight decay beside the gradient: W ← W - eta rate W; biases are left alone.

    Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101
    """
    for layer in network.layers:
        if "W" in layer.parameters:
            layer.parameters["W"] *= 1 - eta * rate
