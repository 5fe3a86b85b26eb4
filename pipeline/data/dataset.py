"""What every source delivers: labelled examples in two splits, in memory or mapped into it from a file."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Pictures = Literal["ink", "photo"]
Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Split:
    """X: uint8 pixels [N,C,H,W], or float32 features [N,D]; labels: int64 [N], indices into Dataset.labels.

    Of a regression the labels are the numbers to be met, float32 [N].
    """

    X: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A named dataset: `train` to learn from and choose with, `test` to be opened once, at the end.

    labels: the names of the K classes, in the order of the network's outputs; of a regression that of the one output.
    pictures: which preprocessing a picture of this kind needs on its way to pixels; None for plain features.
    sha256: of the labelled examples themselves, so that a manifest can say exactly what was trained on.
    target, columns: of a table, the column that is to be answered, and those that the features come from.
    """

    name: str
    train: Split
    test: Split
    labels: tuple[str, ...]
    pictures: Pictures | None
    sha256: str
    task: Task = "classification"
    target: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (C, H, W) or (D,)."""
        return self.train.X.shape[1:]
