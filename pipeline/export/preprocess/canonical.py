"""Pictures that look like the training data already: they pass as they are, and fast."""

from pipeline.export.graph import Graph
from pipeline.export.preprocess import raster
from pipeline.export.preprocess.target import Target, middle

DARK, BRIGHT = 32.0, 223.0  # up to and from where a pixel is background, on black and on white
MARK = 40.0  # above which it is ink; JPEG's noise around strokes stays below
FULL = 180.0  # which the ink reaches somewhere
GREY = 48.0  # what the channels may differ by: colour has a paper, and is no such picture
EMPTY = {"mass": 0.4, "box": 0.25}  # the least share of background
AWAY = {"mass": 0.75, "box": 1.0}  # how far off the middle the centre may be, in pixels


def look(g: Graph, image: str, target: Target) -> tuple[str, str]:
    """The picture as bright ink on black (float32 map), and whether it is canonical (bool).

    Only the first height × width pixels are looked at, so this costs as little for a large picture.
    """
    patch = raster.as_float(g, g.op("Slice", image, [0, 0], [target.height, target.width], [0, 1]))
    grey = g.op("ReduceMean", patch, [2], keepdims=0)
    dark, bright = (
        raster.total(g, raster.as_float(g, g.op(relation, grey, limit)))
        for relation, limit in (("LessOrEqual", DARK), ("GreaterOrEqual", BRIGHT))
    )
    black = g.op("Where", g.op("Greater", bright, dark), 255.0, 0.0)
    ink = g.op("Abs", g.op("Sub", grey, black))
    colourful = g.op("Abs", g.op("Sub", patch, g.op("Unsqueeze", grey, [2])))
    agreed = [
        _has_size(g, image, target),
        g.op("GreaterOrEqual", g.op("Max", dark, bright), EMPTY[target.centre] * target.height * target.width),
        g.op("GreaterOrEqual", g.op("ReduceMax", ink, keepdims=0), FULL),
        g.op("LessOrEqual", g.op("ReduceMax", colourful, keepdims=0), GREY),
        *_in_place(g, ink, target),
    ]
    canonical = agreed[0]
    for condition in agreed[1:]:
        canonical = g.op("And", canonical, condition)
    return ink, canonical


def _has_size(g: Graph, image: str, target: Target) -> str:
    wrong = g.op("Abs", g.op("Sub", raster.height_width(g, image), [target.height, target.width]))
    return g.op("Equal", raster.total(g, wrong), 0)


def _in_place(g: Graph, ink: str, target: Target) -> list[str]:
    """Whether the ink's box has the right size, and its centre the right place on both axes."""
    begin, end = raster.box(g, raster.mask(g, ink, MARK))
    longer = raster.longest(g, g.op("Sub", end, begin))
    conditions = [g.op("LessOrEqual", g.op("Abs", g.op("Sub", longer, target.box - 0.5)), 0.75)]
    if target.centre == "mass":
        centres = [raster.centroid(g, ink, axis) for axis in (0, 1)]
    else:
        middles = raster.both(g, g.op("Mul", raster.as_float(g, g.op("Add", begin, end)), 0.5))
        centres = [g.op("Squeeze", m) for m in middles]
    for axis, at in enumerate(centres):
        off = g.op("Abs", g.op("Sub", at, middle(target, axis)))
        conditions.append(g.op("LessOrEqual", off, AWAY[target.centre]))
    return conditions
