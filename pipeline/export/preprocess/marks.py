"""What is on the paper: how much every pixel differs from it in the direction of the ink's colour.

Colours count, not brightness, so red on a green just as bright is ink too; and the sign counts, so of noise, which
goes both ways, the other half tells how strong it is.
"""

from typing import NamedTuple

import numpy as np

from pipeline.export.graph import Graph
from pipeline.export.preprocess import paper, raster

# Salt and pepper: this share of all marks are pixels with at most one marked neighbour.
SALTY = 0.1
# A shadow with an edge: this share of the picture is between paper and ink, at these shares of the ink.
SHADED, SHADE_FROM, SHADE_TO = 0.08, 0.1, 0.6
# It is what remains when everything up to this many pixels wide is wiped out, on a map of SHADE_GRID.
SHADE_GRID, SHADE_WINDOW = 128, 27
UPSIDE = 8.0  # more than any q


class View(NamedTuple):
    """A part of the picture at some resolution: image uint8 [h,w,3], its rows y [h] and columns x [w] on the page."""

    image: str
    y: str
    x: str


def contrast(g: Graph, view: View, surface: str) -> str:
    """Each pixel's difference from the paper, [3,h·w]; 1 is as far as a colour can be from it.

    What a shadow does to paper it does to ink: for dark ink this is 1 − reflectance, which no light changes.
    """
    pixels = raster.as_float(g, g.op("Transpose", view.image, perm=[2, 0, 1]))
    background = paper.colour(g, surface, view.y, view.x)
    room = g.op("Max", background, g.op("Sub", 255.0, background))
    return g.op("Reshape", g.op("Div", g.op("Sub", pixels, background), room), [3, -1])


def direction(g: Graph, d: str) -> str:
    """The colour that the ink adds to the paper, as a unit vector [1,3]: Σ d|d|², in which noise cancels out."""
    squared = g.op("MatMul", np.ones((1, 3), np.float32), g.op("Mul", d, d))
    v = g.op("MatMul", squared, g.op("Transpose", d, perm=[1, 0]))
    return g.op("Div", v, g.op("Max", g.op("ReduceL2", v), 1e-9))


def along(g: Graph, d: str, v: str, view: View) -> str:
    """How much ink, a map: the contrast along v; below 0 is the opposite of ink."""
    return g.op("Reshape", g.op("MatMul", v, d), raster.height_width(g, view.image))


def noise(g: Graph, p: str) -> str:
    """The standard deviation of the paper, from the side of it where no ink is: scalar."""
    below = g.op("Min", p, 0.0)
    return g.op("Sqrt", g.op("Mul", g.op("ReduceMean", g.op("Mul", below, below), keepdims=0), 2.0))


def level(g: Graph, q: str) -> str:
    """How much ink there is where there is ink: Σq⁵/Σq⁴, for the strong pixels decide, however few. Scalar."""
    q2 = g.op("Mul", q, q)
    q4 = g.op("Mul", q2, q2)
    weight = g.op("Max", raster.total(g, q4), 1e-12)
    return g.op("Div", raster.total(g, g.op("Mul", q4, q)), weight)


def threshold(g: Graph, ink: str, sigma: str) -> str:
    """What counts as a mark: 0.4 of the ink or three sigmas of the paper, but never over 0.7 or under 0.03."""
    wanted = g.op("Max", g.op("Mul", ink, 0.4), g.op("Mul", sigma, 3.0))
    return g.op("Max", g.op("Min", wanted, g.op("Mul", ink, 0.7)), 0.03)


def is_salty(g: Graph, M: str) -> str:
    """Whether many marks of a mask are alone: bool."""
    around = g.op("AveragePool", g.op("Unsqueeze", M, [0, 1]), kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)
    alone = g.op("Mul", raster.mask(g, g.op("Neg", g.op("Squeeze", around, [0, 1])), -2.5 / 9), M)
    return g.op("Greater", raster.total(g, alone), g.op("Mul", raster.total(g, M), SALTY))


def is_shaded(g: Graph, q: str, ink: str) -> str:
    """Whether much of the picture lies between paper and ink, as in shadows with an edge: bool."""
    between = g.op(
        "And",
        g.op("Greater", q, g.op("Mul", ink, SHADE_FROM)),
        g.op("Less", q, g.op("Mul", ink, SHADE_TO)),
    )
    return g.op("Greater", g.op("ReduceMean", raster.as_float(g, between), keepdims=0), SHADED)


def shade(g: Graph, q: str, ink: str) -> str:
    """What shadows with an edge add to q: a map, 0 where there are none.

    The opening of q, the largest of the smallest around, keeps what is wider than its window; if that is lighter than
    ink it is a shadow.
    """
    hw = g.op("Shape", q)
    k = g.op("Div", g.op("Add", g.op("ReduceMax", hw, keepdims=1), SHADE_GRID - 1), SHADE_GRID)
    # Turned upside down, for blocks and windows know the largest only, and are padded with 0.
    lifted = raster.blocks(g, g.op("Sub", UPSIDE, q), k, "ReduceMax")
    opened = g.op("Max", _widest(g, g.op("Sub", UPSIDE, _widest(g, lifted))), 0.0)
    lighter = raster.as_float(g, g.op("Less", opened, g.op("Mul", ink, SHADE_TO)))
    return raster.unblock(g, g.op("Mul", opened, lighter), k, hw)


def _widest(g: Graph, X: str) -> str:
    for window in ((SHADE_WINDOW, 1), (1, SHADE_WINDOW)):
        X = raster.largest_around(g, X, window)
    return X
