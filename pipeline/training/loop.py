"""The training itself.

Every worker runs this same loop on its own copy of the network: they share out each batch, meet, and take the same
step. Chance is drawn from the seed and the place in the training, never from what was drawn before.
"""

import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.data.batches import batches
from pipeline.errors import TrainingError
from pipeline.network.losses import one_hot
from pipeline.network.network import Network, objective
from pipeline.network.notation import Shape
from pipeline.network.parser import parse
from pipeline.training import descent, shards
from pipeline.training.profile import Profile
from pipeline.training.recipe import LEARNING_RATES, Recipe
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


@dataclass
class Means:
    """The running means of an epoch."""

    examples: int = 0
    loss: float = 0.0
    accuracy: float = 0.0

    def add(self, n: int, loss: float, right: int) -> None:
        """A batch of n examples, with its mean loss and its right answers."""
        self.examples += n
        self.loss += (loss - self.loss) * n / self.examples
        self.accuracy += (right / n - self.accuracy) * n / self.examples


class Watcher:
    """What a training tells while it runs; every method may be left as it is."""

    def stepped(self, progress: Progress) -> None:
        """After each step. Raising here ends the training, with the network as this step left it."""

    def finished_epoch(self, line: dict[str, float]) -> None:
        """After each epoch, with its line of the history."""


def fit(
    network: Network,
    example: Shape,
    data: Arrays,
    recipe: Recipe,
    workers: int,
    watcher: Watcher,
    profile: Profile | None = None,
) -> History:
    """Train `network` in place and return a line for each epoch.

    example: the shape of one example, (C, H, W) or (D,).
    data: X and labels to train on, validation_X and validation_labels (which may be empty) to look at.
    profile: is told what the parts of the parent's steps take.
    The result is the same, bit for bit, for any number of workers.
    Raises TrainingError if the loss is no longer a number, or a worker dies.
    """
    network.initialise(np.random.default_rng([recipe.seed, 0]))
    arrays = data | descent.state(network, recipe) | shards.meeting_place(network, len(data["labels"]), recipe)
    arrays["validation_Y"] = np.zeros((len(data["validation_labels"]), network.outputs), network.dtype)
    # Whoever imported NumPy before this package gave BLAS as many threads as there are cores, and so other bits.
    with threadpool_limits(1, "blas"):
        if workers == 1:
            return _train(alone(arrays), network, recipe, watcher, profile)
        with gather(workers, arrays, _beside, example, recipe) as team:
            return _train(team, network, recipe, watcher, profile)


def _train(team: Team, network: Network, recipe: Recipe, watcher: Watcher, profile: Profile | None) -> History:
    """The parent's part; however it ends, the network has parameters of its own, those that answer best."""
    training = Training(team, network, recipe, watcher)
    if profile:
        network.call = profile.call
        profile.around(training.shards, "augmented", "taking the examples, augmentation")
        profile.around(training.descent, "step", "step of the optimizer")
        profile.around(team, "meet", "waiting for the other workers")
        profile.around(training, "epoch", "all")
    try:
        return training.run()
    finally:
        network.use(team.arrays["average" if recipe.average else "theta"].copy())
        network.learn_into(np.zeros_like(network.theta))


def _beside(team: Team, example: Shape, recipe: Recipe) -> None:
    """What the workers beside the parent do: the same training, told to nobody."""
    Training(team, Network(parse(recipe.architecture), example), recipe, Watcher()).run()


class Training:
    """One worker's part in a training: the network, the optimizer and where it stands."""

    def __init__(self, team: Team, network: Network, recipe: Recipe, watcher: Watcher) -> None:
        self.team, self.network, self.recipe, self.watcher = team, network, recipe, watcher
        network.use(team.arrays["theta"])
        self.n = len(team.arrays["labels"])
        self.batch_size = recipe.examples_in_a_step(self.n)
        self.steps = -(-self.n // self.batch_size)
        self.schedule = SCHEDULES[recipe.schedule]
        self.shards = shards.Shards(team, network, recipe)
        self.descent = descent.Descent(team, network, recipe)

    def rng(self, *place: int) -> np.random.Generator:
        """The generator that belongs to a place in the training."""
        return np.random.default_rng([self.recipe.seed, *place])

    def run(self) -> History:
        """All epochs, one after the other, until the validation split is answered well enough."""
        history: History = []
        for epoch in range(self.recipe.epochs):
            with np.errstate(over="ignore", invalid="ignore"):  # `check` says it in words
                line = self.epoch(epoch)
            history.append(line)
            self.watcher.finished_epoch(line)
            if self.recipe.stop_at and line.get("validation_accuracy", 0) >= self.recipe.stop_at:
                break
        return history

    def epoch(self, epoch: int) -> dict[str, float]:
        """Go once over all examples, in a new order; return the epoch's line of the history."""
        start, means = time.perf_counter(), Means()
        for step, batch in enumerate(batches(self.n, self.batch_size, self.rng(1, epoch))):
            gradients, loss, right = self.shards.gradients(batch, partial(self.rng, 2, epoch, step))
            self.check(loss, epoch, step)
            self.descent.step(gradients, self.eta(epoch, step))
            self.team.meet()
            means.add(len(batch), loss, right)
            self.watcher.stepped(Progress(epoch, step, self.steps, means.examples, means.loss, means.accuracy))
        seconds = time.perf_counter() - start
        return {
            "epoch": epoch + 1,
            "seconds": round(seconds, 3),
            "images_per_second": round(means.examples / seconds, 1),
            "learning_rate": self.eta(epoch, self.steps - 1),
            "train_loss": means.loss,
            "train_accuracy": means.accuracy,
            **self.validate(),
        }

    def eta(self, epoch: int, step: int) -> float:
        """The learning rate at a place in the training."""
        progress = (epoch * self.steps + step) / (self.recipe.epochs * self.steps)
        return self.recipe.learning_rate * self.schedule(progress)

    def check(self, loss: float, epoch: int, step: int) -> None:
        """A loss that is not a number any more ends the training."""
        if not np.isfinite(loss):
            rate, usual = self.recipe.learning_rate, LEARNING_RATES[self.recipe.optimizer]
            raise TrainingError(
                f"the loss became {loss} at step {step + 1} of epoch {epoch + 1}: expected a finite number; the steps"
                f" are too large, try --learning-rate {min(usual, rate / 10):g} instead of {rate:g}"
            )

    def validate(self) -> dict[str, float]:
        """Loss and accuracy on the validation split, whose pieces are shared out as well."""
        X, labels, Y = (self.team.arrays[f"validation_{name}"] for name in ("X", "labels", "Y"))
        if not len(labels):
            return {}
        self.network.use(self.team.arrays["average" if self.recipe.average else "theta"])
        layers, loss = objective(self.network.layers, self.recipe.loss)
        for start in range(self.team.rank * shards.PIECE, len(X), self.team.size * shards.PIECE):
            piece = slice(start, start + shards.PIECE)
            Y[piece] = self.network.forward(X[piece], layers=layers)[0]
        self.team.meet()
        self.network.use(self.team.arrays["theta"])
        return {
            "validation_loss": loss(Y, one_hot(labels, Y.shape[1], Y.dtype), len(Y))[0],
            "validation_accuracy": float(np.mean(Y.argmax(axis=1) == labels)),
        }
