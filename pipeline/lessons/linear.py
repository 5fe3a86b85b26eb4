"""The linear unit: the perceptron's rule, for numbers instead of yes and no."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.evaluation.theme import Theme
from pipeline.lessons.station import Lesson, Picture, columns
from pipeline.network.perceptron import Unit, identity

Values = NDArray[np.float64]
YEARS = np.array([0.5, 1.0, 2.0, 3.0, 4.5, 5.0, 7.0, 8.0])  # at work
PAY = np.array([2.6, 3.1, 3.2, 4.2, 4.4, 5.1, 6.0, 6.4])  # in thousands a month
ETA = 0.01
PASSES = 300
SHOWN = (1, 10, 30, 60, PASSES)  # after which the line is looked at


def learned() -> list[tuple[float, float]]:
    """(w, b) after each pass over the examples, beginning with 0."""
    unit = Unit(np.zeros(1), np.zeros(1), identity)
    lines = []
    for _ in range(PASSES):
        for x, t in zip(YEARS, PAY, strict=True):
            unit.learn(np.array([x]), np.array([t]), ETA)
        lines.append((float(unit.w[0]), float(unit.b[0])))
    return lines


def least_squares() -> tuple[float, float]:
    """The w and b of the lowest error, by the formula of school: w = cov(x, t) / var(x), b = mean t - w mean x."""
    x, t = YEARS - YEARS.mean(), PAY - PAY.mean()
    w = float(x @ t / (x @ x))
    return w, float(PAY.mean() - w * YEARS.mean())


def error(w: float, b: float) -> float:
    """E, the mean of ½ (t - y)² over the examples."""
    return float(np.mean(0.5 * (PAY - (w * YEARS + b)) ** 2))


def lesson() -> Lesson:
    w, b = least_squares()
    lines = learned()
    yield f"""Leave out the step, and the unit answers with a number: y = w·x + b. It learns by the very rule of the
perceptron, but now there is a reason for it. Let the error of an example be E = ½ (t - y)²; then

  dE/dw = -(t - y) x    dE/db = -(t - y)    so    w ← w + eta (t - y) x    b ← b + eta (t - y)

is a step downhill. {len(YEARS)} people, x their years at work, t their pay in thousands; eta = {ETA}:"""
    yield columns(
        ["passes", "w", "b", "mean error"],
        *(_row(passes, *lines[passes - 1]) for passes in SHOWN),
        _row("least squares", w, b),
    )
    yield f"""The last row is the exact answer, w = cov(x, t) / var(x). Step by step the unit comes close, and stays
close: each example pulls the line its own way, so that it trembles unless eta is made smaller in time.

After 10 years: {lines[-1][0] * 10 + lines[-1][1]:.2f} thousand by the unit, {w * 10 + b:.2f} by least squares."""
    yield Picture("linear", lambda theme: draw(theme, lines))


def _row(name: object, w: float, b: float) -> list[object]:
    return [name, f"{w:.3f}", f"{b:.3f}", f"{error(w, b):.4f}"]


def draw(theme: Theme, lines: list[tuple[float, float]]) -> Figure:
    """The line after some of the passes; beside it the error after each of the first hundred."""
    figure = Figure(figsize=(9.6, 3.6))
    left, right = figure.subplots(1, 2)
    left.set_title("the line after some passes")
    left.plot(YEARS, PAY, "o", color=theme.second, markersize=7)
    ends = np.array([0.0, 9.0])
    for passes in SHOWN:
        (w, b), last = lines[passes - 1], passes == PASSES
        left.plot(ends, w * ends + b, color=theme.first if last else theme.faint, linewidth=2 if last else 0.9)
        left.text(-0.1, b, passes, color=theme.faint, ha="right", va="center")
    left.set(xlabel="years", ylabel="pay", xlim=(-1, 9), ylim=(0, 8))
    right.set_title("the mean error after each pass")
    right.plot(range(1, 101), [error(*line) for line in lines[:100]], color=theme.first, linewidth=1.8)
    right.axhline(error(*least_squares()), color=theme.second, linewidth=1)
    right.set(xlabel="passes", ylim=(0, None))
    for axes in (left, right):
        axes.tick_params(length=0)
    return figure
