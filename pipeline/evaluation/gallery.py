"""The report's pictures of pictures: the worst mistakes, and what the first layer looks for."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.evaluation.theme import Theme, printable

ACROSS = 8
GAP = 0.12  # between pictures, in parts of a picture
CAPTION = 0.42  # below each, likewise
NARROWEST = 0.9  # of a column, for the caption's sake
MOST_FILTERS = 32
INCHES = 1.05  # a picture's longer side
Extent = tuple[float, float, float, float]  # left, right, bottom, top


def mistakes(
    X: NDArray[Any],
    truths: Sequence[str],
    answers: Sequence[str],
    confidence: Sequence[float],
    theme: Theme,
) -> Figure:
    """Pictures X [N,C,H,W] (C: 1 is grey, 3 is colour), below each what was answered, how surely, and what it is."""
    figure, axes, place = _grid(len(X), X.shape[2:], CAPTION)
    for at, pixels in enumerate(X):
        left, _, bottom, _ = place(at)
        axes.imshow(visible(pixels / 255), extent=place(at), interpolation="nearest")
        said = f"{printable(answers[at], 12)}  {confidence[at]:.0%}"
        axes.text(left, bottom + 0.05, said, color=theme.second, fontsize=8, va="top")
        axes.text(left, bottom + 0.22, f"is {printable(truths[at], 12)}", color=theme.faint, fontsize=8, va="top")
    return figure


def filters(W: NDArray[np.floating[Any]], theme: Theme) -> Figure:
    """What each unit of the first layer adds up, W [F,C,kh,kw]: the MOST_FILTERS strongest.

    One channel: what is wanted there in one colour, what is not in another. Three: the colours wanted, on grey.
    """
    W = W[np.sort(np.argsort(-np.square(W).sum(axis=(1, 2, 3)), kind="stable")[:MOST_FILTERS])]
    figure, axes, place = _grid(len(W), W.shape[2:], 0)
    for at, weights in enumerate(W):
        scaled = 0.5 + 0.5 * weights / max(np.abs(weights).max(), 1e-12)
        picture = visible(scaled) if len(weights) == 3 else theme.signed()(scaled.mean(axis=0))
        axes.imshow(picture, extent=place(at), interpolation="nearest")
    return figure


def _grid(n: int, size: tuple[int, ...], caption: float) -> tuple[Figure, Axes, Callable[[int], Extent]]:
    """Axes for n pictures of this size, and where the one with a number goes; their longer side is 1."""
    height, width = np.array(size) / max(size)
    column, row = max(width, NARROWEST if caption else 0) + GAP, height + caption + GAP
    all_width, all_height = min(n, ACROSS) * column - GAP, -(-n // ACROSS) * row - GAP
    figure = Figure(figsize=(all_width * INCHES, all_height * INCHES), constrained_layout=False)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, all_width), ylim=(all_height, 0))
    axes.set_axis_off()

    def place(at: int) -> Extent:
        y, x = divmod(at, ACROSS)
        left, top = x * column, y * row
        return left, left + width, top + height, top

    return figure, axes, place


def visible(pixels: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """[C,H,W] from 0 to 1 as RGB [H,W,3]; what is not RGB is shown by the mean of its channels, in grey."""
    rgb = pixels if len(pixels) == 3 else np.repeat(pixels.mean(axis=0, keepdims=True), 3, axis=0)
    return rgb.transpose(1, 2, 0)
