"""New examples from old: what a picture could just as well have been, drawn by chance.

- affine: rotated, scaled along each axis, slanted and shifted.
- elastic: also bent, by a random field of displacements that is smooth; and drawn with a wider or a narrower pen.

Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks applied to visual document
analysis", https://doi.org/10.1109/ICDAR.2003.1227801
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.buffers import Buffers
from pipeline.data.resampling import ONE, read

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

ROTATION = 12.0  # degrees, either way
SCALE = 0.12  # of the size, larger or smaller, each axis for itself
SHEAR = 0.2  # pixels sideways for each pixel up: the slant of a hand
SHIFT = 0.08  # of the size, each way
BEND = 0.02  # of the size: the standard deviation of the displacements
SMOOTH = 0.15  # of the size: how far apart places have displacements of their own (Simard's sigma)
KNOTS = 7  # along each side, at which displacements are drawn
PEN = (-0.3, 0.4)  # how much of the pixels around a stroke a narrower pen leaves out, and a wider one fills


def none(X: Pixels, rng: np.random.Generator, buffers: Buffers) -> Pixels:
    """The pictures as they are."""
    return X


def affine(X: Pixels, rng: np.random.Generator, buffers: Buffers) -> Pixels:
    """Each picture of X [N,C,H,W] rotated, scaled, slanted and shifted a little; what comes in from outside is 0."""
    H, W = X.shape[2:]
    return read(X, _places(_affine_maps(len(X), rng, (H, W)), _plane(H, W), buffers), buffers)


def elastic(X: Pixels, rng: np.random.Generator, buffers: Buffers) -> Pixels:
    """Each picture of X [N,C,H,W] moved as by `affine` and bent, with strokes a little wider or narrower."""
    n, _, H, W = X.shape
    size = np.array([[H], [W]], np.float32)
    bends = rng.standard_normal((n, 2, KNOTS * KNOTS), np.float32) * (BEND * ONE * size)
    maps = np.concatenate([_affine_maps(n, rng, (H, W)), bends], axis=2)
    return read(_pen(X, rng, buffers), _places(maps, _plane_and_bumps(H, W), buffers), buffers)


def _places(maps: Floats, basis: Floats, buffers: Buffers) -> Floats:
    """[n,2,P]: where each place comes from, by maps [n,2,B] of what is known of the P places, the basis [B,P]."""
    n, _, B = maps.shape
    places: Floats = buffers.get("at", (n, 2, basis.shape[1]), np.float32)
    np.matmul(maps.reshape(-1, B), basis, out=places.reshape(2 * n, -1))  # as one product
    return places


def _affine_maps(n: int, rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """[n,2,3]: where in the old picture the places (y, x, 1) of the new one, seen from the middle, come from."""
    angle = np.radians(rng.uniform(-ROTATION, ROTATION, n))
    cos, sin = np.cos(angle), np.sin(angle)
    rotation = np.stack([np.stack([cos, sin], 1), np.stack([-sin, cos], 1)], 1)
    stretch = np.zeros((n, 2, 2))
    stretch[:, 0, 0], stretch[:, 1, 1] = 1 / rng.uniform(1 - SCALE, 1 + SCALE, (2, n))
    stretch[:, 1, 0] = rng.uniform(-SHEAR, SHEAR, n)
    middle = (np.array(size) - 1) / 2
    shift = middle + rng.uniform(-SHIFT, SHIFT, (n, 2)) * size
    return (ONE * np.concatenate([rotation @ stretch, shift[..., None]], axis=2)).astype(np.float32)


@cache
def _plane(H: int, W: int) -> Floats:
    """[3,H·W]: y and x from the middle, and 1."""
    y, x = np.mgrid[:H, :W].reshape(2, -1)
    return np.stack([y - (H - 1) / 2, x - (W - 1) / 2, np.ones(H * W)]).astype(np.float32)


@cache
def _plane_and_bumps(H: int, W: int) -> Floats:
    """[3+KNOTS²,H·W]: those of the plane, and what the displacement at each knot does to each place.

    The squares of the latter add up to 1 at every place. A sum of bumps with random heights is what smoothing a random
    field gives, for a few numbers instead of H·W.
    """
    knots = np.linspace(0, 1, KNOTS)
    along = [np.exp(-(((np.arange(n) / (n - 1 or 1) - knots[:, None]) / SMOOTH) ** 2) / 2) for n in (H, W)]
    bumps = np.einsum("ay,bx->abyx", *along).reshape(KNOTS * KNOTS, H * W)
    return np.concatenate([_plane(H, W), bumps / np.sqrt((bumps**2).sum(axis=0))]).astype(np.float32)


def _pen(X: Pixels, rng: np.random.Generator, buffers: Buffers) -> Pixels:
    """Each picture mixed with the largest of the pixels around each pixel, or with the smallest."""
    width = rng.uniform(*PEN, (len(X), 1, 1, 1)) * ONE
    wide, narrow = (np.clip(part, 0, ONE).astype(np.uint16) for part in (width, -width))
    mixed = np.multiply(X, ONE - wide - narrow, out=buffers.get("mixed", X.shape, np.uint16))
    for choose, part in ((np.maximum, wide), (np.minimum, narrow)):
        mixed += np.multiply(_around(X, choose, buffers), part, out=buffers.get("part", X.shape, np.uint16))
    mixed >>= 8
    drawn: Pixels = buffers.get("drawn", X.shape, np.uint8)
    np.copyto(drawn, mixed, casting="unsafe")
    return drawn


def _around(X: Pixels, choose: np.ufunc, buffers: Buffers) -> Pixels:
    """The largest, or the smallest, of each pixel and the four beside it."""
    Y: Pixels = buffers.get("around8", X.shape, np.uint8)
    Y[...] = X
    for a, b in ((np.s_[..., 1:, :], np.s_[..., :-1, :]), (np.s_[..., 1:], np.s_[..., :-1])):
        choose(Y[a], X[b], out=Y[a])
        choose(Y[b], X[a], out=Y[b])
    return Y


AUGMENTATIONS: dict[str, Callable[[Pixels, np.random.Generator, Buffers], Pixels]] = {
    "none": none,
    "affine": affine,
    "elastic": elastic,
}
