"""All that decides how a network is trained, in one record: with the data, it decides every bit of the result."""

import math
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
    validation: the part of the training set that is held out to choose with, 0 ≤ validation < 1.
    """

    architecture: str
    epochs: int = 10
    batch_size: BatchSize = 128
    optimizer: str = "adam"
    learning_rate: float = 0.002
    schedule: str = "one-cycle"
    loss: str = "cross-entropy"
    label_smoothing: float = 0.0
    weight_decay: float = 0.0
    average: float = 0.0
    augment: str = "none"
    stop_at: float = 0.0
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

    epochs: by kind of network. widths: filters and units of the CNN, the units of the FNN. augment: of ink.
    """

    epochs: dict[str, int]
    filters: tuple[int, int, int]
    units: tuple[int, ...]
    dropout: float
    augment: str
    average: float
    stop_at: float = 0.0


RECIPES = {
    # What measured best on validation splits of MNIST within ten minutes on two cores: docs/training.md.
    "best": Preset({"fnn": 60, "cnn": 40}, (32, 64, 256), (800, 800), 0.4, "elastic", 0.999),
    # 99 % on MNIST in seconds.
    "fast": Preset({"fnn": 10, "cnn": 4}, (16, 32, 128), (300, 100), 0.3, "none", 0.0, 0.99),
}
# The rates that measured best there, for networks of the default sizes.
LEARNING_RATES = {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02, "adam": 0.002}
STEPS = 1_000  # that a training takes at the least: a small dataset is gone through more often


def default_epochs(kind: str, n: int, batch_size: BatchSize, preset: Preset) -> int:
    """How often a network of this kind goes through n examples."""
    steps = -(-n // (n if batch_size == "full" else batch_size))
    return max(preset.epochs[kind], -(-STEPS // steps))


def default_architecture(kind: str, shape: Shape, labels: int, preset: Preset) -> str:
    """A good first network of this kind ("fnn" or "cnn") for examples of this shape."""
    if kind == "fnn":
        hidden = "".join(f" -> FC {units} relu" for units in preset.units)
        return f"INPUT {math.prod(shape)}{hidden} -> FC {labels} softmax"
    if len(shape) != 3:
        raise TrainingError(
            f"a CNN works on pictures, but an example of this dataset is {times(*shape)} numbers: train fnn instead"
        )
    # "valid" windows suit pictures with an empty margin; a small picture cannot spare its own.
    maps = "5x5" if min(shape[1:]) >= 20 else "3x3 same"
    few, many, units = preset.filters
    return (
        f"INPUT {times(*shape)} -> CONV {few}@{maps} relu -> POOL max 2x2 -> CONV {many}@{maps} relu -> POOL max 2x2"
        f" -> FC {units} relu -> DROPOUT {preset.dropout:g} -> FC {labels} softmax"
    )
