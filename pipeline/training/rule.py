"""Learning by the textbooks' rules: where a training is one that they write down, it is done as they write it.

That is stochastic gradient descent, one example at a time, of a perceptron, of a linear unit, or of layers of sigmoid
units with the squared error. What a rule does is what the general way does with a batch of one.
"""

from itertools import takewhile
from typing import Protocol

import numpy as np

from pipeline.network.layer import Array, Layer
from pipeline.network.losses import targets
from pipeline.network.network import Network
from pipeline.network.perceptron import Unit, identity, step
from pipeline.network.textbook import Textbook
from pipeline.training.recipe import Recipe
from pipeline.training.shards import Chance, Shards


class Rule(Protocol):
    """Moves the parameters of a network, in place."""

    def learn(self, x: Array, t: Array, eta: float) -> Array:
        """One step, for an example x [D] with its targets t [K]. Returns [K] what the loss is taken of."""


def rule(network: Network, recipe: Recipe) -> Rule | None:
    """The rule that this training can be done by; None if the textbooks have none for it."""
    plain = not (recipe.weight_decay or recipe.average)
    if not plain or (recipe.optimizer, recipe.batch_size) != ("sgd", 1):
        return None
    kinds = [layer.kind for layer in network.layers[len(before(network)) :]]
    parameters = [(layer.parameters["W"], layer.parameters["b"]) for layer in network.layers if layer.kind == "fc"]
    if kinds == ["fc", "sigmoid"] * len(parameters) and recipe.loss == "mse":
        return Textbook(parameters)
    f = {("perceptron", "fc", "step"): step, ("mse", "fc"): identity}.get((recipe.loss, *kinds))
    if f is None or network.outputs > 1:
        return None
    W, b = parameters[0]
    return Unit(W[:, 0], b, f)


def before(network: Network) -> list[Layer]:
    """The layers at the beginning that nothing is to be learned in."""
    return list(takewhile(lambda layer: layer.kind in ("input", "scale", "flatten"), network.layers))


class ByRule:
    """Takes the steps of a training by a rule. There is nothing to share out: one worker does it alone."""

    def __init__(self, rule: Rule, shards: Shards) -> None:
        self.rule, self.shards, self.before = rule, shards, before(shards.network)

    def step(self, batch: np.ndarray, eta: float, rng: Chance) -> tuple[float, int]:
        """Learn from the example at `batch` [1]; returns its loss, and 1 if it was answered right before."""
        shards, network, aim = self.shards, self.shards.network, self.shards.objective
        X = shards.augmented(batch, rng(0) if shards.chance else None)
        labels = shards.team.arrays["labels"][batch]
        T = targets(labels, network.outputs, network.dtype, shards.recipe.label_smoothing)
        (x,), _ = network.forward(X, layers=self.before)
        Y = self.rule.learn(x, T[0], eta)[np.newaxis]
        return aim.loss(Y, T, 1)[0], aim.right(Y, labels)
