"""The learning curves of several runs in one picture."""

from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from pipeline import files
from pipeline.errors import RunError
from pipeline.evaluation.plots import History, logarithmic_if_wide
from pipeline.evaluation.theme import LIGHT, Theme, png, printable, styled

STYLES: dict[str, Literal["-", ":"]] = {"validation": "-", "train": ":"}
LONGEST = 48  # letters of a run's name
COLUMNS = 2  # of such names


def write_comparison(path: Path, names: Sequence[str], histories: Sequence[History]) -> None:
    """Draws the curves of the runs with these names into a PNG file. RunError if it cannot be written."""
    with styled(LIGHT):
        content = png(comparison(names, histories, LIGHT))
    try:
        files.write(path, content)
    except OSError as error:
        raise RunError(f"cannot write the plot {path} ({error.strerror}): choose another --plot") from error


def comparison(names: Sequence[str], histories: Sequence[History], theme: Theme) -> Figure:
    """Loss and accuracy after each epoch: a colour for each run, the validation in full and the training dotted."""
    figure = Figure(figsize=(9.6, 3.4 + 0.22 * -(-len(names) // COLUMNS)))
    loss, accuracy = figure.subplots(1, 2)
    colours = list(islice(cycle(map(to_hex, matplotlib.color_sequences["petroff10"])), len(names)))
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        axes.set(title=name.capitalize(), xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y")
        axes.tick_params(length=0)
        for colour, history in zip(colours, histories, strict=True):
            _curves(axes, history, name, colour)
    accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    logarithmic_if_wide(loss)
    _legends(figure, accuracy, list(zip(names, colours, strict=True)), theme)
    return figure


def _legends(figure: Figure, axes: Axes, runs: Sequence[tuple[str, str]], theme: Theme) -> None:
    """What the styles mean, in the axes; below, which colour is which run: (name, colour)."""
    styles = [Line2D([], [], color=theme.faint, linestyle=style, label=name) for name, style in STYLES.items()]
    axes.legend(handles=styles, frameon=False, labelcolor=theme.ink)
    named = [Line2D([], [], color=colour, linewidth=3, label=printable(name, LONGEST)) for name, colour in runs]
    figure.legend(handles=named, loc="outside lower left", ncols=COLUMNS, frameon=False, labelcolor=theme.ink)


def _curves(axes: Axes, history: History, name: str, colour: str) -> None:
    """What there is of a run; a mark at the last epoch, which may be the only one."""
    for split, style in STYLES.items():
        points = [(line["epoch"], line[key]) for line in history if (key := f"{split}_{name}") in line]
        if points:
            axes.plot(*zip(*points, strict=True), style, color=colour, linewidth=1.6)
            axes.plot(*points[-1], "o", color=colour, markersize=4)
