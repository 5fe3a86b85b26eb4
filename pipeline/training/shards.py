"""Many cores, one result: a batch is cut into shards, and each worker takes its share of them.

How a batch is cut depends on the batch alone, and the gradients of the shards are added in the shards' order. So the
sum is the same to the last bit, whether one worker did all shards or each worker did one.
"""

from collections.abc import Callable

import numpy as np

from pipeline.data.augmentation import AUGMENTATIONS
from pipeline.network.layer import Array
from pipeline.network.network import Network
from pipeline.training.recipe import Recipe
from pipeline.training.team import Arrays, Team

SHARD = 64  # examples in a shard: large enough for fast products, small enough that two workers share 128
MOST = 16  # shards in a batch; those of a larger batch are larger
PIECE = 128  # examples that go through the network at once


def count(batch_size: int) -> int:
    """How many shards a batch is cut into."""
    return min(-(-batch_size // SHARD), MOST)


def meeting_place(network: Network, n: int, recipe: Recipe) -> Arrays:
    """The memory in which the shards of a batch leave what they found.

    shard_gradients [2,S,P]; shard_counts [2,S,2], the part of the loss and the right answers. There are two of each,
    used in turn, so that a worker can begin the next step while another still adds up this one.
    """
    S = count(recipe.examples_in_a_step(n))
    return {
        "shard_gradients": np.zeros((2, S, network.theta.size), network.dtype),
        "shard_counts": np.zeros((2, S, 2)),
    }


class Shards:
    """Computes the gradient of a batch together with the other workers of the team."""

    def __init__(self, team: Team, network: Network, recipe: Recipe) -> None:
        self.team, self.network, self.loss = team, network, recipe.loss
        self.augment = AUGMENTATIONS[recipe.augment]
        self.sum = np.empty_like(network.theta)
        self.turn = 0

    def gradient(self, batch: np.ndarray, rng: Callable[[int], np.random.Generator]) -> tuple[Array, float, int]:
        """The gradient [P] of the mean loss over the examples at `batch` [B], that loss, and the right answers.

        rng: gives each shard, by its number, a generator of its own. The gradient is valid until the next call.
        """
        self.turn = 1 - self.turn
        gradients = self.team.arrays["shard_gradients"][self.turn]
        counts = self.team.arrays["shard_counts"][self.turn]
        cuts = np.array_split(batch, count(len(batch)))
        for s in range(self.team.rank, len(cuts), self.team.size):
            self.work(cuts[s], len(batch), rng(s), gradients[s], counts[s])
        self.team.meet()
        loss, right = counts[: len(cuts)].sum(axis=0)
        return self.add(gradients[: len(cuts)]), float(loss), int(right)

    def work(
        self,
        shard: np.ndarray,
        batch_size: int,
        rng: np.random.Generator,
        gradient: Array,
        counts: np.ndarray,
    ) -> None:
        """One shard: its part of the mean gradient into `gradient` [P], of loss and right answers into `counts` [2]."""
        X, labels = self.team.arrays["X"], self.team.arrays["labels"]
        counts[...] = 0
        for start in range(0, len(shard), PIECE):
            piece = shard[start : start + PIECE]
            value, Y = self.network.loss(self.augment(X[piece], rng), labels[piece], self.loss, rng)
            part = len(piece) / batch_size
            counts += (part * value, np.count_nonzero(Y.argmax(axis=1) == labels[piece]))
            if start == 0:
                np.multiply(self.network.gradient, part, out=gradient)
            else:
                self.network.gradient *= part
                gradient += self.network.gradient

    def add(self, gradients: Array) -> Array:
        """The sum of gradients [S,P], in their order."""
        if len(gradients) == 1:
            only: Array = gradients[0]
            return only
        np.add(gradients[0], gradients[1], out=self.sum)
        for gradient in gradients[2:]:
            self.sum += gradient
        return self.sum
