"""The unit and its activation function."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.evaluation.theme import Theme
from pipeline.lessons.station import Lesson, Picture, columns
from pipeline.network.activations import activation

Values = NDArray[np.float64]
NAMES = ("identity", "step", "sigmoid", "tanh", "relu")
POINTS = np.array([-2.0, -1.0, 0.5, 1.0, 2.0])
H = 1e-5  # how far the two points are apart whose difference is taken for a slope


def value(name: str, x: Values) -> Values:
    """f(x) [D], as the network computes it."""
    Y, _ = activation(name, x.shape).forward(x[np.newaxis])
    return np.asarray(Y[0], np.float64)


def derivative(name: str, x: Values) -> Values:
    """f'(x) [D], as the network computes it: what comes back when a 1 is sent back."""
    _, backprop = activation(name, x.shape).forward(x[np.newaxis])
    return np.asarray(backprop(np.ones((1, len(x))))[0], np.float64)


def slope(name: str, x: Values) -> Values:
    """f'(x) [D], as anybody would measure it: (f(x + h) - f(x - h)) / 2h."""
    return (value(name, x + H) - value(name, x - H)) / (2 * H)


def lesson() -> Lesson:
    yield """A unit weighs its inputs, adds them up and decides what to make of the sum:

  y = f(w1 x1 + w2 x2 + … + b)

w are its weights, b is its bias, and f is its activation function. These are the usual ones:"""
    yield columns(["x", *(f"{x:g}" for x in POINTS)], *([name, *_three(value(name, POINTS))] for name in NAMES))
    yield "Learning needs their slopes, the derivatives f'(x), by the formulas of pipeline/network/activations.py:"
    yield columns(
        ["x", *(f"{x:g}" for x in POINTS)], *([f"{name}'", *_three(derivative(name, POINTS))] for name in NAMES)
    )
    apart = max(float(np.abs(derivative(name, POINTS) - slope(name, POINTS)).max()) for name in NAMES)
    yield f"Measured, as (f(x + h) - f(x - h)) / 2h, they are the same: the largest difference is {apart:.8f}."
    yield Picture("activations", draw)
    yield from _correction()
    z = np.array([1.0, 2.0, 4.0])
    yield f"""Softmax looks at all sums of a layer at once, and makes shares of them that add up to 1:

  softmax(1, 2, 4) = {", ".join(_three(value("softmax", z)))}"""


def _correction() -> Lesson:
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    y = value("sigmoid", x)
    yield "One formula is often misprinted: the sigmoid as 1 / (1 + e^x), with itself for its derivative. Look at both:"
    yield columns(
        ["x", *(f"{each:g}" for each in x)],
        ["y = 1 / (1 + e^-x)", *_three(y)],
        ["1 / (1 + e^x)", *_three(1 / (1 + np.exp(x)))],
        ["slope of y, measured", *_three(slope("sigmoid", x))],
        ["y (1 - y)", *_three(y * (1 - y))],
    )
    yield """1 / (1 + e^x) falls where the sigmoid rises: the sign of x is missing. And the slope is y (1 - y), not y:
at x = 0 the sigmoid is 0.5 and its slope is 0.25. (What is its own derivative is e^x.)"""


def draw(theme: Theme) -> Figure:
    """The functions on the left, their derivatives on the right."""
    figure = Figure(figsize=(9.6, 3.6))
    x = np.linspace(-4, 4, 401)
    for axes, title, of in zip(figure.subplots(1, 2), ("f(x)", "f'(x)"), (value, derivative), strict=True):
        axes.set_title(title)
        axes.grid(axis="y")
        axes.set_ylim(-1.25, 2.25)
        axes.tick_params(length=0)
        for name, style in zip(NAMES, _styles(theme), strict=True):
            axes.plot(x, of(name, x), label=name, linewidth=1.8, **style)
    axes.legend(frameon=False, labelcolor=theme.ink, loc="upper left")
    return figure


def _styles(theme: Theme) -> list[dict[str, str]]:
    return [
        {"color": theme.faint, "linestyle": ":"},
        {"color": theme.faint},
        {"color": theme.second},
        {"color": theme.first, "linestyle": "--"},
        {"color": theme.first},
    ]


def _three(values: Values) -> list[str]:
    return [f"{each:.3f}" for each in values]
