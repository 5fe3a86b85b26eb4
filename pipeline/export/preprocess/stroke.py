"""From a map of ink to the pixels of the training data: the pen's width, the size, the place."""

import numpy as np

from pipeline.export.graph import Graph
from pipeline.export.preprocess import marks, raster
from pipeline.export.preprocess.target import Target, middle

FAINTEST = 0.05  # ink under this is none: a blank picture stays blank
ROOM = 16  # pixels around the map, for strokes to grow into
STEPS = 10  # of growing or shrinking, at most: each is a pixel on both sides
FINE = 4  # pixels are averaged from so many times so many


def solid(g: Graph, q: str, sigma: str, target: Target) -> str:
    """Strokes from 0 to 1 with the target's edges, on paper that is 0 however noisy it was; with room around."""
    ink = g.op("Max", marks.level(g, q), FAINTEST)
    begin, full = target.edge
    quiet = g.op("Min", g.op("Mul", sigma, 2.0), g.op("Mul", ink, 0.5))
    above = g.op("Sub", q, g.op("Max", g.op("Mul", ink, begin), quiet))
    X = g.op("Clip", g.op("Div", above, g.op("Mul", ink, full - begin)), 0.0, 1.0)
    return g.op("Pad", X, g.constant([ROOM] * 4))


def even(g: Graph, X: str, target: Target) -> str:
    """Hairlines thickened and markers thinned to the pens of the training data; others left alone."""
    begin, end = raster.box(g, raster.mask(g, X, target.rim))
    side = raster.longest(g, g.op("Sub", end, begin))
    width = _width(g, X)
    thin, thick = (g.op("Mul", side, share) for share in target.pen)
    X = _grown(g, X, g.op("Sub", thin, width))
    return g.op("Sub", 1.0, _grown(g, g.op("Sub", 1.0, X), g.op("Sub", width, thick)))


def placed(g: Graph, X: str, target: Target) -> str:
    """The ink's box scaled and put where it belongs: a map [height,width] from 0 to 1."""
    begin, end = raster.box(g, raster.mask(g, X, target.rim))
    X = g.op("Slice", X, begin, end, [0, 1])
    hw = g.op("Sub", end, begin)
    scale = g.op("Div", float(target.box * FINE), raster.longest(g, hw))
    X = raster.resize(g, X, raster.scaled(g, hw, scale))
    room = g.op("Sub", [target.height * FINE, target.width * FINE], g.op("Shape", X))
    before = g.op("Max", g.op("Min", _offset(g, X, room, target), room), 0)
    X = g.op("Pad", X, raster.pair(g, before, g.op("Sub", room, before)))
    Y = g.op("AveragePool", g.op("Unsqueeze", X, [0, 1]), kernel_shape=[FINE, FINE], strides=[FINE, FINE])
    return g.op("Squeeze", Y, [0, 1])


def _width(g: Graph, X: str) -> str:
    """The mean width of strokes: twice the area over the length of the edge, Σ|∇X|. Scalar, in pixels."""
    here = g.op("Slice", X, [0, 0], [-1, -1], [0, 1])
    below, beside = (
        g.op("Sub", g.op("Slice", X, start, stop, [0, 1]), here)
        for start, stop in (([1, 0], [2**31, -1]), ([0, 1], [-1, 2**31]))
    )
    gradient = g.op("Sqrt", g.op("Add", g.op("Mul", below, below), g.op("Mul", beside, beside)))
    edge = g.op("Max", raster.total(g, gradient), 1.0)
    return g.op("Div", g.op("Mul", raster.total(g, X), 2.0), edge)


def _grown(g: Graph, X: str, by: str) -> str:
    """Strokes wider by so many pixels (float scalar; not at all if it is below 0), as with a round pen.

    The last step is taken by the share of it that is due, so that the result never jumps.
    """
    steps = g.op("Clip", g.op("Mul", by, 0.5), 0.0, float(STEPS))
    body = g.branch("grow")
    step = body.input("step", np.int64, [])
    body.input("unused", np.bool_, [])
    before = body.input("strokes", np.float32, ["h", "w"])
    square = raster.largest_around(body, before, (3, 3))
    cross = body.op("Max", *(raster.largest_around(body, before, line) for line in ((3, 1), (1, 3))))
    pen = body.op("Mul", body.op("Add", square, cross), 0.5)  # between a square and a diamond
    due = body.op("Clip", body.op("Sub", steps, raster.as_float(body, step)), 0.0, 1.0)
    after = body.op("Add", before, body.op("Mul", body.op("Sub", pen, before), due))
    body.output(body.constant(True), np.bool_, [])
    body.output(after, np.float32, ["h", "w"])
    return g.op("Loop", raster.as_int(g, g.op("Ceil", steps)), True, X, body=body)


def _offset(g: Graph, X: str, room: str, target: Target) -> str:
    """How far from the top and the left: int64 [2], whole pixels, as in the training data."""
    if target.centre == "box":
        off = g.op("Mul", raster.as_float(g, room), 0.5)
    else:
        wanted = [g.op("Sub", middle(target, axis) * FINE, raster.centroid(g, X, axis)) for axis in (0, 1)]
        off = raster.pair(g, *(g.op("Unsqueeze", w, [0]) for w in wanted))
    whole = g.op("Round", g.op("Mul", off, 1 / FINE))
    return raster.as_int(g, g.op("Mul", whole, float(FINE)))
