"""All that decides how a network is trained, in one record: with the data, it decides every bit of the result."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from pipeline.errors import TrainingError
from pipeline.network.notation import Shape, times

BatchSize = int | Literal["full"]


@dataclass(frozen=True)
class Recipe:
    """What `pipeline train` is told, or takes by default.

    batch_size: examples in a step; "full" is batch gradient descent, 1 is stochastic gradient descent.
    learning_rate: the largest that the schedule reaches.
    validation: the part of the training set that is held out to choose with, 0 ≤ validation < 1.
    """

    architecture: str
    epochs: int = 10
    batch_size: BatchSize = 128
    optimizer: str = "adam"
    learning_rate: float = 0.003
    schedule: str = "one-cycle"
    loss: str = "cross-entropy"
    weight_decay: float = 0.0
    augment: str = "none"
    validation: float = 0.1
    seed: int = 1

    def examples_in_a_step(self, n: int) -> int:
        """The batch size in numbers, for n examples."""
        return n if self.batch_size == "full" else min(self.batch_size, n)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold; `Recipe(**it)` makes the recipe again."""
        return asdict(self)


# The rates that measured best on a validation split of MNIST, for networks of the default sizes.
LEARNING_RATES = {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02, "adam": 0.003}
EPOCHS = {"fnn": 30, "cnn": 16}
STEPS = 1_000  # that a training takes at the least: a small dataset is gone through more often


def default_epochs(kind: str, n: int, batch_size: BatchSize) -> int:
    """How often a network of this kind goes through n examples."""
    steps = -(-n // (n if batch_size == "full" else batch_size))
    return max(EPOCHS[kind], -(-STEPS // steps))


def default_architecture(kind: str, shape: Shape, labels: int) -> str:
    """A good first network of this kind ("fnn" or "cnn") for examples of this shape."""
    if kind == "fnn":
        return f"INPUT {int(np.prod(shape))} -> FC 300 relu -> DROPOUT 0.2 -> FC 100 relu -> FC {labels} softmax"
    if len(shape) != 3:
        raise TrainingError(
            f"a CNN works on pictures, but an example of this dataset is {times(*shape)} numbers: train fnn instead"
        )
    # "valid" windows suit pictures with an empty margin; a small picture cannot spare its own.
    maps = "5x5" if min(shape[1:]) >= 20 else "3x3 same"
    return (
        f"INPUT {times(*shape)} -> CONV 16@{maps} relu -> POOL max 2x2 -> CONV 32@{maps} relu -> POOL max 2x2"
        f" -> FC 128 relu -> DROPOUT 0.3 -> FC {labels} softmax"
    )
