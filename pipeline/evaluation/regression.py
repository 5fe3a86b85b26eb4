"""What the test set says about a network that answers with a number, and how near it came to the best straight line."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.dataset import Dataset
from pipeline.training.examples import examples
from pipeline.training.recipe import Recipe

Numbers = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class RegressionMetrics:
    """r2: the part of the targets' variance that the answers explain; 1 is all, 0 is no better than their mean.

    rmse, mae: the error of an answer, as the root of the mean square and as the mean size, in the target's unit.
    loss: ½ of the mean squared error.
    least_squares_r2: what the best linear unit for the training set, in closed form, reaches on the same test set.
    """

    samples: int
    r2: float
    rmse: float
    mae: float
    loss: float
    least_squares_r2: float

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return asdict(self)


def measure(y: Numbers, t: Numbers, best: Numbers) -> RegressionMetrics:
    """The metrics of answers y [N] for targets t [N]; best [N]: the answers of `least_squares`."""
    y, t, best = (np.asarray(each, np.float64) for each in (y, t, best))
    squares = float(np.mean((y - t) ** 2))
    return RegressionMetrics(
        samples=len(t),
        r2=r2(y, t),
        rmse=squares**0.5,
        mae=float(np.mean(np.abs(y - t))),
        loss=squares / 2,
        least_squares_r2=r2(best, t),
    )


def r2(y: Numbers, t: Numbers) -> float:
    """The coefficient of determination, 1 - Σ (y - t)² / Σ (t - mean t)²; of targets that are all the same 1 or 0."""
    error, spread = float(np.sum((y - t) ** 2)), float(np.sum((t - t.mean()) ** 2))
    return 1 - error / spread if spread else float(error == 0)


def least_squares(X: Numbers, t: Numbers) -> tuple[Numbers, float]:
    """w [D] and b with the smallest Σ (w·x + b - t)², in closed form: (XᵀX)⁻¹ Xᵀt, by singular values.

    X [N,D] is brought to mean 0 and deviation 1 first, for the sake of precision. Where many w are best, of them the
    smallest.
    """
    X, t = np.asarray(X, np.float64), np.asarray(t, np.float64)
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    deviation[deviation == 0] = 1
    w = np.linalg.lstsq((X - mean) / deviation, t - t.mean(), rcond=None)[0] / deviation
    return w, float(t.mean() - w @ mean)


def best_unit(dataset: Dataset, recipe: Recipe) -> tuple[Numbers, float]:
    """The w and b of least squares for what a training with this recipe learns from."""
    given = examples(dataset, recipe)
    return least_squares(given["X"][given["learn"]], given["labels"][given["learn"]])
