"""The path of a training: where it stood after each step, for pictures of how it got there."""

from collections.abc import Callable

import numpy as np

from pipeline.network.layer import Array
from pipeline.network.network import Network
from pipeline.network.notation import Shape
from pipeline.network.parser import parse
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.loop import Progress, Watcher, fit
from pipeline.training.recipe import Recipe
from pipeline.training.team import Arrays


class Path(Watcher):
    """Remembers the parameters of a small network as they were before the first step and after each."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.thetas: list[Array] = []

    def began(self) -> None:
        """Before the first step."""
        self.thetas.append(self.network.theta.copy())

    def stepped(self, progress: Progress, checkpoint: Callable[[], Checkpoint]) -> None:
        """After each step."""
        self.thetas.append(self.network.theta.copy())


def walk(recipe: Recipe, example: Shape, data: Arrays) -> Array:
    """Train once more, and return theta [S+1,P] before the first step and after each of the S.

    example, data: as `fit` takes them. The same recipe and data give the same path each time.
    """
    network = Network(parse(recipe.architecture), example)
    path = Path(network)
    fit(network, example, data, recipe, 1, [path])
    return np.array(path.thetas)
