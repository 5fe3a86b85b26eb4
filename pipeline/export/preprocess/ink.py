"""preprocess.onnx for drawings: finds the ink in any picture and brings it to what the training data looks like.

image ─▶ paper ─▶ marks ─▶ parts ─▶ box, seen again from near ─▶ strokes ─▶ pixels
  └───────── looks like the training data already ────────────────────────────┘
"""

from typing import Literal, NamedTuple

import numpy as np
import onnx

from pipeline.export.graph import Graph
from pipeline.export.preprocess import canonical, frame, marks, paper, parts, raster, stroke
from pipeline.export.preprocess.marks import View
from pipeline.export.preprocess.target import DIGITS, MNIST, Target

FAR = 256  # the picture's longer side when the ink is looked for …
SMALL = 320  # … unless it is no longer than this
NEAR = 112  # the longer side of what is around the ink, when it is looked at closely
MARGIN = 0.08  # around the ink, of its longer side
GRAINY = 512  # up to this size a picture's salt and pepper survives the scaling

DOC = """Finds the ink in a picture of any size, on paper of any colour and light, and makes it pixels like the
training data's: bright ink on black, scaled to a box, centred. A picture like that already passes as it is."""


class Scene(NamedTuple):
    """What is known once the picture was seen from afar, as names of values."""

    surface: str  # the paper's coefficients
    ink: str  # the direction of the ink's colour [1,3]
    salty: str  # bool
    sigma: str  # the paper's noise
    shade: str  # a map of shadows with an edge
    drawing: str  # a mask over the drawing
    begin: str  # the drawing's box on the map, int64 [2] each
    end: str


def mnist() -> onnx.ModelProto:
    """As MNIST: 1×28×28, the box 20, centred by mass."""
    return build(1, MNIST)


def digits() -> onnx.ModelProto:
    """As scikit-learn's digits, rescaled to 0..255: 1×8×8, the box 8, centred by box."""
    return build(1, DIGITS)


def ink(channels: int, height: int, width: int, box: int, centre: Literal["mass", "box"]) -> onnx.ModelProto:
    """The graph image uint8 [h,w,3] -> pixels uint8 [1,channels,height,width].

    box: the longer side of the ink in pixels; centre: what is put in the middle. Every channel is the same.
    """
    like = MNIST if centre == "mass" else DIGITS
    return build(channels, like._replace(height=height, width=width, box=box))


def build(channels: int, target: Target) -> onnx.ModelProto:
    """The graph for any target."""
    g = Graph("ink")
    image = g.input("image", np.uint8, ["h", "w", 3])
    grey, is_canonical = canonical.look(g, image, target)
    as_it_is, drawn = g.branch("as_it_is"), g.branch("drawn")
    shape = [target.height, target.width]
    # The shapes of branches are not declared: what passes as it is may have any, until it is chosen.
    as_it_is.output(as_it_is.op("Identity", grey), np.float32, ["rows", "columns"])
    drawn.output(_drawn(drawn, image, target), np.float32, ["rows", "columns"])
    levels = g.op("If", is_canonical, then_branch=as_it_is, else_branch=drawn)
    pixels = g.op("Cast", g.op("Round", g.op("Clip", levels, 0.0, 255.0)), to=raster.UINT8)
    pixels = g.op("Expand", g.op("Reshape", pixels, [1, 1, *shape]), [1, channels, *shape])
    g.output(pixels, np.uint8, [1, channels, *shape], name="pixels")
    return g.model(DOC, {"box": str(target.box), "centre": target.centre})


def _drawn(g: Graph, image: str, target: Target) -> str:
    """The picture's ink as the target wants it: a map [height,width] from 0 to 255."""
    scene = _from_afar(g, image)
    q = _from_near(g, image, scene)
    X = stroke.even(g, stroke.solid(g, q, scene.sigma, target), target)
    return g.op("Mul", stroke.placed(g, X, target), 255.0)


def _from_afar(g: Graph, image: str) -> Scene:
    """The whole picture, small: its paper, its ink, and where the drawing is."""
    view = _whole(g, image)
    surface = paper.surface(g, view.image)
    d = marks.contrast(g, view, surface)
    v = marks.direction(g, d)
    p = marks.along(g, d, v, view)
    M, sigma = _marked(g, p)
    salty = marks.is_salty(g, M)
    M, sigma, shade = _cleaned(g, p, M, sigma, salty, view, surface, v)
    inside = frame.inside(g, M)
    M = g.op("Mul", M, inside)
    drawing = g.op("Mul", parts.drawing(g, M), inside)
    begin, end = raster.box(g, g.op("Mul", M, drawing))
    return Scene(surface, v, salty, sigma, shade, drawing, begin, end)


def _whole(g: Graph, image: str) -> View:
    hw = raster.height_width(g, image)
    side = raster.longest(g, hw)
    factor = g.op("Where", g.op("Greater", side, float(SMALL)), g.op("Div", float(FAR), side), 1.0)
    small = raster.resize(g, image, raster.scaled(g, hw, factor))
    start, stop = g.constant(0.0), g.constant(1.0)
    y, x = (paper.positions(g, n, start, stop) for n in raster.both(g, raster.height_width(g, small)))
    return View(small, y, x)


def _marked(g: Graph, p: str) -> tuple[str, str]:
    """The mask of what counts as a mark, and the noise of the paper (scalar)."""
    sigma = marks.noise(g, p)
    q = g.op("Relu", p)
    return raster.mask(g, q, marks.threshold(g, marks.level(g, q), sigma)), sigma


def _cleaned(
    g: Graph, p: str, M: str, sigma: str, salty: str, view: View, surface: str, v: str
) -> tuple[str, str, str]:
    """Mask and noise without salt and pepper and shadows, and a map of these shadows; most pictures have neither."""
    q = g.op("Relu", p)
    ink = marks.level(g, q)
    unclean = g.op("Or", salty, marks.is_shaded(g, q, ink))
    again, good = g.branch("again"), g.branch("good")
    calm = _desalted(again, p, salty, view, surface, v)
    shade = marks.shade(again, again.op("Relu", calm), ink)
    M_again, sigma_again = _marked(again, again.op("Sub", calm, shade))
    for branch, values in ((again, (M_again, sigma_again, shade)), (good, (M, sigma, good.op("Mul", p, 0.0)))):
        for value, shape in zip(values, (["h", "w"], [], ["h", "w"]), strict=True):
            branch.output(branch.op("Identity", value), np.float32, shape)
    M, sigma, shade = g.ops("If", unclean, names=["", "", ""], then_branch=again, else_branch=good)
    return M, sigma, shade


def _desalted(g: Graph, p: str, salty: str, view: View, surface: str, v: str) -> str:
    """The map of ink again without salt and pepper, if there are any."""
    again, good = g.branch("salty"), g.branch("smooth")
    cleaned = view._replace(image=raster.median(again, view.image))
    d = marks.contrast(again, cleaned, surface)
    again.output(marks.along(again, d, v, cleaned), np.float32, ["h", "w"])
    good.output(good.op("Identity", p), np.float32, ["h", "w"])
    return g.op("If", salty, then_branch=again, else_branch=good)


def _from_near(g: Graph, image: str, scene: Scene) -> str:
    """The map of ink of the drawing alone, its longer side NEAR less the margin."""
    far_hw = g.op("Shape", scene.drawing)
    side = raster.longest(g, g.op("Sub", scene.end, scene.begin))
    margin = raster.as_int(g, g.op("Ceil", g.op("Add", g.op("Mul", side, MARGIN), 1.0)))
    begin = g.op("Max", g.op("Sub", scene.begin, margin), 0)
    end = g.op("Min", g.op("Add", scene.end, margin), far_hw)
    # The same corners as shares of the page, then in the picture's own pixels.
    start, stop = (g.op("Div", raster.as_float(g, n), raster.as_float(g, far_hw)) for n in (begin, end))
    full = raster.as_float(g, raster.height_width(g, image))
    top_left = raster.as_int(g, g.op("Floor", g.op("Mul", start, full)))
    bottom_right = raster.as_int(g, g.op("Ceil", g.op("Mul", stop, full)))
    cut = _without_salt(g, g.op("Slice", image, top_left, bottom_right, [0, 1]), scene.salty)
    cut_hw = g.op("Sub", bottom_right, top_left)
    hw = raster.scaled(g, cut_hw, g.op("Div", float(NEAR), raster.longest(g, cut_hw)))
    ends = zip(raster.both(g, hw), raster.both(g, start), raster.both(g, stop), strict=True)
    y, x = (paper.positions(g, n, a, b) for n, a, b in ends)
    view = View(raster.resize(g, cut, hw), y, x)
    p = marks.along(g, marks.contrast(g, view, scene.surface), scene.ink, view)
    shade, drawing = (raster.resize(g, g.op("Slice", X, begin, end, [0, 1]), hw) for X in (scene.shade, scene.drawing))
    return g.op("Mul", g.op("Relu", g.op("Sub", p, shade)), drawing)


def _without_salt(g: Graph, image: str, salty: str) -> str:
    grainy = g.op("LessOrEqual", raster.longest(g, raster.height_width(g, image)), float(GRAINY))
    again, good = g.branch("grainy"), g.branch("smooth")
    again.output(raster.median(again, image), np.uint8, ["h", "w", 3])
    good.output(good.op("Identity", image), np.uint8, ["h", "w", 3])
    return g.op("If", g.op("And", salty, grainy), then_branch=again, else_branch=good)
