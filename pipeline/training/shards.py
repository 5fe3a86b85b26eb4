"""Many cores, one result: a batch is cut into shards, and each worker takes its share of them.

How a batch is cut depends on the batch alone, and the gradients of the shards are added in the shards' order. So the
sum is the same to the last bit, whether one worker did all shards or each worker did one.
"""

from collections.abc import Callable

import numpy as np

from pipeline.buffers import Buffers
from pipeline.data.augmentation import AUGMENTATIONS
from pipeline.network.layer import Array
from pipeline.network.network import Network, objective
from pipeline.network.notation import Architecture
from pipeline.training.recipe import Recipe
from pipeline.training.team import Arrays, Team

# Examples in a shard, of maps and of rows: large enough for fast products, of which those of rows are only as high as
# the shard; small enough that many workers find one. A batch of 128 is two shards of either, see SMALLEST.
MAPS, ROWS = 64, 128
SMALLEST = 16  # examples below which a batch is not cut in two
MOST = 16  # shards in a batch; those of a larger batch are larger

Chance = Callable[[int], np.random.Generator]


def count(batch_size: int, architecture: Architecture) -> int:
    """How many shards a batch is cut into."""
    shard = MAPS if len(architecture.shape) == 3 else ROWS
    return min(max(-(-batch_size // shard), min(2, batch_size // SMALLEST), 1), MOST)


def meeting_place(network: Network, n: int, recipe: Recipe) -> Arrays:
    """The memory in which the shards of a batch leave what they found.

    shard_gradients [S,P]; shard_counts [S,2], the part of the loss and the right answers.
    """
    S = count(recipe.examples_in_a_step(n), network.architecture)
    return {
        "shard_gradients": np.zeros((S, network.theta.size), network.dtype),
        "shard_counts": np.zeros((S, 2)),
    }


class Shards:
    """Computes the gradients of a batch together with the other workers of the team."""

    def __init__(self, team: Team, network: Network, recipe: Recipe) -> None:
        self.team, self.network, self.recipe = team, network, recipe
        self.objective = objective(network.layers, recipe.loss)
        self.augment = AUGMENTATIONS[recipe.augment]
        self.chance = recipe.augment != "none" or any(layer.kind == "dropout" for layer in network.layers)
        self.buffers = Buffers()

    def gradients(self, batch: np.ndarray, rng: Chance) -> tuple[Array, float, int]:
        """For the examples at `batch` [B]: gradients [S,P], whose sum is that of the mean loss; that loss; the right
        answers.

        rng: gives each shard, by its number, a generator of its own.
        The gradients are shared with the team: every worker must meet once more before the next call.
        """
        gradients, counts = self.team.arrays["shard_gradients"], self.team.arrays["shard_counts"]
        cuts = np.array_split(batch, count(len(batch), self.network.architecture))
        for s in range(self.team.rank, len(cuts), self.team.size):
            counts[s] = self.work(cuts[s], len(batch), rng(s) if self.chance else None, gradients[s])
        self.team.meet()
        loss, right = counts[: len(cuts)].sum(axis=0)
        return gradients[: len(cuts)], float(loss), int(right)

    def work(self, shard: np.ndarray, B: int, rng: np.random.Generator | None, gradient: Array) -> tuple[float, int]:
        """One shard of a batch of B: its part of the gradient into `gradient` [P]; its loss and right answers."""
        loss, right = 0.0, 0
        for i, piece in enumerate(np.array_split(shard, -(-len(shard) // self.network.at_once))):
            X, labels = self.augmented(piece, rng), self.team.arrays["labels"][piece]
            more = self.buffers.get("more", gradient.shape, gradient.dtype) if i else gradient
            self.network.learn_into(more)
            value, Y = self.network.loss(X, labels, self.recipe.loss, rng, B, self.recipe.label_smoothing)
            if i:
                gradient += more
            loss += value
            right += self.objective.right(Y, labels)
        return loss, right

    def augmented(self, piece: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """The examples at `piece`, moved by chance."""
        X = self.team.arrays["X"]
        taken = self.buffers.get("X", (len(piece), *X.shape[1:]), X.dtype)
        np.take(X, piece, axis=0, out=taken, mode="clip")  # "raise" would make a copy first
        return taken if rng is None else self.augment(taken, rng, self.buffers)
