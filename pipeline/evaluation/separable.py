"""Whether a straight line could part two labels, and what became of a perceptron that looked for one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.dataset import Dataset
from pipeline.training.checkpoint import History

FLAT = {1: "point", 2: "straight line", 3: "plane"}


def separable(X: NDArray[Any], labels: NDArray[Any]) -> bool:
    """Whether w and b exist with w·x + b > 0 for just those x [D] of X [N,D] whose label is 1, not 0.

    Decided as a linear program: ± (w·x + b) ≥ 1, with the sign of the label, has a solution or has none.
    """
    from scipy.optimize import linprog

    deviation = X.std(axis=0, dtype=np.float64)
    Z = (X - X.mean(axis=0, dtype=np.float64)) / np.where(deviation > 0, deviation, 1)
    signs = np.where(labels == 1, 1.0, -1.0)[:, np.newaxis]
    A = -signs * np.column_stack([Z, np.ones(len(Z))])
    return bool(linprog(np.zeros(A.shape[1]), A, -np.ones(len(A)), bounds=(None, None)).status == 0)


def verdict(dataset: Dataset, history: History) -> str:
    """How a perceptron's training ended, in words."""
    if history[-1]["train_accuracy"] == 1:
        return f"pass {len(history)} went without an error, so nothing will move the perceptron any more"
    split, (no, yes) = FLAT.get(dataset.shape[0], "hyperplane"), dataset.labels
    if separable(dataset.train.X, dataset.train.labels):
        return (
            f"none of {len(history):,} passes went without an error, though a {split} exists that parts “{no}” from"
            f" “{yes}”: give it more --epochs"
        )
    return (
        f"{dataset.name} is not linearly separable: no {split} has all of “{yes}” on one side and all of “{no}” on the"
        f" other, so no perceptron can learn it ({len(history):,} passes, none without an error); a network with a"
        " hidden layer can: `pipeline train fnn`"
    )
