"""What the test set says about a network, in numbers."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]
BINS = 15  # as in Guo et al.
SMALLEST = 1e-12  # a probability of 0 would make the loss infinite


@dataclass(frozen=True)
class LabelMetrics:
    """For one label: how many of the answers with it are right, how many of its examples are found, and both in
    one (the harmonic mean); `support` is the number of its examples."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Reliability:
    """Answers sorted by their confidence into bins of equal width: in each how many, how sure and how often right."""

    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: Σ count/N · |accuracy − confidence|."""
        return float(np.sum(self.count * np.abs(self.accuracy - self.confidence)) / np.sum(self.count))


@dataclass(frozen=True)
class Metrics:
    """loss: the mean cross-entropy, −log of the probability of the true label, in nats.

    expected_calibration_error: how far confidence is from being right, from 0 to 1 (`Reliability`).
    confusion: [K,K], how often the label of the row was answered with that of the column.
    per_label: in the order of the labels.
    """

    samples: int
    accuracy: float
    loss: float
    expected_calibration_error: float
    confusion: tuple[tuple[int, ...], ...]
    per_label: tuple[LabelMetrics, ...]

    @property
    def mistakes(self) -> int:
        """How many answers are wrong."""
        return self.samples - sum(row[at] for at, row in enumerate(self.confusion))

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return asdict(self)


def by_label(Y: Probabilities) -> Probabilities:
    """Y as it is, [N,K]; of one unit for two labels, [N,1], the probabilities of both [N,2]."""
    return Y if Y.shape[1] > 1 else np.hstack([1 - Y, Y])


def measure(Y: Probabilities, labels: Labels) -> Metrics:
    """The metrics of probabilities Y [N,K] for examples with these labels [N]; N is 1 or more."""
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    answers, known = Y.argmax(axis=1), np.arange(Y.shape[1])
    columns = precision_recall_fscore_support(labels, answers, labels=known, zero_division=0.0)
    return Metrics(
        samples=len(labels),
        accuracy=float(np.mean(answers == labels)),
        loss=cross_entropy(Y, labels),
        expected_calibration_error=reliability(Y, labels).error,
        confusion=tuple(map(tuple, confusion_matrix(labels, answers, labels=known).tolist())),
        per_label=tuple(
            LabelMetrics(float(precision), float(recall), float(f1), int(support))
            for precision, recall, f1, support in zip(*columns, strict=True)
        ),
    )


def cross_entropy(Y: Probabilities, labels: Labels) -> float:
    """−mean log Y[n, label n], with Y [N,K]."""
    chosen = Y[np.arange(len(labels)), labels].astype(np.float64)
    return float(0 - np.mean(np.log(np.maximum(chosen, SMALLEST))))


def reliability(Y: Probabilities, labels: Labels, bins: int = BINS) -> Reliability:
    """Confidence against accuracy, for Y [N,K]; the confidence of an answer is its probability.

    Source: C. Guo et al., "On Calibration of Modern Neural Networks" (2017), https://arxiv.org/abs/1706.04599.
    """
    confidence = Y.max(axis=1).astype(np.float64)
    right = Y.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)  # (0, 1/15], (1/15, 2/15] …
    count = np.bincount(place, minlength=bins)
    full = np.maximum(count, 1)
    return Reliability(
        count,
        np.bincount(place, confidence, minlength=bins) / full,
        np.bincount(place, right, minlength=bins) / full,
    )


def worst(Y: Probabilities, labels: Labels, most: int) -> Labels:
    """Which examples were answered wrongly, the surest of it first: at most `most` indices into Y [N,K]."""
    wrong = np.flatnonzero(Y.argmax(axis=1) != labels)
    return wrong[np.argsort(-Y[wrong].max(axis=1), kind="stable")[:most]]
