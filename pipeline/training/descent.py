"""The step down: each worker moves its own part of theta, and all of them together move all of it.

Part by part, so that the sum over the shards, the weight decay, the optimizer and the average find their numbers in the
core's own cache. Everything is done number by number, so that it does not matter how theta is parted.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.buffers import LINE, aligned
from pipeline.network.layer import Array
from pipeline.network.network import Network
from pipeline.training.optimizers import OPTIMIZERS, decay
from pipeline.training.recipe import Recipe
from pipeline.training.team import Arrays, Team

STATE = ("theta", "memory", "average", "best")  # what steps leave behind, and so what a checkpoint holds
PART = 32_768  # parameters: with gradient, memory and average less than a megabyte


def state(network: Network, recipe: Recipe) -> Arrays:
    """What steps leave behind: theta [P], the optimizer's memory [M,P], the average of theta [P]; and the best [P] so
    far, where `patience` asks for it."""
    memory = OPTIMIZERS[recipe.optimizer].memory
    return {
        "theta": network.theta,
        "memory": np.zeros((memory, network.theta.size), network.dtype),
        "average": network.theta.copy(),
        "best": np.zeros(network.theta.size if recipe.patience else 0, network.dtype),
    }


class Descent:
    """One worker's part of each step."""

    def __init__(self, team: Team, network: Network, recipe: Recipe, steps: int = 0) -> None:
        """steps: that were taken before."""
        self.recipe, self.steps = recipe, steps
        self.theta, self.average, memory = (team.arrays[name] for name in ("theta", "average", "memory"))
        self.parts = list(_parts(team, len(self.theta)))
        self.optimizers = [OPTIMIZERS[recipe.optimizer](self.theta[p], memory[:, p], steps) for p in self.parts]
        self.weights = network.weights()
        self.g = aligned((PART,), self.theta.dtype)

    def step(self, gradients: Array, eta: float) -> None:
        """Move this worker's part of theta by the sum of gradients [S,P], at the learning rate eta."""
        self.steps += 1
        for part, optimizer in zip(self.parts, self.optimizers, strict=True):
            g = _sum(gradients[:, part], self.g[: part.stop - part.start])
            if self.recipe.weight_decay:
                decay(self.theta[part], self.weights[part], eta * self.recipe.weight_decay)
            optimizer.step(g, eta)
            if self.recipe.average:
                self._follow(part, g)

    def _follow(self, part: slice, scratch: Array) -> None:
        """average ← average + (1 - beta) (theta - average), where beta grows to its full size in the first steps."""
        beta = min(self.recipe.average, self.steps / (self.steps + 10))
        np.subtract(self.theta[part], self.average[part], out=scratch)
        scratch *= 1 - beta
        self.average[part] += scratch


def _parts(team: Team, P: int) -> Iterator[slice]:
    """The parts of theta [P] that are this worker's: about equally many numbers for each."""
    steps = -(-P // LINE)  # of LINE numbers, so that every worker begins where a line of the cache does
    first, end = (min(rank * steps // team.size * LINE, P) for rank in (team.rank, team.rank + 1))
    for start in range(first, end, PART):
        yield slice(start, min(start + PART, end))


def _sum(gradients: Array, out: Array) -> Array:
    """The sum of gradients [S,·], in their order."""
    if len(gradients) == 1:
        out[...] = gradients[0]
        return out
    np.add(gradients[0], gradients[1], out=out)
    for gradient in gradients[2:]:
        out += gradient
    return out
