import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from pipeline.evaluation.gallery import MOST_FILTERS, filters, mistakes
from pipeline.evaluation.plots import confusion_matrix, learning_curves
from pipeline.evaluation.theme import DARK, LIGHT, THEMES, png, printable, styled

RNG = np.random.default_rng(0)
HISTORY = [
    {
        "epoch": epoch,
        "train_loss": 2 / epoch**2,
        "train_accuracy": 1 - 0.5 / epoch,
        "validation_loss": 2 / epoch,
        "validation_accuracy": 1 - 0.6 / epoch,
    }
    for epoch in range(1, 6)
]


def drawn(theme, plot, *args):
    with styled(theme):
        figure = plot(*args, theme)
        return figure, Image.open(io.BytesIO(png(figure))).convert("RGB")


def texts(figure):
    return {text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("history", [HISTORY, HISTORY[:1]], ids=["five", "one"])
def test_learning_curves(theme, history):
    figure, image = drawn(theme, learning_curves, history)
    assert {"Loss", "Accuracy", "epoch"} <= texts(figure)
    assert any(text.startswith("validation  ") for text in texts(figure))
    assert image.size == (1382, 489)
    assert matplotlib.colors.to_hex(np.array(image.getpixel((2, 2))) / 255) == theme.paper


def test_curves_without_validation():
    history = [{key: line[key] for key in ("epoch", "train_loss", "train_accuracy")} for line in HISTORY]
    figure, _ = drawn(LIGHT, learning_curves, history)
    assert not any("validation" in text for text in texts(figure))


def test_a_loss_of_nothing_is_no_reason_to_fail():
    drawn(LIGHT, learning_curves, [{**line, "train_loss": 0.0} for line in HISTORY])


@pytest.mark.parametrize("K", [2, 26, 31, 200])
def test_confusion_of_few_and_many_labels(K):
    confusion = np.eye(K, dtype=int) * 90 + RNG.integers(0, 2, (K, K))
    figure, image = drawn(LIGHT, confusion_matrix, confusion.tolist(), [f"label {i}" for i in range(K)])
    assert 400 < image.width <= 1600
    assert "label 0" in texts(figure)
    assert (str(confusion[0, 0]) in texts(figure)) == (K <= 30)


def test_labels_nobody_was_asked_about():
    drawn(DARK, confusion_matrix, [[0, 0], [0, 0]], ["a", "b"])


ODD = ["$\\frac{", "a\nb\tc", "猫", "\udc80", "", "x" * 300]


def test_labels_in_any_script_are_drawn_as_they_are():
    figure, _ = drawn(LIGHT, confusion_matrix, np.eye(len(ODD), dtype=int), ODD)
    assert {"$\\frac{", "a b c", "猫", "x" * 17 + "…"} <= texts(figure)


def test_printable():
    assert printable("a\u2028b\x00  c") == "a b c"
    assert printable("abcdef", 4) == "abc…"


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 20, 32), (1, 30, 10)])
@pytest.mark.parametrize("n", [1, 8, 9])
def test_mistakes(shape, n):
    X = RNG.integers(0, 256, (n, *shape)).astype(np.uint8)
    figure, image = drawn(DARK, mistakes, X, ["$a$"] * n, ["b"] * n, [0.987] * n)
    assert {"b  99%", "is $a$"} <= texts(figure)
    assert len(figure.axes[0].images) == n
    assert image.width > 100


def test_a_picture_is_shown_pixel_for_pixel():
    X = np.zeros((1, 3, 2, 2), np.uint8)
    X[0, :, 0, 0] = (255, 0, 0)
    _, image = drawn(LIGHT, mistakes, X, ["a"], ["b"], [0.5])
    assert image.getpixel((10, 10)) == (255, 0, 0)
    assert image.getpixel((image.width - 10, 10)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("shape", "n"), [((16, 1, 5, 5), 16), ((16, 3, 5, 5), 16), ((60, 1, 9, 9), 32), ((2, 4, 3, 3), 2)]
)
def test_filters(shape, n):
    figure, _ = drawn(LIGHT, filters, RNG.normal(size=shape).astype(np.float32))
    assert len(figure.axes[0].images) == n <= MOST_FILTERS


def test_a_filter_of_nothing():
    drawn(LIGHT, filters, np.zeros((1, 1, 3, 3)))


def test_the_same_figure_gives_the_same_bytes_whatever_the_settings():
    def once():
        with styled(LIGHT):
            return png(learning_curves(HISTORY, LIGHT))

    first = once()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert once() == first
    assert b"matplotlib" not in first.lower()
    assert b"tEXt" not in first


def test_styling_leaves_no_trace():
    before = dict(matplotlib.rcParams)
    with styled(DARK):
        pass
    assert dict(matplotlib.rcParams) == before
