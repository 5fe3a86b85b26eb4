"""preprocess.onnx for photographs: the picture scaled to fit, its aspect kept, the rest filled."""

import numpy as np
import onnx

from pipeline.export.graph import Graph
from pipeline.export.preprocess import raster

LUMA = [0.299, 0.587, 0.114]  # ITU-R BT.601: what of red, green and blue makes grey

DOC = """Scales a picture of any size to fit (linear, antialiased), keeps its aspect, and fills what is left on two
sides with the picture's mean colour; grey by Rec. 601 if there is one channel."""


def photo(channels: int, height: int, width: int) -> onnx.ModelProto:
    """The graph image uint8 [h,w,3] -> pixels uint8 [1,channels,height,width].

    channels: 1 for grey, 3 for red, green, blue; ValueError for any other. The sides are filled with the mean colour,
    for it adds no edge as strong as black would, and after centring it is the value that says nothing.
    """
    if channels not in (1, 3):
        raise ValueError(f"photo makes 1 or 3 channels, not {channels}; choose one of these")
    g = Graph("photo")
    image = g.input("image", np.uint8, ["h", "w", 3])
    planes = _planes(g, _fitted(g, image, height, width), channels)
    filled = _filled(g, planes, height, width)
    pixels = g.op("Cast", g.op("Round", g.op("Clip", filled, 0.0, 255.0)), to=raster.UINT8)
    shape = [1, channels, height, width]
    g.output(g.op("Reshape", pixels, shape), np.uint8, shape, name="pixels")
    return g.model(DOC, {"fill": "mean"})


def _fitted(g: Graph, image: str, height: int, width: int) -> str:
    """The image scaled so that it just fits: uint8 [h',w',3], h' = height or w' = width."""
    hw = raster.height_width(g, image)
    room = np.array([height, width], np.float32)
    factor = g.op("ReduceMin", g.op("Div", room, raster.as_float(g, hw)), keepdims=0)
    return raster.resize(g, image, raster.scaled(g, hw, factor))


def _planes(g: Graph, image: str, channels: int) -> str:
    """float32 [channels,h,w]."""
    X = raster.as_float(g, image)
    if channels == 1:
        X = g.op("MatMul", X, np.array(LUMA, np.float32)[:, None])
    return g.op("Transpose", X, perm=[2, 0, 1])


def _filled(g: Graph, X: str, height: int, width: int) -> str:
    """In the middle of height × width, the rest the mean of each channel."""
    mean = g.op("ReduceMean", X, [1, 2])
    missing = g.op("Sub", [height, width], g.op("Shape", X, start=1))
    before = g.op("Div", missing, 2)
    pads = raster.pair(g, g.constant([0]), before, g.constant([0]), g.op("Sub", missing, before))
    # Padding is 0, so the picture goes in less its mean, which comes back everywhere.
    return g.op("Add", g.op("Pad", g.op("Sub", X, mean), pads), mean)
