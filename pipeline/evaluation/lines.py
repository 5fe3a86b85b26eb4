"""Pictures of single units: the perceptron's line as it moved between the points, and answers against targets."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.evaluation.theme import Theme, printable

Numbers = NDArray[Any]
LINES = 30  # on the way, at the most
POINTS = 2_000  # likewise
WASH = 200  # places along each side at which a wash is told
SIZE = (5.6, 4.6)  # inches


def moving_line(
    path: Sequence[tuple[Numbers, float]],
    X: Numbers,
    labels: Numbers,
    names: Sequence[str],
    columns: Sequence[str],
    theme: Theme,
) -> Figure:
    """Where w·x + b = 0 was after each step in which it moved: the later the stronger, and the last one full.

    On the washed side of that one the answer is the second label.

    path: w [2] and b, one after the other; X [N,2]; labels [N]: indices into the two names; columns: the axes' names.
    """
    figure = Figure(figsize=SIZE)
    axes = figure.subplots()
    _frame(axes, X)
    axes.set(xlabel=printable(columns[0]), ylabel=printable(columns[1]))
    moved = [at for at in path if at[0].any()]
    if moved:
        _side(axes, *moved[-1], theme)
    for at, (w, b) in enumerate(shown := moved[-LINES:]):
        last = at == len(shown) - 1
        strength = 1.0 if last else 0.15 + 0.5 * at / len(shown)
        _line(axes, w, b, color=theme.ink if last else theme.faint, alpha=strength, linewidth=2 if last else 1)
    for label, colour, mark in ((0, theme.second, "o"), (1, theme.first, "s")):
        points = X[labels == label][:POINTS]
        axes.plot(
            *points.T, mark, color=colour, markersize=7, markeredgecolor=theme.paper, label=printable(names[label])
        )
    axes.legend(frameon=False, labelcolor=theme.ink, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _frame(axes: Axes, X: Numbers) -> None:
    """Limits that leave room around the points X [N,2]."""
    low, high = X.min(axis=0), X.max(axis=0)
    room = np.where(high > low, 0.35 * (high - low), 1.0)
    axes.set_xlim(float(low[0] - room[0]), float(high[0] + room[0]))
    axes.set_ylim(float(low[1] - room[1]), float(high[1] + room[1]))
    axes.tick_params(length=0)


def _side(axes: Axes, w: Numbers, b: float, theme: Theme) -> None:
    """A wash over the side where w·x + b > 0."""
    across, up = np.meshgrid(np.linspace(*axes.get_xlim(), WASH), np.linspace(*axes.get_ylim(), WASH))
    sums = w[0] * across + w[1] * up + b
    if sums.max() > 0:
        axes.contourf(across, up, sums, levels=[0, sums.max()], colors=[theme.first], alpha=0.08)


def _line(axes: Axes, w: Numbers, b: float, **style: Any) -> None:
    """w·x + b = 0: through its point nearest to the origin, at right angles to w."""
    foot = -b * w / (w @ w)
    axes.axline((float(foot[0]), float(foot[1])), (float(foot[0] - w[1]), float(foot[1] + w[0])), **style)


def answers(y: Numbers, t: Numbers, target: str, theme: Theme) -> Figure:
    """Answers y [N] over targets t [N]; on the line both are the same."""
    figure = Figure(figsize=SIZE)
    axes = figure.subplots()
    ends = [float(min(y.min(), t.min())), float(max(y.max(), t.max()))]
    axes.plot(ends, ends, "--", color=theme.faint, linewidth=1)
    axes.plot(t[:POINTS], y[:POINTS], "o", color=theme.first, markersize=5, markeredgecolor=theme.paper)
    axes.set(xlabel=f"{printable(target)}, as it is", ylabel="answer")
    axes.tick_params(length=0)
    return figure


def fitted_line(
    X: Numbers, t: Numbers, unit: tuple[Numbers, float], best: tuple[Numbers, float], names: Sequence[str], theme: Theme
) -> Figure:
    """Points X [N,1], t [N] with the unit's line and that of least squares; names: of the column and of the target."""
    figure = Figure(figsize=SIZE)
    axes = figure.subplots()
    axes.plot(X[:POINTS, 0], t[:POINTS], "o", color=theme.faint, markersize=5, markeredgecolor=theme.paper)
    ends = np.array([X.min(), X.max()])
    for (w, b), colour, style, label in (
        (best, theme.second, "-", "least squares"),
        (unit, theme.first, "--", "the unit"),
    ):
        axes.plot(ends, w[0] * ends + b, style, color=colour, linewidth=1.8, label=label)
    axes.set(xlabel=printable(names[0]), ylabel=printable(names[1]))
    axes.legend(frameon=False, labelcolor=theme.ink)
    axes.tick_params(length=0)
    return figure
