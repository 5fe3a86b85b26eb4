"""All that decides how a network is trained, in one record: with the data, it decides every bit of the result."""

import math
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipeline.errors import TrainingError
from pipeline.network.notation import Shape, times

BatchSize = int | Literal["full"]


@dataclass(frozen=True)
class Recipe:
    """What `pipeline train` is told, or takes by default.

    batch_size: examples in a step; "full" is batch gradient descent, 1 is stochastic gradient descent.
    learning_rate: the largest that the schedule reaches.
    label_smoothing: how much of a target is shared out among all labels (Szegedy et al. 2016,
        https://arxiv.org/abs/1512.00567).
    average: beta of the moving average of the weights, which answers in their place; 0 is none (Polyak and Juditsky
        1992, https://doi.org/10.1137/0330046).
    stop_at: the part of the validation split that must be answered right for the training to end early; 0 is never.
    patience: epochs without a lower validation loss after which the training ends; the parameters with the lowest are
        kept. 0: it goes on to the end, and the last are kept.
    validation: the part of the training set that is held out to choose with, 0 ≤ validation < 1.
    """

    architecture: str
    epochs: int = 10
    batch_size: BatchSize = 128
    optimizer: str = "adam"
    learning_rate: float = 0.001
    schedule: str = "one-cycle"
    loss: str = "cross-entropy"
    label_smoothing: float = 0.0
    weight_decay: float = 0.0
    average: float = 0.0
    augment: str = "none"
    stop_at: float = 0.0
    patience: int = 0
    validation: float = 0.1
    seed: int = 1

    def examples_in_a_step(self, n: int) -> int:
        """The batch size in numbers, for n examples."""
        return n if self.batch_size == "full" else min(self.batch_size, n)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold; `Recipe(**it)` makes the recipe again."""
        return asdict(self)


@dataclass(frozen=True)
class Preset:
    """A recipe by name: what `pipeline train` takes where it is told nothing else.

    fnn, cnn: the layers between the input and the last one, for pictures of 20 pixels or more.
    epochs, learning_rate, augment, weight_decay: by kind of network; the rate and the decay are for Adam, and only ink
        is augmented.
    """

    fnn: str
    cnn: str
    epochs: dict[str, int]
    learning_rate: dict[str, float]
    augment: dict[str, str]
    weight_decay: dict[str, float]
    average: float
    stop_at: float = 0.0


RECIPES = {
    # What measured best on validation splits of MNIST within ten minutes on two cores: docs/training.md.
    "best": Preset(
        fnn="FC 800 relu -> FC 800 relu",
        cnn="CONV 16@3x3 relu -> CONV 24@3x3 relu -> POOL max 2x2"
        " -> CONV 64@3x3 relu -> CONV 96@3x3 relu -> POOL max 2x2 -> FC 512 relu -> DROPOUT 0.5",
        epochs={"fnn": 60, "cnn": 15},
        learning_rate={"fnn": 0.001, "cnn": 0.0015},
        augment={"fnn": "elastic", "cnn": "affine"},
        weight_decay={"fnn": 0.05, "cnn": 0.0},
        average=0.999,
    ),
    # 99 % on MNIST in seconds, with the CNN.
    "fast": Preset(
        fnn="FC 300 relu -> FC 100 relu",
        cnn="CONV 16@5x5 relu -> POOL max 2x2 -> CONV 32@5x5 relu -> POOL max 2x2 -> FC 128 relu",
        epochs={"fnn": 10, "cnn": 3},
        learning_rate={"fnn": 0.003, "cnn": 0.006},
        augment={"fnn": "affine", "cnn": "affine"},
        weight_decay={"fnn": 0.0, "cnn": 0.0},
        average=0.0,
        stop_at=0.99,
    ),
}
NETWORK = {"batch_size": 128, "optimizer": "adam", "schedule": "one-cycle", "loss": "cross-entropy", "validation": 0.1}
UNIT = {"batch_size": 1, "optimizer": "sgd", "validation": 0.0}  # a single unit learns from one example at a time
USUAL: dict[str, dict[str, Any]] = {
    "fnn": NETWORK,
    "cnn": NETWORK,
    "perceptron": {**UNIT, "schedule": "constant", "loss": "perceptron"},
    "linear": {**UNIT, "schedule": "cosine", "loss": "mse"},
}
KINDS = tuple(USUAL)
DATASETS = {"fnn": "mnist", "cnn": "mnist", "perceptron": "and"}
UNITS = {"perceptron": "FC 1 step", "linear": "SCALE -> FC 1"}
# What else is usual, by optimizer.
LEARNING_RATES = {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02, "adam": 0.001}
STEPS = 1_000  # that a training takes at the least: a small dataset is gone through more often
SINGLE_STEPS = 50_000  # likewise, of one example each
UNIT_STEPS, UNIT_EPOCHS = 100_000, 1_000  # of a single unit, whichever is fewer


def usual(kind: str, batch_size: BatchSize | None) -> dict[str, Any]:
    """What the options are that nobody said; eta is constant where it is one example at a time, as in the textbooks."""
    constant = {"schedule": "constant"} if batch_size == 1 and kind not in UNITS else {}
    return {**USUAL[kind], **constant}


def default_epochs(kind: str, n: int, batch_size: BatchSize, preset: Preset) -> int:
    """How often a network of this kind goes through n examples; a perceptron, at most."""
    steps = -(-n // (n if batch_size == "full" else batch_size))
    if kind in UNITS:
        return max(10, min(UNIT_EPOCHS, -(-UNIT_STEPS // steps)))
    if batch_size == 1:
        return max(3, -(-SINGLE_STEPS // steps))
    return max(preset.epochs[kind], -(-STEPS // steps))


def default_learning_rate(kind: str, optimizer: str, loss: str, preset: Preset) -> float:
    """The highest rate of a training of this kind of network with this optimizer.

    The squared error is felt through the slope of a sigmoid, which is a quarter at the most: its rate is higher.
    A perceptron that begins at 0 takes the same decisions at any rate, and at 1 its sums are exact.
    """
    if kind == "perceptron":
        return 1.0
    if optimizer == "adam" and kind not in UNITS:
        return preset.learning_rate[kind]
    return LEARNING_RATES[optimizer] * (5 if (optimizer, loss) == ("sgd", "mse") and kind not in UNITS else 1)


def default_architecture(kind: str, shape: Shape, labels: int, preset: Preset) -> str:
    """A good first network of this kind for examples of this shape."""
    if kind in UNITS:
        return f"INPUT {math.prod(shape)} -> {UNITS[kind]}"
    if kind == "fnn":
        return f"INPUT {math.prod(shape)} -> {preset.fnn} -> FC {labels} softmax"
    if len(shape) != 3:
        raise TrainingError(
            f"a CNN works on pictures, but an example of this dataset is {times(*shape)} numbers: train fnn instead"
        )
    # Kernels that stay inside suit pictures with an empty margin; a small picture cannot spare its own.
    layers = preset.cnn if min(shape[1:]) >= 20 else re.sub(r"@\dx\d", "@3x3 same", preset.cnn)
    return f"INPUT {times(*shape)} -> {layers} -> FC {labels} softmax"
