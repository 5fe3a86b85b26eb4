"""New examples from old: what a picture could just as well have been, drawn by chance.

Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks applied to visual document
analysis", https://doi.org/10.1109/ICDAR.2003.1227801
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

ROTATION = 12.0  # degrees, either way
SCALE = 0.12  # of the size, larger or smaller, each axis for itself
SHEAR = 0.2  # pixels sideways for each pixel up: the slant of a hand
SHIFT = 0.08  # of the size, each way


def none(X: Pixels, rng: np.random.Generator) -> Pixels:
    """The pictures as they are."""
    return X


def affine(X: Pixels, rng: np.random.Generator) -> Pixels:
    """Each picture of X [N,C,H,W] rotated, scaled, slanted and shifted a little; what comes in from outside is 0."""
    n, _, H, W = X.shape
    y, x = np.mgrid[:H, :W].astype(np.float32).reshape(2, -1) - np.array([[H - 1], [W - 1]], np.float32) / 2
    A, b = _maps(n, rng, (H, W))
    at_y = A[:, 0, :1] * y + A[:, 0, 1:] * x + b[:, :1] + (H - 1) / 2
    at_x = A[:, 1, :1] * y + A[:, 1, 1:] * x + b[:, 1:] + (W - 1) / 2
    return sample(X, at_y, at_x)


def _maps(n: int, rng: np.random.Generator, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """A [n,2,2] and b [n,2]: where in the old picture the places of the new one come from, (y, x) about the middle."""
    angle = np.radians(rng.uniform(-ROTATION, ROTATION, n))
    cos, sin = np.cos(angle), np.sin(angle)
    rotation = np.stack([np.stack([cos, sin], 1), np.stack([-sin, cos], 1)], 1)
    stretch = np.zeros((n, 2, 2))
    stretch[:, 0, 0], stretch[:, 1, 1] = 1 / rng.uniform(1 - SCALE, 1 + SCALE, (2, n))
    stretch[:, 1, 0] = rng.uniform(-SHEAR, SHEAR, n)
    b = rng.uniform(-SHIFT, SHIFT, (n, 2)) * size
    return (rotation @ stretch).astype(np.float32), b.astype(np.float32)


def sample(X: Pixels, at_y: Floats, at_x: Floats) -> Pixels:
    """X [N,C,H,W] read at places at_y, at_x [N,H·W], in pixels, between which it is interpolated."""
    n, C, H, W = X.shape
    # With a margin of zeros all around, every place outside has a place at the edge that reads 0.
    flat = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1))).reshape(-1)
    at_y = np.clip(at_y + 1, 0, H + 0.999)
    at_x = np.clip(at_x + 1, 0, W + 0.999)
    y, x = at_y.astype(np.int32), at_x.astype(np.int32)
    down, right = (at_y - y)[:, None], (at_x - x)[:, None]
    maps = np.arange(n * C, dtype=np.int32).reshape(n, C, 1) * ((H + 2) * (W + 2))
    corner = maps + (y * (W + 2) + x)[:, None]
    above = flat[corner] * (1 - right) + flat[corner + 1] * right
    corner += W + 2
    below = flat[corner] * (1 - right) + flat[corner + 1] * right
    Y: Pixels = (above + (below - above) * down + 0.5).astype(np.uint8)
    return Y.reshape(X.shape)


AUGMENTATIONS: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {"none": none, "affine": affine}
