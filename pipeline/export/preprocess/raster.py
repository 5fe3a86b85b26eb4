"""What pictures need and ONNX has no single word for.

An image is uint8 [h,w,3], a map float32 [h,w], a mask a map of 0 and 1. Sizes are int64 [1], places on a side are
counted in pixels from its start.
"""

from collections.abc import Sequence

from pipeline.export.graph import Graph, Operand

UINT8, FLOAT, INT64 = 2, 1, 7  # as onnx.TensorProto numbers them, for Cast


def as_float(g: Graph, X: str) -> str:
    return g.op("Cast", X, to=FLOAT)


def as_int(g: Graph, X: str) -> str:
    return g.op("Cast", X, to=INT64)


def both(g: Graph, pair: str) -> tuple[str, str]:
    """The two elements of a [2], each as [1]."""
    first, second = g.ops("Split", pair, names=["", ""], num_outputs=2)
    return first, second


def pair(g: Graph, *parts: str) -> str:
    """Vectors end to end."""
    return g.op("Concat", *parts, axis=0)


def height_width(g: Graph, picture: str) -> str:
    """int64 [2] of an image or a map."""
    return g.op("Shape", picture, start=0, end=2)


def total(g: Graph, X: str) -> str:
    return g.op("ReduceSum", X, keepdims=0)


def mask(g: Graph, X: str, above: Operand) -> str:
    """1 where a map is above a level, else 0."""
    return as_float(g, g.op("Greater", X, above))


def centres(g: Graph, n: str) -> str:
    """Where the centres of n pixels lie: 0.5, 1.5, … [n]."""
    return g.op("Add", as_float(g, g.op("Range", 0, g.op("Squeeze", n), 1)), 0.5)


def resize(g: Graph, picture: str, hw: Operand) -> str:
    """Resample to int64 [2] = height, width: linear, and antialiased where that is smaller."""
    return g.op("Resize", picture, "", "", hw, mode="linear", antialias=1, axes=[0, 1])


def scaled(g: Graph, hw: str, factor: str) -> str:
    """Height and width times a factor, aspect kept, none below 1: int64 [2]."""
    return as_int(g, g.op("Max", g.op("Round", g.op("Mul", as_float(g, hw), factor)), 1.0))


def longest(g: Graph, hw: str) -> str:
    """The longer of height and width: float32 scalar."""
    return as_float(g, g.op("ReduceMax", hw, keepdims=0))


def largest_around(g: Graph, X: str, window: Sequence[int]) -> str:
    """The largest value around each pixel of a map, in a window of odd height and width."""
    pads = [side // 2 for side in window] * 2
    Y = g.op("MaxPool", g.op("Unsqueeze", X, [0, 1]), kernel_shape=list(window), pads=pads)
    return g.op("Squeeze", Y, [0, 1])


def blocks(g: Graph, X: str, k: str, reduction: str) -> str:
    """A map's k×k blocks, each reduced to one cell; what is missing at the far edges counts as 0."""
    hw = g.op("Shape", X)
    cells = g.op("Div", g.op("Sub", g.op("Add", hw, k), 1), k)
    missing = g.op("Sub", g.op("Mul", cells, k), hw)
    whole = g.op("Pad", X, pair(g, g.constant([0, 0]), missing))
    rows, cols = both(g, cells)
    flat = g.op(reduction, g.op("Reshape", whole, pair(g, rows, k, g.constant([-1]))), [1], keepdims=0)
    return g.op(reduction, g.op("Reshape", flat, pair(g, rows, cols, k)), [2], keepdims=0)


def unblock(g: Graph, cells: str, k: str, hw: str) -> str:
    """The map [h,w] whose k×k blocks have these values."""
    h, w = both(g, hw)
    for axis, n in ((1, w), (0, h)):  # rows last: they are copied whole
        index = g.op("Div", g.op("Range", 0, g.op("Squeeze", n), 1), k)
        cells = g.op("Gather", cells, index, axis=axis)
    return cells


def box(g: Graph, M: str) -> tuple[str, str]:
    """The first row and column of a mask's box, and one past its last: int64 [2] each; all of it if it is empty."""
    begin, end = [], []
    for axis in (0, 1):
        seen = g.op("ReduceMax", M, [1 - axis], keepdims=0)
        begin.append(g.op("ArgMax", seen, axis=0))
        end.append(g.op("Add", g.op("ArgMax", seen, axis=0, select_last_index=1), 1))
    return pair(g, *begin), pair(g, *end)


def centroid(g: Graph, X: str, axis: int) -> str:
    """The centre of a map's mass on an axis: float32 scalar, 0 if there is none."""
    mass = g.op("ReduceSum", X, [1 - axis], keepdims=0)
    moment = total(g, g.op("Mul", mass, centres(g, g.op("Shape", mass))))
    return g.op("Div", moment, g.op("Max", total(g, mass), 1e-6))


def median(g: Graph, image: str) -> str:
    """An image without its single odd pixels: the median of three along the columns, then along the rows."""
    X = as_float(g, image)
    for axis in (0, 1):
        ahead = [int(axis == 0), int(axis == 1), 0]
        padded = g.op("Pad", X, ahead * 2, mode="edge")
        a, b, c = (g.op("Slice", padded, [i], [stop], [axis]) for i, stop in ((0, -2), (1, -1), (2, 2**31)))
        low, high = g.op("Min", a, b), g.op("Max", a, b)
        X = g.op("Max", low, g.op("Min", high, c))
    return g.op("Cast", X, to=UINT8)
