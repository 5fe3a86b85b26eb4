"""What the picture is drawn on: its colour everywhere, as a smooth surface.

Paper is lit unevenly, photographs darken towards their corners, and a page may have any colour. So each channel of the
background is a polynomial of second order, fitted robustly: what lies off the surface, the ink, loses its weight.
The fit starts from the colour of the border, which is seldom drawn on; so the border decides the polarity.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.export.graph import Graph
from pipeline.export.preprocess import raster

GRID = 32  # the fit sees the picture at 32×32
RING = 4  # the border is so many of these wide
POWERS = [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0)]  # of y and x
# How far off the surface (of 255) a pixel keeps half its weight, step by step.
SCALES = [100, 75, 60, 50, 40, 33, 28, 25, 25, 25]


def surface(g: Graph, image: str) -> str:
    """The background's coefficients [channel, power of y, power of x] = [3,3,3], for y and x from −1 to 1."""
    # Not antialiased: a sample is paper or ink, which the fit can tell apart, and no mixture.
    samples = g.op("Resize", image, "", "", [GRID, GRID], mode="linear", axes=[0, 1])
    pixels = raster.as_float(g, g.op("Reshape", samples, [GRID * GRID, 3]))
    Q, R = np.linalg.qr(_basis())
    basis, project = (g.constant(M.astype(np.float32)) for M in (Q, Q.T))
    fit = _border_colour(g, pixels)
    for scale in SCALES:
        # A step of iterated least squares: outliers are replaced by what the surface says of their place.
        off = g.op("Sub", pixels, fit)
        far = g.op("ReduceSumSquare", g.op("Mul", off, 1 / scale), [1])
        weighted = g.op("Div", off, g.op("Add", g.op("Mul", far, far), 1.0))
        coefficients = g.op("MatMul", project, g.op("Add", fit, weighted))
        fit = g.op("MatMul", basis, coefficients)
    to_table = np.zeros((9, len(POWERS)), np.float32)
    to_table[[3 * i + j for i, j in POWERS]] = np.linalg.inv(R)
    table = g.op("Transpose", g.op("MatMul", to_table, coefficients), perm=[1, 0])
    return g.op("Reshape", table, [3, 3, 3])


def colour(g: Graph, coefficients: str, y: str, x: str) -> str:
    """The background [3,h,w], from 0 to 255, in rows at y [h] and columns at x [w], each from −1 to 1."""
    rows, cols = (g.op("Pow", g.op("Unsqueeze", t, [1]), np.arange(3, dtype=np.float32)) for t in (y, x))
    values = g.op("MatMul", g.op("MatMul", rows, coefficients), g.op("Transpose", cols, perm=[1, 0]))
    return g.op("Clip", values, 0.0, 255.0)


def positions(g: Graph, n: str, start: str, stop: str) -> str:
    """Where the centres of n pixels lie that reach from start to stop (shares of the side): [n], from −1 to 1."""
    step = g.op("Div", g.op("Sub", stop, start), raster.as_float(g, n))
    share = g.op("Add", g.op("Mul", raster.centres(g, n), step), start)
    return g.op("Sub", g.op("Mul", share, 2.0), 1.0)


def _border_colour(g: Graph, pixels: str) -> str:
    """The border's colour [1,3], by the median of each channel: it stands a frame line and a stroke that touches."""
    inside = np.zeros((GRID, GRID), bool)
    inside[RING:-RING, RING:-RING] = True
    ring = np.flatnonzero(~inside)
    half = len(ring) // 2
    brighter, _ = g.ops("TopK", g.op("Gather", pixels, ring, axis=0), [half], names=["", ""], axis=0)
    return g.op("Slice", brighter, [half - 1], [half], [0])


def _basis() -> NDArray[np.float64]:
    t = (np.arange(GRID) + 0.5) / GRID * 2 - 1
    y, x = (T.ravel() for T in np.meshgrid(t, t, indexing="ij"))
    return np.stack([y**i * x**j for i, j in POWERS], axis=1)
