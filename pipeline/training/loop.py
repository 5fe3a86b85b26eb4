"""The training itself.

Every worker runs this same loop on its own copy of the network: they share out each batch, meet, and take the same
step. Chance is drawn from the seed and the place in the training, never from what was drawn before: whoever is told the
place and the parameters can go on from there.
"""

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.data.batches import batches
from pipeline.errors import TrainingError
from pipeline.network.losses import targets
from pipeline.network.network import Network, objective
from pipeline.network.notation import Shape
from pipeline.network.parser import parse
from pipeline.training import descent, shards
from pipeline.training.checkpoint import Checkpoint, History, Means, Place
from pipeline.training.profile import Profile
from pipeline.training.recipe import LEARNING_RATES, Recipe
from pipeline.training.rule import ByRule, rule
from pipeline.training.schedules import SCHEDULES
from pipeline.training.stopping import ended, epochs_since_best
from pipeline.training.team import Arrays, Team, alone, gather


@dataclass(frozen=True)
class Progress:
    """Where a training stands after a step; loss and accuracy are the means of the running epoch so far.

    A regression has no accuracy.
    """

    epoch: int
    step: int
    steps: int
    examples: int
    loss: float
    accuracy: float | None


class Watcher:
    """What a training tells while it runs; every method may be left as it is."""

    def began(self) -> None:
        """Before the first step of this process."""

    def stepped(self, progress: Progress, checkpoint: Callable[[], Checkpoint]) -> None:
        """After each step; `checkpoint()` is where it stands. Raising here ends the training."""

    def finished_epoch(self, line: dict[str, float]) -> None:
        """After each epoch, with its line of the history."""


def fit(
    network: Network,
    example: Shape,
    data: Arrays,
    recipe: Recipe,
    workers: int,
    watchers: Sequence[Watcher] = (),
    profile: Profile | None = None,
    start: Checkpoint | None = None,
) -> History:
    """Train `network` in place and return a line for each epoch.

    example: the shape of one example, (C, H, W) or (D,).
    data: X and labels of all examples, `learn` [n] and `look` [v]: which of them to train on and which (perhaps none)
        to look at.
    profile: is told what the parts of the parent's steps take.
    start: where the same training stood once, to go on from there.
    The result is the same, bit for bit, for any number of workers, and wherever it started.
    Raises TrainingError if the loss is no longer a number, a worker dies, or `start` is another training's.
    """
    network.initialise(np.random.default_rng([recipe.seed, 0]))
    network.measure(data["X"], data["learn"])
    state, place = descent.state(network, recipe), Place()
    if start:
        state, place = state | _checked(start.arrays, state), deepcopy(start.place)
    arrays = data | state | shards.meeting_place(network, len(data["learn"]), recipe)
    arrays["look_Y"] = np.zeros((len(data["look"]), network.outputs), network.dtype)
    # Whoever imported NumPy before this package gave BLAS as many threads as there are cores, and so other bits.
    with threadpool_limits(1, "blas"):
        if workers == 1 or rule(network, recipe):
            return _train(alone(arrays), network, recipe, place, watchers, profile)
        with gather(workers, arrays, _beside, example, recipe, place) as team:
            return _train(team, network, recipe, place, watchers, profile)


def _checked(arrays: Arrays, state: Arrays) -> Arrays:
    """Copies of a checkpoint's arrays, if they are as many and as large as those of this training."""
    found, expected = ({name: (a.dtype.name, a.shape) for name, a in both.items()} for both in (arrays, state))
    if found != expected:
        raise TrainingError(f"the checkpoint is of another training: expected arrays {expected}, it has {found}")
    return {name: array.copy() for name, array in arrays.items()}


def _train(
    team: Team, network: Network, recipe: Recipe, place: Place, watchers: Sequence[Watcher], profile: Profile | None
) -> History:
    """The parent's part; however it ends, the network has parameters of its own, those that answer best."""
    training = Training(team, network, recipe, place, watchers)
    if profile:
        network.call = profile.call
        profile.around(training.shards, "augmented", "taking the examples, augmentation")
        profile.around(training.descent, "step", "step of the optimizer")
        profile.around(team, "meet", "waiting for the other workers")
        profile.around(training, "epoch", "all")
    try:
        return training.run()
    finally:
        network.use(answering(team.arrays, training.place.history, recipe).copy())
        network.learn_into(np.zeros_like(network.theta))


def latest(arrays: Arrays, recipe: Recipe) -> np.ndarray:
    """The parameters [P] as the last step left them: their average, if there is one."""
    return arrays["average" if recipe.average else "theta"]


def answering(arrays: Arrays, history: History, recipe: Recipe) -> np.ndarray:
    """The parameters [P] of a training, or of a checkpoint, that are to answer: the best, if they are kept."""
    return arrays["best"] if recipe.patience and history else latest(arrays, recipe)


def _beside(team: Team, example: Shape, recipe: Recipe, place: Place) -> None:
    """What the workers beside the parent do: the same training, told to nobody."""
    Training(team, Network(parse(recipe.architecture), example), recipe, place).run()


class Training:
    """One worker's part in a training: the network, the optimizer and where it stands."""

    def __init__(
        self, team: Team, network: Network, recipe: Recipe, place: Place, watchers: Sequence[Watcher] = ()
    ) -> None:
        self.team, self.network, self.recipe, self.place, self.watchers = team, network, recipe, place, watchers
        network.use(team.arrays["theta"])
        self.learn = team.arrays["learn"]
        self.classifies = team.arrays["labels"].dtype.kind != "f"
        self.batch_size = recipe.examples_in_a_step(len(self.learn))
        self.steps = -(-len(self.learn) // self.batch_size)
        self.schedule = SCHEDULES[recipe.schedule]
        self.shards = shards.Shards(team, network, recipe)
        self.descent = descent.Descent(team, network, recipe, self.steps_taken)
        chosen = rule(network, recipe)
        self.by_rule = ByRule(chosen, self.shards) if chosen else None

    @property
    def steps_taken(self) -> int:
        """In all epochs so far."""
        return len(self.place.history) * self.steps + self.place.step

    def rng(self, *place: int) -> np.random.Generator:
        """The generator that belongs to a place in the training."""
        return np.random.default_rng([self.recipe.seed, *place])

    def run(self) -> History:
        """All epochs that are still to come, one after the other."""
        history = self.place.history
        for watcher in self.watchers:
            watcher.began()
        while not ended(history, self.recipe):
            with np.errstate(over="ignore", invalid="ignore"):  # `check` says it in words
                line = self.epoch(len(history))
            history.append(line)
            self.keep_best()
            self.place.step, self.place.means, self.place.seconds = 0, Means(), 0.0
            for watcher in self.watchers:
                watcher.finished_epoch(line)
        return history

    def epoch(self, epoch: int) -> dict[str, float]:
        """Go once over all examples, in a new order; return the epoch's line of the history."""
        place, means = self.place, self.place.means
        start = time.perf_counter() - place.seconds
        order = enumerate(batches(len(self.learn), self.batch_size, self.rng(1, epoch)))
        for step, batch in islice(order, place.step, None):
            loss, right = self.step(self.learn[batch], epoch, step)
            means.add(len(batch), loss, right)
            place.step, place.seconds = step + 1, time.perf_counter() - start
            accuracy = means.accuracy if self.classifies else None
            self.tell(Progress(epoch, step, self.steps, means.examples, means.loss, accuracy))
        return {
            "epoch": epoch + 1,
            "seconds": round(place.seconds, 3),
            "images_per_second": round(means.examples / place.seconds, 1),
            "learning_rate": self.eta(epoch, self.steps - 1),
            "train_loss": means.loss,
            **({"train_accuracy": means.accuracy} if self.classifies else {}),
            **self.validate(),
        }

    def step(self, batch: np.ndarray, epoch: int, step: int) -> tuple[float, int]:
        """Learn from the examples at `batch` [B]; returns their mean loss, and how many were answered right before."""
        eta, chance = self.eta(epoch, step), partial(self.rng, 2, epoch, step)
        if self.by_rule:
            loss, right = self.by_rule.step(batch, eta, chance)
            self.check(loss, epoch, step)
            return loss, right
        gradients, loss, right = self.shards.gradients(batch, chance)
        self.check(loss, epoch, step)
        self.descent.step(gradients, eta)
        self.team.meet()
        return loss, right

    def tell(self, progress: Progress) -> None:
        """Tell those who watch. The other workers cannot go on before this one has done so, nor change anything."""
        for watcher in self.watchers:
            watcher.stepped(progress, self.checkpoint)

    def checkpoint(self) -> Checkpoint:
        """Where the training stands between two steps."""
        arrays = {name: self.team.arrays[name].copy() for name in descent.STATE}
        return Checkpoint(deepcopy(self.place), self.steps_taken, arrays)

    def keep_best(self) -> None:
        """Remember the parameters after the epoch that answered the validation split best."""
        if self.recipe.patience and self.team.rank == 0 and epochs_since_best(self.place.history) == 0:
            self.team.arrays["best"][...] = latest(self.team.arrays, self.recipe)

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
        X, look, Y = (self.team.arrays[name] for name in ("X", "look", "look_Y"))
        if not len(look):
            return {}
        labels = self.team.arrays["labels"][look]
        self.network.use(latest(self.team.arrays, self.recipe))
        aim = objective(self.network.layers, self.recipe.loss)
        at_once = self.network.at_once
        for start in range(self.team.rank * at_once, len(look), self.team.size * at_once):
            piece = slice(start, start + at_once)
            Y[piece] = self.network.forward(X[look[piece]], layers=aim.layers)[0]
        self.team.meet()
        self.network.use(self.team.arrays["theta"])
        return {
            "validation_loss": aim.loss(Y, targets(labels, Y.shape[1], Y.dtype), len(Y))[0],
            **({"validation_accuracy": aim.right(Y, labels) / len(Y)} if self.classifies else {}),
        }
