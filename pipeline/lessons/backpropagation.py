"""The fully connected network: deltas go back through it, and XOR is learned."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.evaluation.theme import Theme
from pipeline.lessons.station import Lesson, Picture, columns
from pipeline.network.losses import mean_squared_error
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.network.textbook import Textbook

Values = NDArray[np.float64]
ARCHITECTURE = "INPUT 2 -> FC 2 sigmoid -> FC 1 sigmoid"
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([[0.0], [1.0], [1.0], [0.0]])
ETA = 2.0
PASSES = 2000
H = 1e-5


def fresh() -> tuple[Network, Textbook]:
    """A network, and the textbook's way with the very same weights."""
    network = Network(parse(ARCHITECTURE), dtype=np.float64)
    network.theta[...] = [0.5, -0.5, 0.4, 0.6, 0.1, -0.2, 0.7, -0.8, 0.3]  # W and b of one layer, then of the other
    return network, Textbook([(layer.parameters["W"], layer.parameters["b"]) for layer in network.layers if layer.size])


def learned(textbook: Textbook) -> Iterator[float]:
    """Learn XOR, one example after the other; the mean error ½ (t - y)² of each pass."""
    for _ in range(PASSES):
        errors = [0.5 * float(np.sum((t - textbook.learn(x, t, ETA)) ** 2)) for x, t in zip(X, XOR, strict=True)]
        yield float(np.mean(errors))


def lesson() -> Lesson:
    network, textbook = fresh()
    x, t = X[1], XOR[1]
    a = textbook.answers(x)
    hidden, output = textbook.deltas(a, t)
    (y,) = a[-1]
    yield f"""One unit draws one line; XOR needs two, and a third unit to combine them: {ARCHITECTURE}.
But by how much is a hidden unit to blame for an error at the end? By its share of the deltas behind it:

  delta = y (1 - y) (t - y)                of the output unit
  delta = a (1 - a) Σ w delta              of a hidden unit, over the units that it feeds
  w ← w + eta delta x    b ← b + eta delta"""
    yield f"""One step by hand, for the example x = (0, 1) with target t = 1:

  hidden answers   a = {_four(a[1])}
  answer           y = {y:.4f}
  output delta     {y:.4f} (1 - {y:.4f}) (1 - {y:.4f}) = {output[0]:.4f}
  hidden deltas    {_by_hand(a[1][0], 0.7, output[0])} = {hidden[0]:.4f}
                   {_by_hand(a[1][1], -0.8, output[0])} = {hidden[1]:.4f}"""
    yield check(network, textbook, x, t)
    errors = list(learned(textbook))
    yield f"XOR, the four examples one after the other, eta = {ETA:g}:"
    yield columns(["pass", "mean error"], *([n, f"{errors[n - 1]:.4f}"] for n in (1, 100, 300, 1000, PASSES)))
    yield columns(
        ["x", "t", "y"],
        *([f"({x[0]:g}, {x[1]:g})", f"{t[0]:g}", f"{_answer(textbook, x):.2f}"] for x, t in zip(X, XOR, strict=True)),
    )
    yield Picture("backpropagation", lambda theme: draw(theme, textbook, errors))


def check(network: Network, textbook: Textbook, x: Values, t: Values) -> str:
    """What the deltas say of the gradient, against the general layers and against measured slopes."""
    a = textbook.answers(x)
    steps = [(np.outer(given, d), d) for given, d in zip(a, textbook.deltas(a, t), strict=False)]
    by_deltas = -np.concatenate([step.ravel() for pair in steps for step in pair])
    y, backprop = network.forward(x[np.newaxis])
    backprop(mean_squared_error(y, t[np.newaxis], 1)[1])
    measured = np.array([_slope(network, at, x, t) for at in range(len(network.theta))])
    return f"""The deltas are the gradient of E = ½ (t - y)², the sign turned. Over all weights and biases, it differs

  by {_largest(by_deltas - network.gradient)} at most from what the general layers of pipeline/network compute
  by {_largest(by_deltas - measured)} at most from (E(w + h) - E(w - h)) / 2h"""


def _slope(network: Network, at: int, x: Values, t: Values) -> float:
    """dE of one parameter, measured."""
    errors = []
    for h in (H, -H):
        network.theta[at] += h
        errors.append(0.5 * float(np.sum((t - network.forward(x[np.newaxis])[0]) ** 2)))
        network.theta[at] -= h
    return (errors[0] - errors[1]) / (2 * H)


def _largest(differences: Values) -> str:
    return f"{np.abs(differences).max():.8f}"


def _answer(textbook: Textbook, x: Values) -> float:
    return float(textbook.answers(x)[-1][0])


def _by_hand(a: float, w: float, delta: float) -> str:
    return f"{a:.4f} (1 - {a:.4f}) ({w:g} * {delta:.4f})"


def _four(values: NDArray[np.floating[Any]]) -> str:
    return "(" + ", ".join(f"{each:.4f}" for each in values) + ")"


def draw(theme: Theme, textbook: Textbook, errors: list[float]) -> Figure:
    """What the network answers everywhere; and the error, pass by pass."""
    figure = Figure(figsize=(9.6, 3.8))
    left, right = figure.subplots(1, 2)
    ticks = np.linspace(-0.5, 1.5, 81)
    answers = [[_answer(textbook, np.array([x1, x2])) for x1 in ticks] for x2 in ticks]
    left.set_title("what it answers everywhere")
    left.pcolormesh(ticks, ticks, answers, cmap=theme.signed(), vmin=-0.6, vmax=1.6, shading="nearest")
    left.contour(ticks, ticks, answers, levels=[0.5], colors=[theme.ink], linewidths=1.2)
    for t, colour, marker in ((0, theme.second, "o"), (1, theme.first, "s")):
        left.plot(*X[XOR[:, 0] == t].T, marker, color=colour, markersize=11, markeredgecolor=theme.paper)
    left.set(xlabel="x1", ylabel="x2", aspect="equal")
    right.set_title("mean error of each pass")
    right.plot(range(1, len(errors) + 1), errors, color=theme.first, linewidth=1.8)
    right.set(xlabel="pass", ylim=(0, None))
    for axes in (left, right):
        axes.tick_params(length=0)
    return figure
