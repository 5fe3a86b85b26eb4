"""Which part of a picture carried the answer: hide one part after the other, and see how the answer fares."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from service.explain import Layer
from service.runtime import Model, by_label

OCCLUSION = "occlusion"
# The patch that hides a part covers a fifth of each side, and stands at this many places along it.
PART, PLACES = 5, 10
# Pictures with a part hidden that go through the network at once: more take more memory, and hardly less time.
AT_ONCE = 20
SMALLEST = np.finfo(np.float32).tiny


def occlusion(model: Model, X: NDArray[np.uint8]) -> Layer:
    """How much the answer's lead shrinks when a part of the picture is hidden, [1,H,W]; below 0 where it grows.

    X: pixels [1,C,H,W]. The lead is ln(p / q), of the answer's probability and the next one's: it still tells
    differences where p is all but 1. Each pixel has the mean over the patches that hid it. A patch has the median
    colour of the picture, which is the paper of a drawing.

    Zeiler and Fergus, Visualizing and understanding convolutional networks (2014), section 4.2.
    """
    label = int(by_label(model.probabilities(X), model.manifest.labels)[0].argmax())
    (lead,) = leads(model, X, label)
    paper = np.median(X[0], axis=(1, 2)).astype(np.uint8)[:, None, None]
    total, times = np.zeros((2, *X.shape[2:]), np.float32)
    windows = list(patches(*X.shape[2:]))
    for start in range(0, len(windows), AT_ONCE):
        some = windows[start : start + AT_ONCE]
        hidden = np.repeat(X, len(some), axis=0)
        for picture, (rows, columns) in zip(hidden, some, strict=True):
            picture[:, rows, columns] = paper
        for loss, window in zip(lead - leads(model, hidden, label), some, strict=True):
            total[window] += loss
            times[window] += 1
    return Layer(OCCLUSION, "Occlusion", (total / times)[None])


def leads(model: Model, X: NDArray[np.uint8], label: int) -> NDArray[np.float32]:
    """ln(p / q) of each of N pictures: p is the probability of the label, q the largest of the others.

    Of a regression the number itself.
    """
    Y = model.probabilities(X)
    if model.manifest.task != "classification":
        return Y[:, 0]
    log = np.log(np.maximum(by_label(Y, model.manifest.labels), SMALLEST))
    others = np.delete(log, label, axis=1)
    lead: NDArray[np.float32] = log[:, label] - (others.max(axis=1) if others.size else 0)
    return lead


def patches(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each place of the patch; together they cover every pixel."""
    for rows in spans(height):
        for columns in spans(width):
            yield rows, columns


def spans(size: int) -> list[slice]:
    length = -(-size // PART)
    starts = np.unique(np.linspace(0, size - length, PLACES).round().astype(int)).tolist()
    return [slice(start, start + length) for start in starts]
