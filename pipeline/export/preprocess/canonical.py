"""Pictures that look like the training data already: they pass as they are, and fast.

In a picture so small, going from one node to the next takes longer than most nodes. So there are few, and what is asked
of sizes and places, all of it linear, is asked by three products: each has a column for every condition, and of what
comes out nothing may be negative.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.export.graph import Graph
from pipeline.export.preprocess import raster
from pipeline.export.preprocess.target import Target, middle

DARK, BRIGHT = 32.0, 223.0  # up to and from where a pixel is background, on black and on white
MARK = 40.0  # above which it is ink; JPEG's noise around strokes stays below
FULL = 180.0  # which the ink reaches somewhere
GREY = 48.0  # what the channels may differ by: colour has a paper, and is no such picture
FROM_GREY = 3 * np.eye(3, dtype=np.float32) - 1  # of a colour: three times how far each channel is from the mean
EMPTY = {"mass": 0.4, "box": 0.25}  # the least share of background
AWAY = {"mass": 0.75, "box": 1.0}  # how far off the middle the centre may be, in pixels
SHORTER, LONGER = 1.25, 0.25  # what the ink's longer side may be less or more than the target's box, in pixels


def look(g: Graph, image: str, target: Target) -> tuple[str, str]:
    """The picture as bright ink on black (float32 map), and whether it is canonical (bool).

    A picture of another size is not, and costs nothing; its map is of no use.
    """
    same, other = g.branch("same_size"), g.branch("other_size")
    nothing = np.zeros((1, 1), np.float32), np.False_
    for branch, (X, passes) in ((same, _look(same, image, target)), (other, nothing)):
        branch.output(branch.op("Identity", X), np.float32, ["rows", "columns"])
        branch.output(branch.op("Identity", passes), np.bool_, [])
    ink, canonical = g.ops("If", _has_size(g, image, target), names=["", ""], then_branch=same, else_branch=other)
    return ink, canonical


def _has_size(g: Graph, image: str, target: Target) -> str:
    wrong = g.op("Abs", g.op("Sub", raster.height_width(g, image), [target.height, target.width]))
    return g.op("Equal", raster.total(g, wrong), 0)


def _look(g: Graph, image: str, target: Target) -> tuple[str, str]:
    """The same for a picture of the target's size."""
    n = target.height * target.width
    picture = g.op("Reshape", raster.as_float(g, image), [n, 3])
    coloured = g.op("ReduceMax", g.op("Abs", g.op("MatMul", picture, FROM_GREY)))
    flat = g.op("Reshape", g.op("ReduceMean", picture, [1]), [1, n])
    empty, black = _background(g, flat)
    ink = g.op("Abs", g.op("Sub", flat, black))
    X = g.op("Reshape", ink, [target.height, target.width])
    rows, columns = (g.op("ReduceMax", X, [axis], keepdims=0) for axis in (1, 0))
    sides = raster.pair(g, rows, columns)
    reach = _reach(g, sides, target)
    asked = [empty, g.op("ReduceMax", sides), g.op("Reshape", coloured, [1]), _longer(g, reach, target)]
    room = g.op("Gemm", g.op("Unsqueeze", raster.pair(g, *asked), [0]), *_limits(target))
    place = g.op("MatMul", ink, _moments(target)) if target.centre == "mass" else g.op("Gemm", reach, *_middles(target))
    least = g.op("ReduceMin", g.op("Concat", room, place, axis=1), keepdims=0)
    return X, g.op("GreaterOrEqual", least, 0.0)


def _background(g: Graph, flat: str) -> tuple[str, str]:
    """How many pixels of grey [1,n] are background, and its level, 0 or 255: float32 [1] each."""
    from_level = g.op("Mul", flat, np.array([[-1], [1]], np.float32))
    counts = raster.as_float(g, g.op("GreaterOrEqual", from_level, np.array([[-DARK], [BRIGHT]], np.float32)))
    dark_bright = g.op("ReduceSum", counts, [1], keepdims=0)
    level = g.op("Gather", np.array([0, 255], np.float32), g.op("ArgMax", dark_bright, axis=0))
    return g.op("ReduceMax", dark_bright), level


def _reach(g: Graph, sides: str, target: Target) -> str:
    """How far the ink reaches down, up, right and left, from the opposite edge: float32 [1,4].

    sides [h+w]: the most ink in each row, then in each column.
    """
    marked = raster.mask(g, sides, MARK)
    far = np.zeros((4, target.height + target.width), np.float32)
    for axis, start, length in ((0, 0, target.height), (1, target.height, target.width)):
        steps = np.arange(1, length + 1)
        far[2 * axis : 2 * axis + 2, start : start + length] = steps, steps[::-1]
    return g.op("Unsqueeze", g.op("ReduceMax", g.op("Mul", marked, far), [1], keepdims=0), [0])


def _longer(g: Graph, reach: str, target: Target) -> str:
    """The longer side of the ink's box: float32 [1]."""
    both = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    extents = g.op("Gemm", reach, both, np.array([-target.height, -target.width], np.float32))
    return g.op("Reshape", g.op("ReduceMax", extents), [1])


def _limits(target: Target) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A [4,5] and c [5] of the conditions xA + c on x = background, most ink, most colour, the longer side."""
    background = EMPTY[target.centre] * target.height * target.width
    A = np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, -1, 0, 0], [0, 0, 0, 1, -1]], np.float32)
    return A, np.array([-background, -FULL, 3 * GREY, SHORTER - target.box, target.box + LONGER], np.float32)


def _moments(target: Target) -> NDArray[np.float32]:
    """A [h·w,4] of the conditions ink·A: on both axes, and to both sides, the mass is not far off the middle."""
    places = np.indices((target.height, target.width)) + 0.5
    rows, columns = (at - middle(target, axis) for axis, at in enumerate(places))
    off = np.stack([rows, -rows, columns, -columns], axis=-1)
    return (AWAY["mass"] + off).reshape(-1, 4).astype(np.float32)


def _middles(target: Target) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A [4,4] and c [4] of the conditions reach·A + c: the box's middle is not far off the picture's, likewise."""
    half = np.array([[1, -1], [-1, 1]], np.float32) / 2
    down, right = (side / 2 - middle(target, axis) for axis, side in enumerate((target.height, target.width)))
    return np.kron(np.eye(2, dtype=np.float32), half), AWAY["box"] + np.array([down, -down, right, -right], np.float32)
