"""Which marks are the drawing: not the dust, nor a frame, nor the edge of the table.

The marks are gathered into coarse cells, and every connected part of these is judged by its mass and place.
"""

import numpy as np

from pipeline.export.graph import Graph
from pipeline.export.preprocess import raster

GRID = 64  # cells along the longer side
ROUNDS = 40  # of joining at most; a digit needs five or so

AT_BORDER = 0.05  # what a part that touches the picture's border counts: paper and tables go on there, digits seldom
HUGS = 1e-3  # what it counts if it is also a strip, long and narrow, along the border
STRIP, LONG = 0.12, 3.0  # so narrow, of the picture's side; and so many times as long
FRAME = 1e-4  # what a part counts with ink in all four corners of its box: no digit has
CORNER, LARGE = 0.1, 0.6  # a corner, of the box; the least size of a frame, of the picture
ALONE = 0.3  # the share of the main part's count with which a part is kept wherever it is
NEARBY = 0.03  # and where the main part is
REACH = 0.25  # which is its box and so much of its longer side around


def drawing(g: Graph, M: str) -> str:
    """A mask that covers the drawing, with a margin, of a mask of all marks [h,w]."""
    hw = g.op("Shape", M)
    k = g.op("Div", g.op("Add", g.op("ReduceMax", hw, keepdims=1), GRID - 1), GRID)
    mass = raster.blocks(g, M, k, "ReduceSum")
    inked = raster.mask(g, mass, 0.0)
    wanted = g.op("Reshape", _wanted(g, mass, _numbered(g, inked)), g.op("Shape", mass))
    # The margin is for soft edges; into another part it does not reach.
    margin = g.op("Mul", raster.largest_around(g, wanted, (3, 3)), g.op("Sub", 1.0, inked))
    return raster.unblock(g, g.op("Add", wanted, margin), k, hw)


def _numbered(g: Graph, cells: str) -> str:
    """The number of the connected part that each cell of a mask belongs to, int64 [n]; 0 where the mask is 0.

    Every cell takes the largest number around it, then the number of the cell which that one names; so numbers
    travel in leaps (Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm", 1982).
    """
    inked = g.op("Unsqueeze", cells, [0, 1])
    index = g.op("Range", 0, g.op("Size", cells), 1)
    numbers = g.op("Mul", raster.as_float(g, g.op("Reshape", index, g.op("Shape", inked))), inked)
    body = g.branch("join")
    body.input("round", np.int64, [])
    body.input("unfinished", np.bool_, [])
    before = body.input("numbers", np.float32, [1, 1, "rows", "columns"])
    largest = body.op("MaxPool", before, kernel_shape=[3, 3], pads=[1] * 4)
    named = body.op("Gather", body.op("Reshape", largest, [-1]), raster.as_int(body, largest))
    after = body.op("Mul", named, inked)
    change = raster.total(body, body.op("Sub", after, before))
    body.output(body.op("Greater", change, 0.0), np.bool_, [])
    body.output(after, np.float32, [1, 1, "rows", "columns"])
    return g.op("Reshape", raster.as_int(g, g.op("Loop", ROUNDS, True, numbers, body=body)), [-1])


def _wanted(g: Graph, mass: str, part: str) -> str:
    """1 in the cells of the parts to keep, else 0: float32 [n]."""
    inked = g.op("Reshape", raster.mask(g, mass, 0.0), [1, -1])
    sides = _sides(g, mass)
    # A part's box [4,n]: how far it reaches down, right, up and left (up and left counted negative).
    reach = _over_part(g, g.op("Sub", sides, g.op("Mul", g.op("Sub", 1.0, inked), 1e4)), part)
    weight = _over_part(g, g.op("Reshape", mass, [1, -1]), part, "add")
    for damp in (_border(g, mass, reach), _frame(g, mass, sides, reach, inked, part)):
        weight = g.op("Mul", weight, damp)
    weight = g.op("Mul", g.op("Reshape", weight, [-1]), raster.as_float(g, g.op("Greater", part, 0)))
    main = g.op("ArgMax", weight, axis=0)
    close = _is_close(g, reach, g.op("Gather", reach, main, axis=1))
    share = g.op("Where", close, NEARBY, ALONE)
    enough = g.op("Greater", weight, g.op("Mul", g.op("Gather", weight, main), share))
    return raster.as_float(g, enough)


def _sides(g: Graph, mass: str) -> str:
    """Each cell's row, column, −row and −column: float32 [4,n]."""
    n, (_, cols) = g.op("Size", mass), raster.both(g, g.op("Shape", mass))
    index = g.op("Unsqueeze", g.op("Range", 0, n, 1), [0])
    yx = raster.as_float(g, raster.pair(g, g.op("Div", index, cols), g.op("Mod", index, cols)))
    return raster.pair(g, yx, g.op("Neg", yx))


def _over_part(g: Graph, values: str, part: str, reduction: str = "max") -> str:
    """For each cell, the largest (or the sum) of each row of values [k,n] over the part that it belongs to."""
    shape = g.op("Shape", values)
    start = g.op("Expand", -1e4 if reduction == "max" else 0.0, g.op("Add", shape, [0, 1]))
    reduced = g.op("ScatterElements", start, g.op("Expand", part, shape), values, axis=1, reduction=reduction)
    return g.op("Gather", reduced, part, axis=1)


def _extent(g: Graph, reach: str) -> str:
    """A part's height and width less one, twice: [4,n]."""
    down_right, up_left = g.ops("Split", reach, names=["", ""], num_outputs=2)
    extent = g.op("Add", down_right, up_left)
    return raster.pair(g, extent, extent)


def _border(g: Graph, mass: str, reach: str) -> str:
    """What a part counts for touching the border, [1,n]."""
    last = raster.as_float(g, g.op("Sub", g.op("Shape", mass), 1))
    limits = g.op("Unsqueeze", raster.pair(g, last, g.constant(np.zeros(2, np.float32))), [1])
    touching = raster.as_float(g, g.op("GreaterOrEqual", reach, limits))
    across = g.op("Add", _extent(g, reach), 1.0)
    along = g.op("Gather", across, [1, 0, 1, 0], axis=0)
    room = g.op("Unsqueeze", raster.pair(g, last, last), [1])
    narrow = g.op("LessOrEqual", across, g.op("Add", g.op("Mul", room, STRIP), 1.0))
    strip = g.op("And", narrow, g.op("Greater", along, g.op("Mul", across, LONG)))
    hugging = g.op("Mul", touching, raster.as_float(g, strip))
    touches, hugs = (g.op("Greater", g.op("ReduceMax", flags, [0]), 0.0) for flags in (touching, hugging))
    return g.op("Where", hugs, HUGS, g.op("Where", touches, AT_BORDER, 1.0))


def _frame(g: Graph, mass: str, sides: str, reach: str, inked: str, part: str) -> str:
    """What a part counts for being a frame, [1,n]: large, and in all four corners of its box."""
    extent = _extent(g, reach)
    at_side = g.op("LessOrEqual", g.op("Sub", reach, sides), g.op("Mul", extent, CORNER))
    vertical, horizontal = (g.op("Gather", at_side, rows, axis=0) for rows in ([0, 0, 2, 2], [1, 3, 1, 3]))
    corners = g.op("Mul", raster.as_float(g, g.op("And", vertical, horizontal)), inked)
    full = g.op("Greater", g.op("ReduceMin", _over_part(g, corners, part), [0]), 0.0)
    hw = raster.as_float(g, g.op("Shape", mass))
    least = g.op("Unsqueeze", g.op("Mul", raster.pair(g, hw, hw), LARGE), [1])
    large = g.op("Greater", g.op("ReduceMin", g.op("Sub", extent, least), [0]), 0.0)
    return g.op("Where", g.op("And", full, large), FRAME, 1.0)


def _is_close(g: Graph, reach: str, main: str) -> str:
    """Whether a part's box meets the main part's [4,1], widened by REACH: bool [n]."""
    down, right, up, left = g.ops("Split", main, names=[""] * 4, num_outputs=4)
    widen = g.op("Mul", g.op("Max", g.op("Add", down, up), g.op("Add", right, left)), REACH)
    opposite = g.op("Add", raster.pair(g, up, left, down, right), widen)
    return g.op("GreaterOrEqual", g.op("ReduceMin", g.op("Add", reach, opposite), [0], keepdims=0), 0.0)
