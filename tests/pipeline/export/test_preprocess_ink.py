"""preprocess.onnx for drawings: what people send comes out like the training data, and that comes out as it is."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

import pipeline  # noqa: F401  (sets the environment before onnxruntime is imported)
from pipeline.export import preprocess

ort = pytest.importorskip("onnxruntime")

Picture = NDArray[np.uint8]
Run = Callable[[Picture], Picture]

THREE = [(0.1, 0.05), (0.5, 0.0), (0.6, 0.2), (0.3, 0.45), (0.65, 0.7), (0.45, 0.98), (0.0, 0.9)]
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
Colour = tuple[int, int, int]


def session(model: bytes) -> Run:
    run = ort.InferenceSession(model, providers=["CPUExecutionProvider"]).run
    return lambda picture: np.asarray(run(None, {"image": np.ascontiguousarray(picture)})[0])


@pytest.fixture(scope="module")
def mnist() -> Run:
    return session(preprocess.mnist().SerializeToString())


@pytest.fixture(scope="module")
def digits() -> Run:
    return session(preprocess.digits().SerializeToString())


def draw(
    size: tuple[int, int] = (280, 280),
    at: tuple[float, float] = (80, 60),
    tall: float = 150,
    pen: int = 12,
    ink: Colour = BLACK,
    paper: Colour = WHITE,
) -> Picture:
    """A 3 on a page (width, height), its box's corner at `at`."""
    image = Image.new("RGB", size, paper)
    pencil = ImageDraw.Draw(image)
    points = [(at[0] + x * tall, at[1] + y * tall) for x, y in THREE]
    pencil.line(points, fill=ink, width=pen, joint="curve")
    if pen > 2:
        for x, y in points:
            pencil.ellipse([x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2], fill=ink)
    return np.asarray(image)


def away(a: Picture, b: Picture) -> float:
    """Mean absolute difference, of 255."""
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def looks_like_mnist(pixels: Picture) -> bool:
    ink = pixels[0, 0] > 40
    rows, cols = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    longest = max(np.ptp(rows), np.ptp(cols)) + 1
    y, x = (np.average(np.arange(28), weights=pixels[0, 0].sum(axis)) for axis in (1, 0))
    return bool(
        longest in (19, 20, 21) and abs(y - 14) < 0.8 and abs(x - 14) < 0.8 and 0.04 < pixels.mean() / 255 < 0.3
    )


def test_a_drawing_comes_out_like_mnist(mnist: Run) -> None:
    pixels = mnist(draw())
    assert pixels.shape == (1, 1, 28, 28)
    assert pixels.dtype == np.uint8
    assert looks_like_mnist(pixels)


@settings(max_examples=25, deadline=None)
@given(shape=st.tuples(st.integers(1, 80), st.integers(1, 80)), colour=st.tuples(*[st.integers(0, 255)] * 3))
def test_a_blank_picture_is_all_zeros(mnist: Run, shape: tuple[int, int], colour: Colour) -> None:
    assert mnist(np.full((*shape, 3), colour, np.uint8)).max() == 0


@settings(max_examples=25, deadline=None)
@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40)), seed=st.integers(0, 2**32), levels=st.integers(2, 256))
def test_any_picture_gets_an_answer(mnist: Run, digits: Run, shape: tuple[int, int], seed: int, levels: int) -> None:
    noise = np.random.default_rng(seed).integers(0, levels, (*shape, 3)).astype(np.uint8)
    assert mnist(noise).shape == (1, 1, 28, 28)
    assert digits(noise).shape == (1, 1, 8, 8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (3000, 1), (2, 900), (8, 8), (3000, 4000)])
def test_any_size(mnist: Run, shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 255, np.uint8)
    picture[shape[0] // 3 : shape[0] // 2 + 1, shape[1] // 3 : shape[1] // 2 + 1] = 0
    assert mnist(picture).shape == (1, 1, 28, 28)


@pytest.mark.parametrize("pen", [8, 14, 24])
def test_what_comes_out_goes_through_untouched(mnist: Run, pen: int) -> None:
    pixels = mnist(draw(pen=pen))
    again = np.repeat(pixels[0, 0, :, :, None], 3, axis=2)
    np.testing.assert_array_equal(mnist(again), pixels)
    np.testing.assert_array_equal(mnist(255 - again), pixels, "black on white")


def test_scikit_learns_digits_go_through_untouched(digits: Run) -> None:
    for image in np.rint(load_digits().images[:300] * (255 / 16)).astype(np.uint8):
        np.testing.assert_array_equal(digits(np.repeat(image[:, :, None], 3, axis=2))[0, 0], image)


def test_a_small_picture_that_is_not_like_mnist_is_normalised(mnist: Run) -> None:
    small = draw((28, 28), (3, 2), 11, pen=2)
    assert looks_like_mnist(mnist(small))
    assert looks_like_mnist(mnist(255 - small))


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        (WHITE, BLACK),
        ((40, 40, 90), (190, 185, 170)),
        ((200, 40, 40), (40, 122, 40)),  # of one luminance
        ((40, 122, 40), (200, 40, 40)),
        ((250, 240, 120), (250, 250, 250)),  # yellow on white
        ((150, 150, 150), (185, 185, 185)),
    ],
)
def test_colours_make_no_difference(mnist: Run, ink: Colour, paper: Colour) -> None:
    assert away(mnist(draw(ink=ink, paper=paper)), mnist(draw())) < 3


@settings(max_examples=15, deadline=None)
@given(x=st.integers(10, 280), y=st.integers(10, 240))
def test_the_place_makes_no_difference(mnist: Run, x: int, y: int) -> None:
    assert away(mnist(draw((400, 400), (x, y))), mnist(draw((400, 400), (120, 120)))) < 5


@pytest.mark.parametrize("scale", [0.25, 0.5, 2, 4, 10])
def test_the_size_makes_little_difference(mnist: Run, scale: float) -> None:
    side = round(280 * scale)
    scaled = draw((side, side), (80 * scale, 60 * scale), 150 * scale, round(12 * scale))
    assert away(mnist(scaled), mnist(draw())) < 10


@pytest.mark.parametrize(
    ("size", "tall"), [((280, 280), 200), ((1050, 800), 600), ((1050, 800), 120), ((4000, 3000), 2000)]
)
def test_a_hairline_survives(mnist: Run, size: tuple[int, int], tall: int) -> None:
    pixels = mnist(draw(size, (size[0] / 4, size[1] / 8), tall, pen=1))
    assert looks_like_mnist(pixels)
    assert away(pixels, mnist(draw(pen=15))) < 18


def test_a_thick_marker_is_thinned(mnist: Run) -> None:
    pixels = mnist(draw((400, 400), (130, 120), 150, pen=45))
    assert looks_like_mnist(pixels)
    assert pixels[0, 0, 9:13, 8].max() < 128, "the 3 is open at the left"


def test_a_small_digit_in_the_corner_of_a_page(mnist: Run) -> None:
    pixels = mnist(draw((1400, 1000), (1250, 880), 80, pen=6))
    assert away(pixels, mnist(draw())) < 10


def test_shade_and_dark_corners(mnist: Run) -> None:
    y, x = np.mgrid[-1:1:280j, -1:1:280j]
    light = (0.65 + 0.3 * x) * (1 - 0.2 * (x**2 + y**2))
    shaded = draw(ink=(50, 50, 60), paper=(240, 235, 220)) * light[..., None]
    assert away(mnist(shaded.astype(np.uint8)), mnist(draw())) < 6


def test_noise(mnist: Run) -> None:
    noise = np.random.default_rng(0).normal(0, 20, (280, 280, 3))
    picture = np.clip(draw(ink=(60, 60, 60), paper=(200, 200, 200)) + noise, 0, 255).astype(np.uint8)
    assert away(mnist(picture), mnist(draw())) < 6


def test_salt_and_pepper(mnist: Run) -> None:
    picture = draw().copy()
    hit = np.random.default_rng(0).uniform(size=(280, 280))
    picture[hit < 0.02], picture[hit > 0.98] = 0, 255
    assert away(mnist(picture), mnist(draw())) < 8


def test_dust_does_not_decide_the_box(mnist: Run) -> None:
    picture = draw().copy()
    for y, x in ((5, 5), (20, 260), (250, 30), (270, 270), (140, 20)):
        picture[y : y + 3, x : x + 3] = 0
    assert away(mnist(picture), mnist(draw())) < 1


@pytest.mark.parametrize("inset", [0, 6])
def test_a_frame_is_left_out(mnist: Run, inset: int) -> None:
    picture = draw().copy()
    inside = picture[inset + 3 : -inset - 3, inset + 3 : -inset - 3].copy()
    picture[inset : 280 - inset, inset : 280 - inset] = 0
    picture[inset + 3 : -inset - 3, inset + 3 : -inset - 3] = inside
    assert away(mnist(picture), mnist(draw())) < 1


def test_a_frame_that_the_digit_touches_is_left_out(mnist: Run) -> None:
    picture = draw(at=(18, 60)).copy()
    picture[:, :12] = picture[:, -8:] = picture[:8] = picture[-8:] = 0
    assert away(mnist(picture), mnist(draw())) < 5


def test_flat_ends_cut_out_at_the_ink_are_no_frame(mnist: Run) -> None:
    image = Image.new("RGB", (120, 200), WHITE)
    ImageDraw.Draw(image).line([(0, 8), (110, 8), (8, 191), (120, 191)], fill=BLACK, width=18, joint="curve")
    rows = mnist(np.asarray(image))[0, 0].max(1) > 128
    assert rows.sum() >= 18, "a 2 as flat as a Z keeps both its ends"


def test_the_edge_of_the_table_is_left_out(mnist: Run) -> None:
    picture = draw().copy()
    picture[:, :14] = (90, 60, 40)
    assert away(mnist(picture), mnist(draw())) < 3


def test_a_shadow_with_an_edge_is_left_out(mnist: Run) -> None:
    picture = draw(ink=(40, 40, 40), paper=(220, 220, 220)).astype(float)
    picture[:, 190:] *= 0.7
    assert away(mnist(picture.astype(np.uint8)), mnist(draw())) < 6


def test_a_horizontal_line(mnist: Run) -> None:
    picture = np.full((200, 400, 3), 255, np.uint8)
    picture[95:105, 40:360] = 0
    rows = np.flatnonzero(mnist(picture)[0, 0].max(1) > 40)
    assert 1 <= len(rows) <= 4
    assert 12 <= rows.mean() <= 15


def test_two_strokes_that_do_not_touch_stay_together(mnist: Run) -> None:
    picture = np.full((280, 280, 3), 255, np.uint8)
    picture[60:220, 100:112] = 0
    picture[60:72, 128:200] = 0
    cols = np.flatnonzero(mnist(picture)[0, 0].max(0) > 40)
    assert np.ptp(cols) > 9


def test_every_channel_is_the_same() -> None:
    pixels = session(preprocess.ink(3, 32, 24, box=18, centre="box").SerializeToString())(draw())
    assert pixels.shape == (1, 3, 32, 24)
    np.testing.assert_array_equal(pixels[:, 0], pixels[:, 2])
