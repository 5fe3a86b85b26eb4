"""A straight line around the picture, which the drawing may touch: what lies outside of it is cut away."""

from pipeline.export.graph import Graph
from pipeline.export.preprocess import raster

BAND = 0.15  # how far from the edges it may run, as a share of the side
FULL = 0.7  # the share of a row or column that is ink where it runs
SOFT = 1.0  # pixels that its soft edge reaches further in


def inside(g: Graph, M: str) -> str:
    """A mask [h,w] of what lies inside the frame, of a mask of all marks; all of it if a side of the frame is missing.

    A digit has such lines on two sides at most, even when it is cut out right at the ink.
    """
    cuts = [cut for axis in (0, 1) for cut in _cuts(g, M, axis)]
    framed = raster.as_float(g, g.op("Greater", g.op("Min", *cuts), 0.0))
    rows, cols = (_between(g, M, axis, cuts[2 * axis : 2 * axis + 2], framed) for axis in (0, 1))
    return g.op("Mul", g.op("Unsqueeze", rows, [1]), g.op("Unsqueeze", cols, [0]))


def _cuts(g: Graph, M: str, axis: int) -> tuple[str, str]:
    """How many rows (or columns) the frame takes at the start and at the end: float32 scalars, 0 for no line there."""
    line = raster.mask(g, g.op("ReduceMean", M, [1 - axis], keepdims=0), FULL)
    n = g.op("Shape", line)
    length = raster.as_float(g, g.op("Squeeze", n))
    start = raster.centres(g, n)
    end = g.op("Sub", length, start)
    band = g.op("Mul", length, BAND)
    depths = (g.op("Mul", g.op("Mul", at, raster.as_float(g, g.op("Less", at, band))), line) for at in (start, end))
    first, last = (g.op("ReduceMax", depth, keepdims=0) for depth in depths)
    return first, last


def _between(g: Graph, M: str, axis: int, cuts: list[str], framed: str) -> str:
    """1 in the rows (or columns) to keep, else 0."""
    n = g.op("Shape", M, start=axis, end=axis + 1)
    at = raster.centres(g, n)
    start, end = (g.op("Mul", g.op("Add", cut, SOFT), framed) for cut in cuts)
    stop = g.op("Sub", raster.as_float(g, g.op("Squeeze", n)), end)
    return raster.as_float(g, g.op("And", g.op("GreaterOrEqual", at, start), g.op("LessOrEqual", at, stop)))
