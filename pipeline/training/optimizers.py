"""How a step is taken: each optimizer moves theta [P] along its gradient [P], in place.

eta is the learning rate, g the gradient of the mean loss over the batch. An optimizer is given the memory [M,P] that it
keeps from step to step, which begins as zeros, and how many steps were taken before; `g` is its scratch paper once it
is read.
"""

from typing import ClassVar

import numpy as np

from pipeline.network.layer import Array

BETA = 0.9  # the memory of momentum: about the last ten gradients


class SGD:
    """Gradient descent: theta ← theta - eta g. On one example at a time it is stochastic, on all of them batch."""

    memory: ClassVar[int] = 0

    def __init__(self, theta: Array, memory: Array, steps: int = 0) -> None:
        self.theta = theta

    def step(self, g: Array, eta: float) -> None:
        """Take one step; g is overwritten."""
        g *= eta
        self.theta -= g


class Momentum(SGD):
    """v ← beta v + g; theta ← theta - eta v (Polyak 1964)."""

    memory = 1

    def __init__(self, theta: Array, memory: Array, steps: int = 0) -> None:
        super().__init__(theta, memory, steps)
        (self.v,) = memory

    def step(self, g: Array, eta: float) -> None:
        """Take one step; g is overwritten."""
        self.v *= BETA
        self.v += g
        np.multiply(self.v, eta, out=g)
        self.theta -= g


class Nesterov(Momentum):
    """v ← beta v + g; theta ← theta - eta (g + beta v): the gradient is followed as if the step were taken already.

    Nesterov 1983, in the form of Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html
    """

    def step(self, g: Array, eta: float) -> None:
        """Take one step; g is overwritten."""
        self.v *= BETA
        self.v += g
        g *= eta
        self.theta -= g
        np.multiply(self.v, eta * BETA, out=g)
        self.theta -= g


class Adam(SGD):
    """m ← b1 m + (1 - b1) g; v ← b2 v + (1 - b2) g²; theta ← theta - eta m̂ / (√v̂ + e).

    m̂ and v̂ are m and v freed of their start at zero: m / (1 - b1^t), v / (1 - b2^t). Kept are m / (1 - b1) and
    v / (1 - b2), which saves two multiplications a number: the factors are drawn into two numbers a step.
    Kingma and Ba 2015, https://arxiv.org/abs/1412.6980
    """

    B1, B2, EPSILON = 0.9, 0.999, 1e-8
    memory = 2

    def __init__(self, theta: Array, memory: Array, steps: int = 0) -> None:
        super().__init__(theta, memory, steps)
        self.m, self.v = memory
        self.t = steps

    def step(self, g: Array, eta: float) -> None:
        """Take one step; g is overwritten."""
        self.t += 1
        self.m *= self.B1
        self.m += g
        g *= g
        self.v *= self.B2
        self.v += g
        to_m = (1 - self.B1) / (1 - self.B1**self.t)
        to_v = ((1 - self.B2) / (1 - self.B2**self.t)) ** 0.5
        np.sqrt(self.v, out=g)
        g += self.EPSILON / to_v
        np.divide(self.m, g, out=g)
        g *= eta * to_m / to_v
        self.theta -= g


OPTIMIZERS: dict[str, type[SGD]] = {"sgd": SGD, "momentum": Momentum, "nesterov": Nesterov, "adam": Adam}


def decay(theta: Array, weights: Array, rate: float) -> None:
    """Weight decay beside the gradient: W ← W - rate W, where `weights` [P] is 1; where it is 0 is a bias, left alone.

    Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101
    """
    theta -= rate * weights * theta
