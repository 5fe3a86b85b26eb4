"""Gradient descent: the same small steps, on one example, on a few or on all of them."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.data.batches import batches
from pipeline.evaluation.theme import Theme
from pipeline.lessons.station import Lesson, Picture, columns
from pipeline.network.losses import mean_squared_error
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.optimizers import SGD

Values = NDArray[np.float64]
N = 24  # examples
SIZES = {"1": 1, "4": 4, "full": N}  # examples in a step
START = (-1.0, 2.5)  # w and b
ETA = 0.1
EPOCHS = 30


@dataclass(frozen=True)
class Examples:
    """x [N,1] and targets t [N,1], on a line but for some noise."""

    x: Values
    t: Values

    def error(self, w: Values, b: Values) -> Values:
        """E(w, b), the mean of ½ (y - t)² over all examples, for any number of lines y = w x + b: w and b alike."""
        differences = w[..., np.newaxis] * self.x[:, 0] + b[..., np.newaxis] - self.t[:, 0]
        return np.asarray(0.5 * np.mean(differences**2, axis=-1))

    def lowest(self) -> Values:
        """(w, b) where the error is lowest: the least squares."""
        ones = np.ones_like(self.x)
        return np.asarray(np.linalg.lstsq(np.hstack([self.x, ones]), self.t)[0][:, 0], np.float64)


def examples() -> Examples:
    rng = np.random.default_rng(7)
    x = np.linspace(0, 2, N)[:, np.newaxis]
    return Examples(x, 1.5 * x - 0.5 + rng.normal(0, 0.4, x.shape))


def path(given: Examples, size: int) -> Values:
    """Where w and b were after each step, [steps + 1, 2], with `size` examples in a step."""
    unit = Network(parse("INPUT 1 -> FC 1"), dtype=np.float64)
    unit.theta[...] = START
    sgd, rng, places = SGD(unit.theta, np.empty(0)), np.random.default_rng(1), [unit.theta.copy()]
    for _ in range(EPOCHS):
        for batch in batches(N, size, rng):
            y, backprop = unit.forward(given.x[batch])
            _, dy = mean_squared_error(y, given.t[batch], len(batch))
            backprop(dy)
            sgd.step(unit.gradient, ETA)
            places.append(unit.theta.copy())
    return np.array(places)


def lesson() -> Lesson:
    given = examples()
    w, b = given.lowest()
    best = f"{given.error(w, b):.3f}"
    paths = {name: path(given, size) for name, size in SIZES.items()}
    yield f"""Every choice of w and b has an error: E(w, b) = mean of ½ (w x + b - t)², here over {N} examples. Over the
plane of all w and b it is a landscape, a valley, and its gradient (dE/dw, dE/db) points uphill. So step the other way:

  w ← w - eta dE/dw    b ← b - eta dE/db    with the learning rate eta = {ETA}

The gradient may be that of all examples, of a few or of one. Three walks from the same place, {EPOCHS} epochs long
(an epoch sees every example once):"""
    yield columns(
        ["--batch-size", "steps an epoch", "E after 1 epoch", "after 3", f"after {EPOCHS}", "w", "b"],
        *(
            [name, _steps(places), *_errors(given, places), *(f"{each:.2f}" for each in places[-1])]
            for name, places in paths.items()
        ),
        ["least squares", "", "", "", best, f"{w:.2f}", f"{b:.2f}"],
    )
    yield Picture("descent", lambda theme: draw(theme, given, paths))
    yield f"""All examples: every step goes straight down, but there is only one an epoch. One example: {N} steps an
epoch, each in a slightly wrong direction; it is down soon, and then it wanders about, since eta stays as it is.
A mini-batch has a little of both faults, and a processor takes 64 examples together in far less time than 64
times one. So everybody uses mini-batches, and lets eta fall towards the end.

The words: textbooks call the first batch gradient descent (BGD) and the second stochastic gradient descent (SGD).
Today a “batch” mostly is the mini-batch, “SGD” any descent on randomly drawn batches, and who means all examples
says full batch."""


def _steps(places: Values) -> int:
    """Of one epoch."""
    return (len(places) - 1) // EPOCHS


def _errors(given: Examples, places: Values) -> list[str]:
    """The error after 1, 3 and all epochs."""
    return [f"{given.error(*places[epochs * _steps(places)]):.3f}" for epochs in (1, 3, EPOCHS)]


def draw(theme: Theme, given: Examples, paths: dict[str, Values]) -> Figure:
    """The landscape three times, with a path in each."""
    figure = Figure(figsize=(9.6, 3.5))
    W, B = np.meshgrid(np.linspace(-1.6, 2.4, 160), np.linspace(-1.4, 3.2, 160))
    E = given.error(W, B)
    levels = np.geomspace(E.min() * 1.05, E.max(), 14)
    for axes, (name, places) in zip(figure.subplots(1, 3, sharey=True), paths.items(), strict=True):
        steps = _steps(places)
        axes.set_title(f"batch size {name}, {steps} {'step' if steps == 1 else 'steps'} an epoch", fontsize=9.5)
        axes.contour(W, B, E, levels=levels, colors=[theme.faint], linewidths=0.7, alpha=0.6)
        axes.plot(*places.T, color=theme.first, linewidth=0.9, marker="o", markersize=1.8)
        axes.plot(*given.lowest(), "+", color=theme.second, markersize=12, markeredgewidth=2)
        axes.set_xlabel("w")
        axes.tick_params(length=0)
    figure.axes[0].set_ylabel("b")
    return figure
