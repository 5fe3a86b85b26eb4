"""The reliability diagram: whether the network is right as often as it is sure."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pipeline.evaluation.metrics import Reliability
from pipeline.evaluation.theme import Theme


def reliability_diagram(reliability: Reliability, theme: Theme) -> Figure:
    """Above, how many answers of each bin of confidence are right; below, how many answers the bin has.

    The gap is drawn at the mean confidence of the bin, from there to its accuracy; the mean of the gaps, each as often
    as its bin has answers, is the expected calibration error.
    """
    figure = Figure(figsize=(6.4, 5.2))
    accuracy, count = figure.subplots(2, 1, sharex=True, height_ratios=(5, 2))
    accuracy.set_title(f"Expected calibration error {reliability.error:.2%}")
    full = reliability.count > 0
    middle = (np.flatnonzero(full) + 0.5) / len(full)
    width = 0.94 / len(full)
    sure, right = reliability.confidence[full], reliability.accuracy[full]
    accuracy.bar(middle, right, width, color=theme.first, label="accuracy")
    accuracy.vlines(sure, sure, right, color=theme.second, linewidth=3, label="gap to the confidence")
    accuracy.plot([0, 1], [0, 1], "--", color=theme.ink, linewidth=1, label="as often right as sure")
    accuracy.legend(frameon=False, labelcolor=theme.ink)
    accuracy.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
    accuracy.yaxis.set_major_formatter(PercentFormatter(1))
    _counts(count, middle, reliability.count[full], width, theme)
    for axes in (accuracy, count):
        axes.tick_params(which="both", length=0)
    return figure


def _counts(axes: Axes, middle: np.ndarray, count: np.ndarray, width: float, theme: Theme) -> None:
    """Bars with their numbers above them; logarithmic, since nearly all answers are in the last bin."""
    axes.bar(middle, count, width, color=theme.faint)
    for x, n in zip(middle, count, strict=True):
        axes.annotate(f"{n:,}", (x, n), (0, 2), textcoords="offset points", ha="center", fontsize=7)
    axes.set_yscale("log")
    axes.set(xlabel="confidence", ylabel="answers (log)", ylim=(0.5, 3 * count.max()))
    axes.set_yticks([])
    axes.set_yticks([], minor=True)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
