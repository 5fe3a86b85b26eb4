"""The parity gate: NumPy and onnxruntime must say the same, or nothing is published."""

from dataclasses import dataclass

import numpy as np

from pipeline.data.dataset import Task
from pipeline.errors import ExportError
from pipeline.evaluation.metrics import by_label
from pipeline.export.session import session
from pipeline.network.layer import Array

TOLERANCE = 1e-5  # of a probability; of a number, beside the largest
PIECE = 250  # examples that onnxruntime answers at once


@dataclass(frozen=True)
class Parity:
    """difference: the largest between two outputs; samples: on how many examples it was looked for."""

    difference: float
    samples: int


def answers(model: bytes, X: np.ndarray) -> Array:
    """What onnxruntime answers: probabilities [N,K] for examples X, as the model's input takes them."""
    runtime = session(model)
    name = runtime.get_inputs()[0].name
    pieces = [runtime.run(None, {name: X[start : start + PIECE]})[0] for start in range(0, len(X), PIECE)]
    return np.concatenate(pieces)


def check(expected: Array, model: bytes, X: np.ndarray, task: Task = "classification") -> Parity:
    """Compare NumPy's outputs `expected` [N,K] with those of `model` for examples X.

    Raises ExportError if they differ by more than TOLERANCE, or the label of one example differs.
    """
    Y = answers(model, X)
    difference = float(np.abs(Y - expected).max())
    most = TOLERANCE * (1 if task == "classification" else max(1.0, float(np.abs(expected).max())))
    if not difference <= most:  # a NaN fails as well
        raise ExportError(
            f"parity: NumPy and onnxruntime differ by {difference:.2g} in an output, expected at most"
            f" {most:g}: nothing is published"
        )
    strays = np.flatnonzero(by_label(Y).argmax(axis=1) != by_label(expected).argmax(axis=1))
    if len(strays) and task == "classification":
        raise ExportError(
            f"parity: NumPy and onnxruntime give example {strays[0]} of the test set different labels ({len(strays)} in"
            " all), expected none: nothing is published"
        )
    return Parity(difference, len(X))
