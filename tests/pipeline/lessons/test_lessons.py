"""What the lessons claim is so, and each of them is told and drawn."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from pipeline.cli import cli
from pipeline.lessons import STATIONS, activations, backpropagation, descent, linear, perceptron, sharing
from pipeline.lessons.station import columns, tell
from pipeline.network.network import Network
from pipeline.network.parser import parse


def test_lesson_alone_lists_the_stations_and_says_how() -> None:
    said = CliRunner().invoke(cli, ["lesson"], catch_exceptions=False).output
    assert [said.index(f" {name} ") for name in STATIONS] == sorted(said.index(f" {name} ") for name in STATIONS)
    assert "pipeline lesson all" in said


def test_an_unknown_station_is_refused_with_those_there_are() -> None:
    done = CliRunner().invoke(cli, ["lesson", "transformer"])
    assert done.exit_code == 2
    assert "backpropagation" in done.output


@pytest.mark.slow
def test_all_stations_are_told_in_their_order(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["lesson", "all", "--pictures", str(tmp_path)], catch_exceptions=False)
    headings = [line.split()[1].rstrip(":") for line in done.output.splitlines() if line.startswith("━━")]
    assert headings == list(STATIONS)
    for name in STATIONS:
        assert f"picture: {tmp_path / name}.png" in done.output
        light, dark = (np.asarray(Image.open(tmp_path / f"{name}{theme}.png").convert("L")) for theme in ("", "-dark"))
        assert light.mean() > 128 > dark.mean()
    assert max(map(len, done.output.splitlines())) <= 120


def test_a_picture_is_the_same_each_time(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        list(tell("descent", tmp_path / folder))
    assert (tmp_path / "one" / "descent.png").read_bytes() == (tmp_path / "two" / "descent.png").read_bytes()


def test_columns_are_under_one_another() -> None:
    assert columns(["", "one"], ["first", 1], ["2nd", 20]) == "         one\n  first    1\n  2nd     20"


@pytest.mark.parametrize("name", activations.NAMES)
def test_derivatives_are_the_slopes(name: str) -> None:
    found = activations.derivative(name, activations.POINTS)
    np.testing.assert_allclose(found, activations.slope(name, activations.POINTS), atol=1e-8)


def test_the_sigmoid_is_as_corrected() -> None:
    x = np.linspace(-5, 5, 11)
    y = activations.value("sigmoid", x)
    np.testing.assert_allclose(y, 1 / (1 + np.exp(-x)), atol=1e-12)
    np.testing.assert_allclose(activations.derivative("sigmoid", x), y * (1 - y), atol=1e-12)
    assert np.abs(activations.slope("sigmoid", x) - y).max() > 0.9


def test_perceptron_learns_and_but_never_xor() -> None:
    lines, errors = perceptron.passes(perceptron.AND)
    assert errors[-1] == 0 < min(errors[:-1])
    answers = perceptron.X @ lines[-1][:2] + lines[-1][2] > 0
    assert (answers == perceptron.AND).all()
    lines, errors = perceptron.passes(perceptron.XOR)
    assert len(errors) == perceptron.PASSES
    assert min(errors) > 0


def test_linear_unit_comes_close_to_the_least_squares() -> None:
    w, b = linear.least_squares()
    np.testing.assert_allclose([w, b], np.polyfit(linear.YEARS, linear.PAY, 1))
    np.testing.assert_allclose(linear.learned()[-1], [w, b], rtol=0.02)
    assert linear.error(w, b) <= linear.error(*linear.learned()[-1])


def test_the_people_of_the_lesson_are_those_of_the_notes() -> None:
    file = Path(__file__).resolve().parents[3] / "docs" / "notes" / "pay.csv"
    table = np.loadtxt(file, delimiter=",", skiprows=1)
    assert table.tolist() == np.column_stack([linear.YEARS, linear.PAY]).tolist()


def test_descent_on_all_examples_steps_down_the_gradient_of_the_error() -> None:
    given = descent.examples()
    places = descent.path(given, descent.N)
    assert places[0].tolist() == list(descent.START)
    w, b = places[0]
    difference = w * given.x[:, 0] + b - given.t[:, 0]
    gradient = [np.mean(difference * given.x[:, 0]), np.mean(difference)]
    np.testing.assert_allclose(places[1], places[0] - descent.ETA * np.array(gradient))


def test_descent_takes_as_many_steps_as_there_are_batches() -> None:
    given = descent.examples()
    steps = {name: len(descent.path(given, size)) - 1 for name, size in descent.SIZES.items()}
    assert steps == {"1": 24 * descent.EPOCHS, "4": 6 * descent.EPOCHS, "full": descent.EPOCHS}
    assert given.error(*given.lowest()) < min(given.error(*(given.lowest() + d)) for d in ((0.01, 0), (0, -0.01)))


def test_backpropagation_learns_xor() -> None:
    network, textbook = backpropagation.fresh()
    errors = list(backpropagation.learned(textbook))
    assert errors[-1] < 0.001 < errors[0]
    assert (network.forward(backpropagation.X)[0].round() == backpropagation.XOR).all()


def test_deltas_are_compared_with_what_could_differ() -> None:
    network, textbook = backpropagation.fresh()
    x, t = backpropagation.X[1], backpropagation.XOR[1]
    assert "by 0.00000000 at most from (E" in backpropagation.check(network, textbook, x, t)
    other, _ = backpropagation.fresh()
    other.theta[2] += 0.1
    assert "by 0.00000000" not in backpropagation.check(other, textbook, x, t)


def test_a_convolution_is_a_fully_connected_layer_with_shared_weights() -> None:
    W = sharing.as_matrix(5, 3)
    assert (W.size, np.count_nonzero(W), len(np.unique(W[W != 0]))) == (225, 81, 9)
    picture, kernel = np.random.default_rng(3).normal(size=(5, 5)), np.arange(1.0, 10).reshape(3, 3)
    by_windows = [np.sum(kernel * picture[y : y + 3, x : x + 3]) for y in range(3) for x in range(3)]
    np.testing.assert_allclose(picture.ravel() @ W, by_windows)


def test_parameters_saved_are_those_of_the_formula() -> None:
    told = sharing.saved(Network(parse(sharing.SHOWN)))
    (row,) = (line.split() for line in told.splitlines() if "conv2" in line)
    assert row[3:5] == [f"{32 * (5 * 5 * 16 + 1):,}", f"{32 * 8 * 8 * (16 * 12 * 12 + 1):,}"]
