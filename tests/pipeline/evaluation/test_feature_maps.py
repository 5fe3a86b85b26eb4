import matplotlib
import numpy as np
import pytest

from pipeline.evaluation.feature_maps import CELL, MAPS, Output, feature_maps, outputs
from pipeline.evaluation.theme import DARK, LIGHT, THEMES, png, styled
from pipeline.network.network import Network
from pipeline.network.parser import parse

RNG = np.random.default_rng(0)
CNN = "INPUT 3x10x8 -> CONV 20@3x3 relu -> POOL max 2x2 -> CONV 4@2x2 -> DROPOUT 0.5 -> FC 90 tanh -> FC 3 softmax"


def network(text, example=None):
    made = Network(parse(text), example)
    made.initialise(np.random.default_rng(0))
    return made


def drawn(found, theme=LIGHT):
    with styled(theme):
        figure = feature_maps(found, theme)
        png(figure)
    captions = [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]
    return figure, captions, figure.axes[0].images


def test_every_layer_that_changes_something_is_there_as_its_activation_leaves_it():
    x = RNG.integers(0, 256, (3, 10, 8)).astype(np.uint8)
    found = outputs(network(CNN), x)
    assert [(output.name, output.shape) for output in found] == [
        ("input", (3, 10, 8)),
        ("conv1 relu", (20, 8, 6)),
        ("pool1", (20, 4, 3)),
        ("conv2", (4, 3, 2)),
        ("fc1 tanh", (90,)),
        ("fc2 softmax", (3,)),
    ]
    np.testing.assert_allclose(found[0].values, x / 255, rtol=1e-6)
    assert found[1].values.min() == 0


@pytest.mark.parametrize(
    ("text", "shape"),
    [(CNN, (3, 10, 8)), ("INPUT 80 -> FC 7 relu -> FC 2 softmax", (1, 10, 8)), ("INPUT 4 -> FC 2 softmax", (4,))],
)
def test_the_last_output_is_what_the_network_answers(text, shape):
    x = RNG.integers(0, 256, shape).astype(np.uint8 if len(shape) == 3 else np.float32)
    made = network(text, shape)
    np.testing.assert_allclose(outputs(made, x)[-1].values, made.predict(x[np.newaxis])[0], rtol=1e-5)


def test_the_maps_are_those_of_the_largest_of_each_window():
    """The pooling, which the network runs as one with its convolution, agrees with the convolution's own map."""
    made = network("INPUT 1x9x9 -> CONV 3@2x2 relu -> POOL max 2x2 -> FC 2 softmax")
    _, conv, pool, _ = outputs(made, RNG.integers(0, 256, (1, 9, 9)).astype(np.uint8))
    np.testing.assert_array_equal(pool.values, conv.values.reshape(3, 4, 2, 4, 2).max(axis=(2, 4)))


def test_what_was_found_stays_when_the_network_goes_on():
    made = network(CNN)
    x = RNG.integers(0, 256, (3, 10, 8)).astype(np.uint8)
    found = outputs(made, x)
    before = [output.values.copy() for output in found]
    outputs(made, 255 - x)
    for output, values in zip(found, before, strict=True):
        np.testing.assert_array_equal(output.values, values)


@pytest.mark.parametrize("theme", THEMES)
def test_captions_say_name_and_shape_and_how_much_is_shown(theme):
    found = outputs(network(CNN), RNG.integers(0, 256, (3, 10, 8)).astype(np.uint8))
    _, captions, images = drawn([*found, Output("fc9", RNG.normal(size=5000))], theme)
    assert captions == [
        "input   3x10x8",
        "conv1 relu   20x8x6, the 16 strongest",
        "pool1   20x4x3, the 16 strongest",
        "conv2   4x3x2",
        "fc1 tanh   90",
        "fc2 softmax   3",
        "fc9   5000, the first 800",
    ]
    assert len(images) == 1 + 2 * MAPS + 4 + 3


def test_the_strongest_maps_are_shown_in_their_order():
    values = np.zeros((MAPS + 2, 2, 2))
    values[1:-1] = np.arange(1, MAPS + 1)[:, None, None]
    _, _, images = drawn([Output("conv1", values)])
    blue = [image.get_array()[0, 0, 0] for image in images]  # the more blue, the less red
    assert blue == sorted(blue, reverse=True)


def test_colours_tell_the_sign_and_nothing_is_paper():
    _, _, (image,) = drawn([Output("fc1 tanh", np.array([-1.0, 0.0, 1.0]))], DARK)
    colours = [matplotlib.colors.to_hex(colour) for colour in image.get_array()[0]]
    assert colours[0] == DARK.second
    assert colours[2] == DARK.first
    np.testing.assert_allclose(image.get_array()[0, 1, :3], matplotlib.colors.to_rgb(DARK.paper), atol=0.01)


@pytest.mark.parametrize(("D", "rows", "columns"), [(1, 1, 1), (10, 1, 10), (100, 2, 50), (300, 4, 75), (83, 2, 42)])
def test_values_are_laid_in_rows_of_squares(D, rows, columns):
    figure, _, (image,) = drawn([Output("fc1", np.ones(D))])
    assert image.get_array().shape == (rows, columns, 4)
    left, right, bottom, top = image.get_extent()
    assert (right - left) / columns == pytest.approx((bottom - top) / rows)
    assert (right - left) / columns <= CELL
    assert bottom <= figure.get_figheight()


def test_a_layer_that_does_not_answer():
    drawn([Output("conv1 relu", np.zeros((2, 3, 3))), Output("fc1 relu", np.zeros(5))])
