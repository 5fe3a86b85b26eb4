"""The perceptron: a line that moves until it separates two kinds of points."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.evaluation.theme import Theme
from pipeline.lessons.station import Lesson, Picture, columns
from pipeline.network.perceptron import Unit, step

Values = NDArray[np.float64]
ETA = 0.5
PASSES = 20  # at most
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND, XOR = np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])


def passes(targets: Values) -> tuple[list[Values], list[int]]:
    """Goes through the four points of X again and again, until a whole pass has no error.

    Returns (w1, w2, b) at the start and after each pass, and the errors of each pass.
    """
    unit = Unit(np.zeros(2), np.zeros(1), step)
    lines: list[Values] = [np.zeros(3)]
    errors: list[int] = []
    while len(errors) < PASSES and (not errors or errors[-1]):
        wrong = 0
        for x, t in zip(X, targets, strict=True):
            z = unit.learn(x, np.array([t]), ETA)
            wrong += int(step(z)[0] != t)
        lines.append(np.concatenate([unit.w, unit.b]))
        errors.append(wrong)
    return lines, errors


def lesson() -> Lesson:
    lines, errors = passes(AND)
    yield f"""A perceptron answers yes or no: y = 1 if w·x + b > 0, else 0. Where w·x + b = 0 is a line, with yes on one
side of it and no on the other. Each example that is answered wrong moves the line:

  w ← w + eta (t - y) x    b ← b + eta (t - y)    t the target, eta = {ETA} the learning rate

AND, the four examples one after the other, beginning with w = 0 and b = 0:"""
    yield columns(
        ["pass", "errors", "w1", "w2", "b"],
        *([n, wrong, *_tenths(line)] for n, (wrong, line) in enumerate(zip(errors, lines[1:], strict=True), 1)),
    )
    yield f"Pass {len(errors)} has no error: nothing will move any more, and the perceptron has learned AND."
    yield Picture("perceptron", lambda theme: draw(theme, lines))
    lines, errors = passes(XOR)
    yield f"""XOR, yes if just one of the two is 1. Errors of pass 1 to {PASSES}:

  {" ".join(map(str, errors))}

It goes round in circles: from pass {_repeats(lines)} on, each ends where it began. No line has both (0,1) and (1,0)
on one side and both (0,0) and (1,1) on the other: XOR is not linearly separable. For if there were one,

  b ≤ 0    w2 + b > 0    w1 + b > 0    w1 + w2 + b ≤ 0

The two in the middle add up to w1 + w2 + 2b > 0, the two outside to w1 + w2 + 2b ≤ 0. More than one unit is needed."""


def _repeats(lines: Sequence[Values]) -> int:
    """The first pass that ends where it began."""
    return next(n for n in range(1, len(lines)) if np.array_equal(lines[n], lines[n - 1]))


def _tenths(line: Values) -> list[str]:
    return [f"{each:.1f}" for each in line + 0.0]


def draw(theme: Theme, lines: Sequence[Values]) -> Figure:
    """The line after each pass over AND, the last one in colour; beside it the points of XOR, which no line parts."""
    figure = Figure(figsize=(9.6, 4.2))
    left, right = figure.subplots(1, 2)
    left.set_title("AND: the line after each pass")
    for n, (w1, w2, b) in enumerate(lines):
        if w1 and not np.array_equal((w1, w2, b), lines[n - 1]):
            last = np.array_equal((w1, w2, b), lines[-1])
            y = np.array([-0.6, 1.8])
            x = -(w2 * y + b) / w1
            left.plot(x, y, color=theme.first if last else theme.faint, linewidth=2 if last else 0.9)
            left.text(x[0] + 0.04, y[0] + 0.04, n, color=theme.faint)
    right.set_title("XOR: no line will do")
    for axes, targets in ((left, AND), (right, XOR)):
        _points(axes, targets, theme)
    return figure


def _points(axes: Axes, targets: Values, theme: Theme) -> None:
    for t, colour, marker in ((0, theme.second, "o"), (1, theme.first, "s")):
        axes.plot(*X[targets == t].T, marker, color=colour, markersize=11, label=f"t = {t}")
    axes.set(xlim=(-0.6, 1.8), ylim=(-0.6, 1.8), xlabel="x1", ylabel="x2", aspect="equal")
    axes.tick_params(length=0)
    axes.legend(frameon=False, labelcolor=theme.ink, loc="upper right")
