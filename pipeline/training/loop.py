"""The training itself.

Every worker runs this same loop on its own copy of the network: they share out each batch, meet, and take the same
step. Chance is drawn from the seed and the place in the training, never from what was drawn before.
"""

import time
from dataclasses import dataclass

import numpy as np

from pipeline.data.batches import batches
from pipeline.errors import TrainingError
from pipeline.network.losses import one_hot
from pipeline.network.network import Network, objective
from pipeline.network.notation import Shape
from pipeline.network.parser import parse
from pipeline.training import shards
from pipeline.training.optimizers import OPTIMIZERS, decay
from pipeline.training.recipe import Recipe
from pipeline.training.schedules import SCHEDULES
from pipeline.training.team import Arrays, Team, alone, gather

History = list[dict[str, float]]


@dataclass(frozen=True)
class Progress:
    """Where a training stands after a step; loss and accuracy are the means of the running epoch so far."""

    epoch: int
    step: int
    steps: int
    examples: int
    loss: float
    accuracy: float


class Watcher:
    """What a training tells while it runs; every method may be left as it is."""

    def stepped(self, progress: Progress) -> None:
        """After each step. Raising here ends the training, with the network as this step left it."""

    def finished_epoch(self, line: dict[str, float]) -> None:
        """After each epoch, with its line of the history."""


def fit(network: Network, example: Shape, data: Arrays, recipe: Recipe, workers: int, watcher: Watcher) -> History:
    """Train `network` in place and return a line for each epoch.

    example: the shape of one example, (C, H, W) or (D,).
    data: X and labels to train on, validation_X and validation_labels (which may be empty) to look at.
    The result is the same, bit for bit, for any number of workers.
    Raises TrainingError if the loss is no longer a number, or a worker dies.
    """
    arrays = data | shards.meeting_place(network, len(data["labels"]), recipe)
    arrays["validation_Y"] = np.zeros((len(data["validation_labels"]), network.outputs), network.dtype)
    if workers == 1:
        return Training(alone(arrays), network, recipe, watcher).run()
    with gather(workers, arrays, _beside, example, recipe) as team:
        return Training(team, network, recipe, watcher).run()


def _beside(team: Team, example: Shape, recipe: Recipe) -> None:
    """What the workers beside the parent do: the same training, told to nobody."""
    Training(team, Network(parse(recipe.architecture), example), recipe, Watcher()).run()


class Training:
    """One worker's part in a training: the network, the optimizer and where it stands."""

    def __init__(self, team: Team, network: Network, recipe: Recipe, watcher: Watcher) -> None:
        self.team, self.network, self.recipe, self.watcher = team, network, recipe, watcher
        self.n = len(team.arrays["labels"])
        self.batch_size = recipe.examples_in_a_step(self.n)
        self.steps = -(-self.n // self.batch_size)
        self.optimizer = OPTIMIZERS[recipe.optimizer](network.theta)
        self.schedule = SCHEDULES[recipe.schedule]
        self.shards = shards.Shards(team, network, recipe.loss)
        network.initialise(self.rng(0))

    def rng(self, *place: int) -> np.random.Generator:
        """The generator that belongs to a place in the training."""
        return np.random.default_rng([self.recipe.seed, *place])

    def run(self) -> History:
        """All epochs, one after the other."""
        history: History = []
        for epoch in range(self.recipe.epochs):
            line = self.epoch(epoch)
            history.append(line)
            self.watcher.finished_epoch(line)
        return history

    def epoch(self, epoch: int) -> dict[str, float]:
        """Go once over all examples, in a new order; return the epoch's line of the history."""
        start, loss, right, seen, eta = time.perf_counter(), 0.0, 0, 0, 0.0
        for step, batch in enumerate(batches(self.n, self.batch_size, self.rng(1, epoch))):
            g, mean, correct = self.shards.gradient(batch, lambda shard: self.rng(2, epoch, step, shard))  # noqa: B023 (called at once)
            self.check(mean, epoch, step)
            eta = self.recipe.learning_rate * self.schedule(
                (epoch * self.steps + step) / (self.recipe.epochs * self.steps)
            )
            self.descend(g, eta)
            loss, right, seen = loss + mean * len(batch), right + correct, seen + len(batch)
            self.watcher.stepped(Progress(epoch, step, self.steps, seen, loss / seen, right / seen))
        seconds = time.perf_counter() - start
        return {
            "epoch": epoch + 1,
            "seconds": round(seconds, 3),
            "images_per_second": round(seen / seconds, 1),
            "learning_rate": eta,
            "train_loss": loss / seen,
            "train_accuracy": right / seen,
            **self.validate(),
        }

    def descend(self, g: np.ndarray, eta: float) -> None:
        """One step down the gradient g, at the learning rate eta."""
        if self.recipe.weight_decay:
            decay(self.network, eta, self.recipe.weight_decay)
        self.optimizer.step(g, eta)

    def check(self, loss: float, epoch: int, step: int) -> None:
        """A loss that is not a number any more ends the training."""
        if not np.isfinite(loss):
            rate = self.recipe.learning_rate
            raise TrainingError(
                f"the loss became {loss} at step {step + 1} of epoch {epoch + 1}: expected a finite number; the steps"
                f" are too large, try --learning-rate {rate / 10:g} instead of {rate:g}"
            )

    def validate(self) -> dict[str, float]:
        """Loss and accuracy on the validation split, whose pieces are shared out as well."""
        X, labels, Y = (self.team.arrays[f"validation_{name}"] for name in ("X", "labels", "Y"))
        if not len(labels):
            return {}
        layers, loss = objective(self.network.layers, self.recipe.loss)
        for start in range(self.team.rank * shards.PIECE, len(X), self.team.size * shards.PIECE):
            piece = slice(start, start + shards.PIECE)
            Y[piece] = self.network.forward(X[piece], layers=layers)[0]
        self.team.meet()
        return {
            "validation_loss": loss(Y, one_hot(labels, Y.shape[1], Y.dtype))[0],
            "validation_accuracy": float(np.mean(Y.argmax(axis=1) == labels)),
        }
