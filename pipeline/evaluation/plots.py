"""The report's plots: how the training went, and what is taken for what."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from pipeline.evaluation.theme import Theme, printable

History = Sequence[dict[str, float]]
COUNTED = 30  # labels, up to which the cells of the confusion matrix have room for their numbers
NAMED = 60  # labels, up to which each is named beside it


def learning_curves(history: History, theme: Theme) -> Figure:
    """Loss and accuracy after each epoch, on what was trained with and, if any was held out, on the validation.

    history: one dictionary per epoch with epoch, train_loss, train_accuracy, validation_loss, validation_accuracy;
    the last two may be missing, and so may the accuracies.
    """
    figure = Figure(figsize=(9.6, 3.4))
    names = ("loss", "accuracy") if "train_accuracy" in history[0] else ("loss",)
    panels = dict(zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True))
    for name, axes in panels.items():
        axes.set_title(name.capitalize())
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True) if len(history) > 1 else FixedLocator([1]))
        axes.grid(axis="y")
        axes.tick_params(length=0)
        _curve(axes, history, f"train_{name}", theme.first, theme)
        _curve(axes, history, f"validation_{name}", theme.second, theme)
        if axes.lines:
            axes.legend(frameon=False, labelcolor=theme.ink)
    if "accuracy" in panels:
        panels["accuracy"].yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    logarithmic_if_wide(panels["loss"])
    return figure


def _curve(axes: Axes, history: History, key: str, colour: str, theme: Theme) -> None:
    points = [(line["epoch"], line[key]) for line in history if line.get(key) is not None]
    if not points:
        return
    value = f"{points[-1][1]:.2%}" if "accuracy" in key else f"{points[-1][1]:.4f}"
    axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.8, label=f"{key.split('_')[0]}  {value}")
    axes.plot(*points[-1], "o", color=colour, markersize=5, markeredgecolor=theme.paper)


def logarithmic_if_wide(axes: Axes) -> None:
    """A logarithmic scale where the values of the lines are far apart."""
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.lines] or [np.ones(1)])
    if values.min() > 0 and values.max() / values.min() > 10:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(which="minor", length=0)


def confusion_matrix(confusion: Sequence[Sequence[int]], labels: Sequence[str], theme: Theme) -> Figure:
    """What was answered (columns) for each true label (rows): right answers in one colour, wrong ones in another.

    confusion: [K,K] counts. The colour is the share of the row, with small shares made visible.
    """
    counts = np.asarray(confusion)
    K = len(counts)
    names = [printable(label) for label in labels]
    side = float(np.clip(0.45 * K + 0.07 * max(map(len, names)) + 1.6, 3.2, 11))
    figure = Figure(figsize=(side, side))
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    diagonal = np.eye(K, dtype=bool)
    for mask, colour, gamma in ((~diagonal, theme.first, 1.0), (diagonal, theme.second, 0.3)):
        axes.imshow(np.ma.masked_array(shares, mask), cmap=theme.ramp(colour), norm=PowerNorm(gamma, 0, 1))
    if K <= COUNTED:
        _numbers(axes, counts, shares, theme)
        axes.set_xticks(np.arange(K + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(K + 1) - 0.5, minor=True)
        axes.grid(which="minor")
    _label_ticks(axes, names)
    axes.set_xlabel("answered")
    axes.set_ylabel("true label")
    axes.spines[:].set_visible(False)
    axes.tick_params(which="both", length=0)
    return figure


def _numbers(axes: Axes, counts: np.ndarray, shares: np.ndarray, theme: Theme) -> None:
    size = float(np.clip(180 / len(counts), 5, 9))
    for truth, answer in np.argwhere(counts):
        strong = shares[truth, answer] > (0.55 if truth == answer else 0.2)
        colour = theme.paper if strong else theme.ink
        axes.text(answer, truth, f"{counts[truth, answer]}", color=colour, fontsize=size, ha="center", va="center")


def _label_ticks(axes: Axes, names: Sequence[str]) -> None:
    """As many names as can be read: all of them, or each n-th."""
    K = len(names)
    at = range(0, K, -(-K // NAMED))
    turned = K > COUNTED or max(map(len, names)) > 3
    size = 9 if K <= COUNTED else 7
    axes.set_xticks(at, [names[i] for i in at], rotation=90 if turned else 0, fontsize=size)
    axes.set_yticks(at, [names[i] for i in at], fontsize=size)
