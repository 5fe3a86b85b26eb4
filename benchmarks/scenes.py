"""What people send: a digit as MNIST has it or drawn with a pen, on every kind of paper; all are in `CONDITIONS`."""

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from drawings import Grey, Ink, Rng, Strokes, draw
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import gaussian_filter

Picture = NDArray[np.uint8]  # [h,w,3]
Colour = tuple[float, float, float]
Colours = NDArray[np.float64]  # [h,w,3], from 0 to 255

WHITE, BLACK = (255.0, 255.0, 255.0), (0.0, 0.0, 0.0)


class Subject(NamedTuple):
    image: Grey  # of MNIST [28,28]
    lines: Callable[[], Strokes]  # makes the same digit in lines, or one like it
    rng: Rng

    @property
    def strokes(self) -> Strokes:
        """The digit in lines: to trace it takes a tenth of a second, and not every scene needs it."""
        return self.lines()


Scene = Callable[[Subject], Picture]


def finish(colours: Colours) -> Picture:
    return np.asarray(np.clip(np.rint(colours), 0, 255), np.uint8)


def paint(ink: Ink, pen: Colour = BLACK, paper: Colour = WHITE) -> Colours:
    return np.asarray(paper) + ink[..., None] * np.subtract(pen, paper)


def grey(value: float) -> Colour:
    return (value, value, value)


def jpeg(picture: Picture, quality: int) -> Picture:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def two_colours(rng: Rng) -> tuple[Colour, Colour]:
    """Pen and paper of any colours that can be told apart."""
    while True:
        pen, paper = rng.uniform(0, 255, (2, 3)).tolist()
        if np.abs(np.subtract(pen, paper)).max() > 90:
            return tuple(pen), tuple(paper)


# --- MNIST's own pictures ---


def plain(s: Subject) -> Ink:
    return s.image / 255.0


def enlarged(s: Subject) -> Ink:
    """To 200–600 pixels, smoothly."""
    side = int(s.rng.integers(200, 601))
    ways = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
    how = ways[s.rng.integers(len(ways))]
    return np.asarray(Image.fromarray(s.image).resize((side, side), how)) / 255.0


def moved(ink: Ink, rng: Rng) -> Ink:
    """Anywhere on a page 1.2 to 3.5 times as large."""
    h, w = (int(n * rng.uniform(1.2, 3.5)) for n in ink.shape)
    y, x = int(rng.integers(h - ink.shape[0] + 1)), int(rng.integers(w - ink.shape[1] + 1))
    page = np.zeros((h, w))
    page[y : y + ink.shape[0], x : x + ink.shape[1]] = ink
    return page


# --- MNIST's digits, as other hands and other pens would have written them ---


def by_another_hand(s: Subject, slant: tuple[float, float], width: tuple[float, float]) -> Ink:
    """Slanted (pixels to the right for each pixel up) and made narrower or wider, on 4 times as many pixels."""
    side = 4 * len(s.image)
    large = Image.fromarray(s.image).resize((side, side), Image.Resampling.BICUBIC)
    shear, middle = s.rng.uniform(*slant), side / 2
    stretch = 1 / s.rng.uniform(*width)
    canvas = (round(side * 2.5), side)
    a, b = stretch, stretch * shear  # where x comes from: the middle stays in the middle
    c = middle - a * canvas[0] / 2 - b * middle
    moved = large.transform(canvas, Image.Transform.AFFINE, (a, b, c, 0, 1, 0), Image.Resampling.BICUBIC)
    return np.asarray(moved) / 255.0


def with_another_pen(s: Subject, wider: tuple[int, int]) -> Ink:
    """Each edge of a stroke moved outwards by whole eighths of one of MNIST's pixels; inwards below 0."""
    side = 8 * len(s.image)
    large = Image.fromarray(s.image).resize((side, side), Image.Resampling.BICUBIC)
    step = int(s.rng.integers(wider[0], wider[1] + 1))
    choose = ImageFilter.MaxFilter if step > 0 else ImageFilter.MinFilter
    return np.asarray(large.filter(choose(2 * abs(step) + 1))) / 255.0


def hand(slant: tuple[float, float] = (0, 0), width: tuple[float, float] = (1, 1)) -> Scene:
    return lambda s: finish(paint(by_another_hand(s, slant, width)))


# --- drawn with a pen ---


def penned(
    s: Subject,
    canvas: tuple[int, int],
    pen: tuple[float, float],
    size: tuple[float, float] = (0.4, 0.8),
    smooth: bool = True,
) -> Ink:
    """Somewhere on the canvas (width, height); the pen as a share of the digit, that of the shorter side."""
    large = s.rng.uniform(*size) * min(canvas)
    thick = max(s.rng.uniform(*pen) * large, 1)
    extent = np.concatenate(s.strokes).max(0) * large
    at = thick + s.rng.uniform(0, 1, 2) * np.maximum(np.subtract(canvas, extent) - 2 * thick, 0)
    return draw(s.strokes, canvas, large, at.tolist(), thick, smooth)


def medium(s: Subject, side: int = 400, size: tuple[float, float] = (0.4, 0.8)) -> Ink:
    """An ordinary pen on a canvas of ordinary proportions."""
    w, h = (int(side * s.rng.uniform(0.7, 1.3)) for _ in range(2))
    return penned(s, (w, h), (0.04, 0.12), size)


def pen(canvas: tuple[int, int], low: float, high: float, size: tuple[float, float] = (0.4, 0.8)) -> Scene:
    return lambda s: finish(paint(penned(s, canvas, (low, high), size)))


def hair(canvas: tuple[int, int], smooth: bool, size: tuple[float, float] = (0.4, 0.8)) -> Scene:
    return lambda s: finish(paint(penned(s, canvas, (0, 0), size, smooth)))


def corner(s: Subject) -> Picture:
    canvas = (int(s.rng.integers(600, 2400)), int(s.rng.integers(600, 2400)))
    size = s.rng.uniform(0.06, 0.12) * min(canvas)
    at = [float(s.rng.choice([0.03 * n, 0.97 * n - size])) for n in canvas]
    return finish(paint(draw(s.strokes, canvas, size, at, size * s.rng.uniform(0.04, 0.12), True)))


def cut_out(ink: Ink, margin: int) -> Ink:
    rows, cols = np.flatnonzero(ink.max(1) > 0.3), np.flatnonzero(ink.max(0) > 0.3)
    return np.pad(ink[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1], margin)


# --- light ---


def shade(shape: tuple[int, ...], rng: Rng, depth: float) -> Ink:
    """Light falling from one side, from 1 down to 1 − depth [h,w,1]."""
    a = rng.uniform(0, 2 * np.pi)
    y, x = np.meshgrid(np.linspace(0, 1, shape[0]), np.linspace(0, 1, shape[1]), indexing="ij")
    t = x * np.cos(a) + y * np.sin(a)
    return np.asarray(1 - depth * (t - t.min()) / np.ptp(t))[..., None]


def vignette(shape: tuple[int, ...], depth: float) -> Ink:
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    return np.asarray(1 - depth * (x**2 + y**2) / 2)[..., None]


def shadow(s: Subject) -> Picture:
    scene = paint(medium(s), (40, 40, 50), (225, 220, 210))
    return finish(scene * shade(scene.shape, s.rng, s.rng.uniform(0.3, 0.7)))


def dark_corners(s: Subject) -> Picture:
    scene = paint(medium(s), (30, 30, 60), (215, 215, 210))
    return finish(scene * vignette(scene.shape, s.rng.uniform(0.3, 0.7)))


def hard_shadow(s: Subject) -> Picture:
    scene = paint(medium(s), grey(40), grey(220))
    dark = gaussian_filter((shade(scene.shape, s.rng, 1.0) < s.rng.uniform(0.3, 0.6)).astype(float), (3, 3, 0))
    return finish(scene * (1 - s.rng.uniform(0.2, 0.4) * dark))


def photographed(s: Subject) -> Picture:
    """Shade, dark corners, blur, the sensor's noise, JPEG."""
    ink = gaussian_filter(medium(s, 700), s.rng.uniform(0.5, 2.5))
    dark, light = s.rng.uniform(20, 90, 3), s.rng.uniform(160, 235, 3)
    scene = paint(ink, (dark[0], dark[1], dark[2]), (light[0], light[1], light[2]))
    scene = scene * shade(scene.shape, s.rng, s.rng.uniform(0, 0.5)) * vignette(scene.shape, s.rng.uniform(0, 0.5))
    noise = s.rng.normal(0, s.rng.uniform(3, 15), scene.shape)
    return jpeg(finish(scene + noise), int(s.rng.integers(40, 90)))


# --- what else is on the paper ---


def noisy(s: Subject) -> Picture:
    scene = paint(medium(s, int(s.rng.integers(100, 600))), grey(50), grey(200))
    return finish(scene + s.rng.normal(0, 25, scene.shape))


def salted(s: Subject) -> Picture:
    scene = paint(medium(s, int(s.rng.integers(150, 500))))
    hit = s.rng.uniform(size=scene.shape[:2]) < s.rng.uniform(0.01, 0.05)
    scene[hit] = s.rng.choice([0.0, 255.0], (int(hit.sum()), 1))
    return finish(scene)


def ruled(s: Subject) -> Picture:
    """A page of an exercise book: pale blue lines or squares."""
    scene = paint(medium(s, 500), (20, 30, 120), (245, 245, 240))
    step = int(s.rng.integers(20, 50))
    lines = np.zeros(scene.shape[:2], bool)
    lines[step // 2 :: step] = True
    if s.rng.integers(2):
        lines[:, step // 2 :: step] = True
    return finish(np.where(lines[..., None], np.minimum(scene, [170.0, 200, 235]), scene))


def dusty(s: Subject) -> Picture:
    ink = medium(s)
    for _ in range(int(s.rng.integers(3, 15))):
        y, x = (int(s.rng.integers(0, n - 4)) for n in ink.shape)
        r = int(s.rng.integers(1, 4))
        ink[y : y + r, x : x + r] = s.rng.uniform(0.5, 1)
    return finish(paint(ink, BLACK, grey(240)))


def framed(s: Subject) -> Picture:
    """A line around the picture, with white around the line or not; the digit may touch it."""
    ink = medium(s, size=(0.4, 0.7))
    outside, line = int(s.rng.integers(0, 12)), int(s.rng.integers(1, 6))
    frame = np.pad(np.zeros([n - 2 * (outside + line) for n in ink.shape]), line, constant_values=1)
    return finish(paint(np.maximum(ink, np.pad(frame, outside))))


def on_a_table(s: Subject) -> Picture:
    """A strip of brown table at the left; the digit may touch it."""
    scene = paint(medium(s, 500, size=(0.3, 0.6)), grey(40), grey(225))
    scene[:, : int(scene.shape[1] * s.rng.uniform(0.02, 0.07))] = (90, 60, 40)
    return finish(scene)


def pencil(s: Subject) -> Picture:
    ink = medium(s, 600)
    ink = ink * gaussian_filter(s.rng.uniform(0.4, 1.6, ink.shape), 1.2)
    scene = paint(np.clip(ink, 0, 1), grey(165), (232, 230, 226))
    return finish(scene + s.rng.normal(0, 4, scene.shape))


def chalk(s: Subject) -> Picture:
    """On a blackboard that was wiped, with gaps in the strokes."""
    ink = medium(s, 500)
    ink = ink * (gaussian_filter(s.rng.normal(0, 1, ink.shape), 1.5) > -0.15)
    smears = gaussian_filter(s.rng.normal(0, 1, ink.shape), 25) * 300
    return finish(paint(ink, (230, 230, 220), (45, 75, 60)) + smears[..., None])


def one_luminance(s: Subject) -> Picture:
    pair = [(200.0, 40.0, 40.0), (40.0, 122.0, 40.0)]  # 0.299 R + 0.587 G + 0.114 B is 88 for both
    return finish(paint(medium(s), *(pair if s.rng.integers(2) else pair[::-1])))


CONDITIONS: dict[str, Scene] = {
    "MNIST, untouched": lambda s: finish(paint(plain(s), WHITE, BLACK)),
    "MNIST, inverted": lambda s: finish(paint(plain(s))),
    "MNIST, enlarged": lambda s: finish(paint(enlarged(s), WHITE, BLACK)),
    "MNIST, enlarged, inverted": lambda s: finish(paint(enlarged(s))),
    "MNIST, enlarged, off-centre on a page": lambda s: finish(paint(moved(enlarged(s), s.rng))),
    "MNIST, off-centre on a page": lambda s: finish(paint(moved(plain(s), s.rng))),
    "MNIST, enlarged, coloured": lambda s: finish(paint(enlarged(s), *two_colours(s.rng))),
    "MNIST, coloured": lambda s: finish(paint(plain(s), *two_colours(s.rng))),
    "MNIST, enlarged, JPEG": lambda s: jpeg(finish(paint(enlarged(s))), int(s.rng.integers(20, 90))),
    "MNIST, JPEG": lambda s: jpeg(finish(paint(plain(s), WHITE, BLACK)), int(s.rng.integers(40, 90))),
    "MNIST, grey on grey": lambda s: finish(paint(plain(s), grey(120), grey(210))),
    "hand, slanted to the right by 0.3-0.6": hand(slant=(0.3, 0.6)),
    "hand, slanted to the left by 0.3-0.6": hand(slant=(-0.6, -0.3)),
    "hand, 0.5-0.7 of its width": hand(width=(0.5, 0.7)),
    "hand, 1.4-2 times its width": hand(width=(1.4, 2.0)),
    "hand, strokes thicker by 1-2 pixels": lambda s: finish(paint(with_another_pen(s, (4, 8)))),
    "hand, strokes thinner by 0.5-1 pixel": lambda s: finish(paint(with_another_pen(s, (-4, -2)))),
    "pen, 280x280": pen((280, 280), 0.06, 0.12),
    "pen, 64x64": pen((64, 64), 0.06, 0.14, (0.6, 0.85)),
    "pen, 28x28": pen((28, 28), 0.08, 0.14, (0.5, 0.85)),
    "pen, 4000x3000": pen((4000, 3000), 0.02, 0.1, (0.1, 0.8)),
    "pen, small in a corner": corner,
    "pen, cut out at the ink": lambda s: finish(paint(cut_out(medium(s, 300), 0))),
    "1 px, 280x280, jagged": hair((280, 280), smooth=False),
    "1 px, 1050x800, jagged": hair((1050, 800), smooth=False),
    "1 px, 1050x800, smooth": hair((1050, 800), smooth=True),
    "1 px, 1050x800, small": hair((1050, 800), smooth=False, size=(0.1, 0.25)),
    "1 px, 4000x3000": hair((4000, 3000), smooth=False),
    "marker, 0.15-0.22 of the digit": pen((400, 400), 0.15, 0.22),
    "marker, 0.22-0.30 of the digit": pen((400, 400), 0.22, 0.3, (0.4, 0.7)),
    "marker, cut out": lambda s: finish(paint(cut_out(penned(s, (300, 300), (0.18, 0.26), (0.5, 0.6)), 5))),
    "white on black": lambda s: finish(paint(medium(s), WHITE, BLACK)),
    "colour on colour": lambda s: finish(paint(medium(s), *two_colours(s.rng))),
    "red and green of one luminance": one_luminance,
    "light from one side": shadow,
    "dark corners": dark_corners,
    "shadow with an edge": hard_shadow,
    "photographed": photographed,
    "pencil": pencil,
    "chalk": chalk,
    "noise": noisy,
    "salt and pepper, 1-5 %": salted,
    "dust": dusty,
    "ruled paper": ruled,
    "frame": framed,
    "edge of a table": on_a_table,
    "JPEG, poor": lambda s: jpeg(finish(paint(medium(s, 300))), int(s.rng.integers(8, 25))),
}
