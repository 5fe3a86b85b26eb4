"""Pictures read at places between their pixels.

All in whole numbers, several at once: the four pixels around a place are gathered as the bytes of one number, and two
of them are interpolated in one multiplication.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.buffers import Buffers

Pixels = NDArray[np.uint8]
Squares = NDArray[np.uint32]
ONE = 256  # places are counted in 256ths of a pixel
LANES = np.uint32(0x00FF00FF)  # two bytes of a number, each with room for 16 bits


def read(X: Pixels, at: NDArray[np.float32], buffers: Buffers) -> Pixels:
    """X [N,C,H,W] read at the places `at` [N,2,H·W]: y and x, in 256ths of a pixel; outside, everything is 0.

    The answer is valid until the next call with the same buffers; `at` is overwritten.
    """
    n, C, H, W = X.shape
    at += ONE  # there is a margin of zeros all around, so that every place outside has a place at the edge that reads 0
    np.clip(at, 0, np.array([[(H + 1) * ONE], [(W + 1) * ONE]], np.float32), out=at)
    places = buffers.get("places", at.shape, np.uint32)
    np.copyto(places, at, casting="unsafe")
    parts = buffers.get("parts", at.shape, np.uint32)
    np.bitwise_and(places, ONE - 1, out=parts)
    places >>= 8
    index = buffers.get("index", (n, C, H * W), np.intp)
    index[...] = np.arange(n * C).reshape(n, C, 1) * ((H + 2) * (W + 2))
    y, x = places[:, :1], places[:, 1:]
    y *= W + 2
    y += x
    index += y
    around = buffers.get("around", index.shape, np.uint32)
    np.take(_squares(X, buffers), index, out=around, mode="clip")  # "raise" would make a copy first
    return _between(around, parts[:, :1], parts[:, 1:], buffers).reshape(X.shape)


def _between(around: Squares, down: Squares, right: Squares, buffers: Buffers) -> Pixels:
    """The value in each square `around` [N,C,P] at `down` and `right` [N,1,P] 256ths from its first pixel."""
    # Both pixels on the left are moved to the right at once, the upper in the lower 16 bits and the lower in the upper.
    on_right = buffers.get("on_right", around.shape, np.uint32)
    np.right_shift(around, 8, out=on_right)
    on_right &= LANES
    on_right *= right
    around &= LANES
    around *= np.subtract(ONE, right, out=right)
    around += on_right
    below = np.right_shift(around, 16, out=on_right)
    below *= down
    around &= 0xFFFF
    around *= np.subtract(ONE, down, out=down)
    around += below
    around += 1 << 15  # to the nearest
    around >>= 16
    value: Pixels = buffers.get("value", around.shape, np.uint8)
    np.copyto(value, around, casting="unsafe")
    return value


def _squares(X: Pixels, buffers: Buffers) -> Squares:
    """For each square of four pixels, of X with a margin of zeros, [N,C,H+2,W+2]: its pixels as bytes."""
    n, C, H, W = X.shape
    P = buffers.get("P", (n, C, H + 3, W + 3), np.uint32)
    P[...] = 0
    P[:, :, 1:-2, 1:-2] = X
    pairs = buffers.get("pairs", (n, C, H + 3, W + 2), np.uint32)
    np.left_shift(P[..., 1:], 8, out=pairs)
    pairs |= P[..., :-1]
    squares: Squares = buffers.get("squares", (n, C, H + 2, W + 2), np.uint32)
    np.left_shift(pairs[:, :, 1:], 16, out=squares)
    squares |= pairs[:, :, :-1]
    return squares
