"""Maps of a layer -> one picture, PNG: side by side, enlarged, above 0 in blue and below 0 in orange."""

from collections.abc import Iterator
from io import BytesIO
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.explain import INPUT, Layer

ABOVE, BELOW, PAPER, BETWEEN = np.array([[37, 99, 235], [224, 86, 11], [255, 255, 255], [200, 200, 200]], np.float32)
# In pixels: a mosaic is enlarged, by a whole number, while it is not wider than this.
WIDTH = 640
# Single values stand side by side without a gap, at most so many in a row.
COLUMNS = 80
Tile = NDArray[Any]


def png(layer: Layer) -> bytes:
    """The picture of a layer, encoded."""
    page = mosaic(layer)
    times = max(1, WIDTH // page.shape[1])
    file = BytesIO()
    Image.fromarray(page.repeat(times, axis=0).repeat(times, axis=1)).save(file, "PNG", compress_level=3)
    return file.getvalue()


def mosaic(layer: Layer) -> NDArray[np.uint8]:
    """Every map at its own size, in rows, [H,W,3]."""
    single = layer.values.ndim == 1
    count = 1 if layer.name == INPUT and not single else len(layer.values)
    columns, gap = (min(count, COLUMNS), 0) if single else (ceil(sqrt(count)), 1)
    height, width = (1, 1) if single else layer.values.shape[-2:]
    page = np.full((ceil(count / columns) * (height + gap) - gap, columns * (width + gap) - gap, 3), BETWEEN, np.uint8)
    for at, picture in enumerate(tiles(layer)):
        top, left = at // columns * (height + gap), at % columns * (width + gap)
        page[top : top + height, left : left + width] = picture
    return page


def tiles(layer: Layer) -> Iterator[Tile]:
    """One picture for each map, RGB [H,W,3]. The input is shown as it is, and so are filters that look at colours."""
    values, most = layer.values, largest(layer.values)
    if layer.name == INPUT and values.ndim == 3:
        yield np.broadcast_to(values.transpose(1, 2, 0), (*values.shape[1:], 3))
    elif values.ndim == 4 and values.shape[1] == 3:
        yield from (np.rint(127.5 + 127.5 * each.transpose(1, 2, 0) / most) for each in values)
    else:
        yield from (signed(each.mean(axis=0) if values.ndim == 4 else each, most) for each in values)


def signed(values: NDArray[Any], most: float) -> Tile:
    """The stronger the colour, the larger a value is beside the largest of its layer.

    The root lets small values be seen beside large ones.
    """
    strength = np.sqrt(np.abs(values) / most)[..., None]
    colour = np.where(np.asarray(values)[..., None] < 0, BELOW, ABOVE)
    tile: Tile = np.rint(PAPER + strength * (colour - PAPER))
    return tile


def largest(values: NDArray[Any]) -> float:
    """The largest distance from 0, never 0 itself."""
    return max(float(values.max()), -float(values.min())) or 1.0
