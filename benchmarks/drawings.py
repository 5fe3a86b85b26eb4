"""Hand-drawn digits made up: strokes written out or traced from pictures, drawn with any pen on any paper.

A drawing is a list of polylines, float [n,2] of (x, y) with y downwards and the digit's height 1.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

Points = NDArray[np.float64]
Strokes = list[Points]
Grey = NDArray[np.uint8]  # [h,w]
Rng = np.random.Generator
Ink = NDArray[np.float64]  # how much of it [h,w], from 0 to 1


def _arc(cx: float, cy: float, rx: float, ry: float, start: float, stop: float) -> list[tuple[float, float]]:
    """Points of an ellipse from one angle to another, in degrees clockwise from three o'clock."""
    angles = np.radians(np.linspace(start, stop, 14))
    return [(cx + rx * float(np.cos(a)), cy + ry * float(np.sin(a))) for a in angles]


# The styles of each digit; points are joined by straight lines.
STYLES: dict[int, list[list[list[tuple[float, float]]]]] = {
    0: [
        [_arc(0.32, 0.5, 0.32, 0.5, -90, 270)],
        [_arc(0.25, 0.5, 0.25, 0.5, -70, 300)],
        [_arc(0.4, 0.5, 0.38, 0.5, -110, 240)],
    ],
    1: [
        [[(0.1, 0), (0.1, 1)]],
        [[(0.25, 0), (0.05, 1)]],
        [[(0, 0.28), (0.28, 0), (0.28, 1)]],
        [[(0, 0.22), (0.22, 0), (0.22, 1)], [(0, 1), (0.44, 1)]],
    ],
    2: [
        [[*_arc(0.3, 0.28, 0.28, 0.28, -170, 40), (0.05, 0.98), (0.62, 0.98)]],
        [[*_arc(0.28, 0.26, 0.27, 0.26, -160, 60), (0.3, 0.7), *_arc(0.14, 0.86, 0.13, 0.12, -30, -330), (0.6, 0.98)]],
        [[*_arc(0.3, 0.3, 0.3, 0.3, -180, 30), (0, 1), (0.3, 0.94), (0.6, 1)]],
    ],
    3: [
        [[*_arc(0.25, 0.25, 0.27, 0.25, -150, 90), *_arc(0.24, 0.74, 0.32, 0.26, -90, 150)]],
        [[(0.03, 0), (0.5, 0), (0.22, 0.4), *_arc(0.22, 0.7, 0.32, 0.3, -80, 150)]],
        [[*_arc(0.25, 0.24, 0.25, 0.24, -160, 80), (0.12, 0.47), *_arc(0.22, 0.73, 0.3, 0.27, -80, 160)]],
    ],
    4: [
        [[(0.1, 0), (0, 0.58), (0.6, 0.58)], [(0.45, 0.2), (0.42, 1)]],
        [[(0.4, 0), (0, 0.65), (0.62, 0.65)], [(0.42, 0), (0.42, 1)]],
        [[(0.05, 0.02), (0.05, 0.5), (0.5, 0.5)], [(0.5, 0), (0.48, 1)]],
        [[(0.5, 1), (0.48, 0), (0, 0.68), (0.65, 0.66)]],
    ],
    5: [
        [[(0.1, 0), (0.06, 0.42), *_arc(0.25, 0.69, 0.3, 0.31, -120, 140)], [(0.1, 0), (0.55, 0)]],
        [[(0.55, 0.02), (0.12, 0), (0.05, 0.45), *_arc(0.24, 0.7, 0.3, 0.3, -110, 150)]],
        [[(0.14, 0.05), (0.08, 0.45), *_arc(0.25, 0.7, 0.28, 0.29, -100, 160)], [(0.2, 0.03), (0.6, -0.02)]],
    ],
    6: [
        [[(0.42, 0), (0.18, 0.25), *_arc(0.28, 0.7, 0.28, 0.3, -190, -540)]],
        [[(0.5, 0.03), *_arc(0.5, 0.6, 0.48, 0.58, -110, -180), *_arc(0.27, 0.72, 0.25, 0.28, 180, -180)]],
        [[(0.1, 0), (0.02, 0.6), *_arc(0.25, 0.76, 0.24, 0.24, 160, -180)]],
    ],
    7: [
        [[(0, 0.02), (0.55, 0), (0.2, 1)]],
        [[(0, 0.02), (0.58, 0), (0.2, 1)], [(0.15, 0.5), (0.58, 0.48)]],
        [[(0.02, 0.14), (0, 0.02), (0.55, 0.02), (0.3, 0.45), (0.25, 1)]],
        [[(0, 0.05), (0.3, 0.1), (0.6, 0), (0.25, 1)], [(0.12, 0.52), (0.55, 0.52)]],
    ],
    8: [
        [_arc(0.28, 0.24, 0.23, 0.24, 90, -270), _arc(0.28, 0.74, 0.28, 0.26, -90, 270)],
        [[*_arc(0.28, 0.25, 0.25, 0.25, -20, -250), *_arc(0.28, 0.74, 0.28, 0.26, -70, 230), (0.5, 0.2)]],
    ],
    9: [
        [[*_arc(0.27, 0.27, 0.26, 0.27, -20, -360), (0.53, 0.25), (0.5, 1)]],
        [[*_arc(0.27, 0.28, 0.26, 0.28, 0, -360), (0.54, 0.3), *_arc(0.2, 0.65, 0.34, 0.34, -10, 110)]],
        [[*_arc(0.25, 0.27, 0.25, 0.27, -30, -380), (0.15, 1)]],
    ],
}  # fmt: skip


def written(digit: int, rng: Rng) -> Strokes:
    """One of the digit's styles, with slant, proportions and the wobble of a hand."""
    style = STYLES[digit][rng.integers(len(STYLES[digit]))]
    return [_by_hand(np.array(line, float), rng) for line in style]


def traced(image: Grey) -> Strokes:
    """The skeleton of a bright-on-black image [h,w] as lines: what the pen's centre did."""
    enlarged = Image.fromarray(image).resize((84, 84), Image.Resampling.BICUBIC)
    skeleton = thin(np.asarray(enlarged) > 110)
    points = np.argwhere(skeleton)[:, ::-1].astype(float)
    pairs = _neighbours(points)
    if not len(pairs):
        return [points.repeat(2, 0)]
    points = _smooth(points, pairs)
    return [points[pair] for pair in pairs]


def thin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Zhang and Suen's thinning (A fast parallel algorithm for thinning digital patterns, 1984)."""
    X = np.pad(mask, 1)
    while True:
        before = X.sum()
        for first in (True, False):
            around = [np.roll(X, shift, (0, 1)) for shift in _CIRCLE]
            n = np.sum(around, axis=0)
            turns = sum((~a & b).astype(int) for a, b in zip(around, around[1:] + around[:1], strict=True))
            p2, p4, p6, p8 = around[0], around[2], around[4], around[6]
            edge = ~(p2 & p4 & p6) & ~(p4 & p6 & p8) if first else ~(p2 & p4 & p8) & ~(p2 & p6 & p8)
            X = X & ~((n >= 2) & (n <= 6) & (turns == 1) & edge)
        if X.sum() == before:
            return X[1:-1, 1:-1]


_CIRCLE = [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)]  # clockwise from above


def _neighbours(points: Points) -> NDArray[np.intp]:
    """Pairs of points one pixel apart; a diagonal only where no corner joins them already."""
    D = np.abs(points[:, None] - points[None]).max(2)
    straight = np.abs(points[:, None] - points[None]).sum(2) == 1
    diagonal = (D == 1) & ~straight & ~(straight.astype(int) @ straight.astype(int) > 0)
    return np.argwhere(np.triu(straight | diagonal))


def _smooth(points: Points, pairs: NDArray[np.intp], rounds: int = 6) -> Points:
    """Move each point towards its neighbours, ends held: the steps of the pixels disappear."""
    A = np.zeros((len(points), len(points)))
    A[pairs[:, 0], pairs[:, 1]] = A[pairs[:, 1], pairs[:, 0]] = 1
    degree = A.sum(1, keepdims=True)
    for _ in range(rounds):
        points = np.where(degree >= 2, 0.5 * points + 0.5 * (A @ points) / np.maximum(degree, 1), points)
    return points


def _by_hand(line: Points, rng: Rng) -> Points:
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, length[-1], 60)
    dense = np.stack([np.interp(at, length, line[:, i]) for i in (0, 1)], axis=1)
    wobble = gaussian_filter(rng.normal(0, 1, dense.shape), (9, 0), mode="nearest") * 0.12
    ends = rng.normal(0, 0.015, 2)
    return np.asarray(gaussian_filter(dense, (0.8, 0), mode="nearest") + wobble + ends)


def posed(strokes: Strokes, rng: Rng) -> Strokes:
    """Slanted, stretched and turned a little; then height or width (the larger) is 1 and it starts at 0."""
    stretch = np.diag([rng.uniform(0.8, 1.25), 1.0])
    slant = np.array([[1, 0], [rng.normal(-0.12, 0.12), 1]])
    a = rng.normal(0, 0.06)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return unit([line @ stretch @ slant @ turn for line in strokes])


def unit(strokes: Strokes) -> Strokes:
    every = np.concatenate(strokes)
    low, size = every.min(0), max(np.ptp(every, axis=0).max(), 1e-6)
    return [(line - low) / size for line in strokes]


def draw(strokes: Strokes, canvas: tuple[int, int], size: float, at: Sequence[float], pen: float, smooth: bool) -> Ink:
    """Ink [h,w] on a canvas (width, height): the digit `size` pixels large, its box's corner `at` (x, y)."""
    k = 3 if smooth and max(canvas) <= 1200 else 1
    image = Image.new("L", (canvas[0] * k, canvas[1] * k))
    pencil = ImageDraw.Draw(image)
    width = max(round(pen * k), 1)
    for line in strokes:
        points = [(float(x), float(y)) for x, y in (line * size + np.asarray(at)) * k]
        pencil.line(points, fill=255, width=width, joint="curve")
        if width > 2:
            for x, y in points:
                pencil.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=255)
    return np.asarray(image.resize(canvas, Image.Resampling.BOX)) / 255.0
