"""What a network makes of one example: the maps of each layer as small pictures, its values as strips."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pipeline.evaluation.gallery import visible
from pipeline.evaluation.theme import Theme
from pipeline.network.activations import Activation
from pipeline.network.network import Network
from pipeline.network.notation import Shape, times

MAPS = 16  # of a layer that are shown
UNITS = 800  # likewise, where it gives values in a row
COLUMNS = 80  # of a strip, at the most; what is more goes on below
# In inches: the figure, a map's longer side, that of the example, a value's side at the most, a caption, a gap.
WIDTH, MAP, EXAMPLE, CELL, CAPTION, GAP = 9.4, 0.52, 1.0, 0.25, 0.24, 0.18
MARGIN = 0.01  # for the frames at the edges

Values = NDArray[np.floating[Any]]
Tile = tuple[Values, float, float, float, float]  # RGB or RGBA [H,W,3|4], and its left, top, width and height


@dataclass(frozen=True)
class Output:
    """What came out of a layer ("conv1 relu"; "input" is the example itself): maps [C,H,W], or values [D]."""

    name: str
    values: Values

    @property
    def shape(self) -> Shape:
        """(C, H, W) or (D,)."""
        return self.values.shape


def outputs(network: Network, x: NDArray[Any]) -> list[Output]:
    """The example x, [C,H,W] or [D] as its dataset has it, and what each layer makes of it.

    A layer is shown as its activation leaves it. Dropout and FLATTEN change nothing that could be seen.
    """
    entry, *layers = network.layers
    found = [Output(entry.name, x / np.float32(255) if x.ndim == 3 else x)]
    X, _ = entry.forward(x[np.newaxis])
    for layer in layers:  # one by one: `Network.forward` runs some as one, and what is between them never exists
        X, _ = layer.forward(X)
        if isinstance(layer, Activation):
            found[-1] = Output(f"{found[-1].name} {layer.kind}", _alone(X))
        elif layer.kind not in ("dropout", "flatten"):
            found.append(Output(layer.name, _alone(X)))
    return found


def _alone(X: Values) -> Values:
    """The one example of [H,W,1,C] or [1,D], as [C,H,W] or [D]; a copy, since layers write over their buffers."""
    return np.array(X[:, :, 0].transpose(2, 0, 1) if X.ndim == 4 else X[0])


def feature_maps(found: Sequence[Output], theme: Theme) -> Figure:
    """A row for each output: its MAPS strongest maps, or its values; above 0 in one colour, below 0 in another.

    The colour is the stronger, the larger a value is beside the largest of its layer: a map that does not answer stays
    empty.
    """
    tiles: list[Tile] = []
    captions: list[tuple[float, str]] = []
    y = -GAP
    for output in found:
        captions.append((y + GAP, _caption(output)))
        tiles += _tiles(output, y + GAP + CAPTION, theme)
        y = max(top + height for _, _, top, _, height in tiles)
    figure = Figure(figsize=(WIDTH + 2 * MARGIN, y + MARGIN), constrained_layout=False)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-MARGIN, WIDTH + MARGIN), ylim=(y + MARGIN, 0))
    axes.set_axis_off()
    for values, left, top, width, height in tiles:
        axes.imshow(values, extent=(left, left + width, top + height, top), interpolation="nearest")
        axes.add_patch(Rectangle((left, top), width, height, fill=False, color=theme.line, linewidth=0.6))
    for top, text in captions:
        axes.text(0, top + 0.03, text, color=theme.faint, fontsize=8, va="top")
    return figure


def _caption(output: Output) -> str:
    """Name, shape, and how much of it there is to be seen."""
    parts = [f"{output.name}   {times(*output.shape)}"]
    if len(output.shape) == 3 and output.shape[0] > MAPS:
        parts.append(f"the {MAPS} strongest")
    if len(output.shape) == 1 and output.shape[0] > UNITS:
        parts.append(f"the first {UNITS:,}")
    return ", ".join(parts)


def _tiles(output: Output, top: float, theme: Theme) -> Iterator[Tile]:
    """The pictures of a row: the example, or one of each map, or one of all values."""
    size = np.abs(output.values)
    strength = np.sqrt(size / max(float(size.max()), 1e-12))  # the root, so that small values can be seen beside large
    colours = theme.signed()(0.5 + 0.5 * np.sign(output.values) * strength)
    if len(output.shape) == 1:
        strip = _strip(colours[:UNITS])
        side = min(CELL, WIDTH / strip.shape[1])
        yield strip, 0, top, side * strip.shape[1], side * len(strip)
    elif output.name == "input":
        yield visible(output.values), 0, top, *_size(output.shape, EXAMPLE)
    else:
        strongest = np.sort(np.argsort(-np.square(size).sum(axis=(1, 2)), kind="stable")[:MAPS])
        for at, picture in enumerate(colours[strongest]):
            yield picture, at * WIDTH / MAPS, top, *_size(output.shape, MAP)


def _size(shape: Shape, longer: float) -> tuple[float, float]:
    """Width and height of a picture of this shape (C, H, W)."""
    _, height, width = longer * np.array(shape) / max(shape[1:])
    return float(width), float(height)


def _strip(colours: Values) -> Values:
    """RGBA [D,4] in rows, [rows,columns,4]; what is missing from the last one is transparent."""
    rows = -(-len(colours) // COLUMNS)
    columns = -(-len(colours) // rows)
    padded = np.zeros((rows * columns, 4))
    padded[: len(colours)] = colours
    return padded.reshape(rows, columns, 4)
