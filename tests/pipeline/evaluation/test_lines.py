"""The pictures of single units."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from pipeline.evaluation import lines
from pipeline.evaluation.theme import LIGHT, png, styled
from pipeline.evaluation.unit import line
from pipeline.network.network import Network
from pipeline.network.parser import parse

X, LABELS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float), np.array([0, 0, 0, 1])


def test_the_last_line_is_the_strongest_and_the_points_have_their_labels() -> None:
    path = [(np.zeros(2), 1.0), (np.array([1.0, 0.0]), -0.5), (np.array([1.0, 1.0]), -1.5)]
    with styled(LIGHT):
        figure = lines.moving_line(path, X, LABELS, ["no", "yes"], ["a", "b"], LIGHT)
        png(figure)
    (axes,) = figure.axes
    *ways, zeros, ones = axes.lines
    assert len(ways) == 2, "what has no direction is not drawn"
    assert [way.get_alpha() for way in ways] == [pytest.approx(0.15), 1]
    assert zeros.get_xydata().tolist() == X[:3].tolist()
    assert ones.get_xydata().tolist() == X[3:].tolist()
    assert [to_hex(points.get_color()) for points in (zeros, ones)] == [LIGHT.second, LIGHT.first]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")


@pytest.mark.parametrize(("w", "b"), [((2.0, -3.0), 1.0), ((0.0, 1.0), -0.5), ((1.0, 0.0), -0.5)])
def test_a_line_is_where_the_sum_is_0(w: tuple[float, float], b: float) -> None:
    with styled(LIGHT):
        figure = lines.moving_line([(np.array(w), b)], X, LABELS, ["no", "yes"], ["a", "b"], LIGHT)
        png(figure)
    drawn = figure.axes[0].lines[0]
    for x in (np.array(drawn.get_xy1()), np.array(drawn.get_xy2())):
        assert np.dot(w, x) + b == pytest.approx(0)


def test_a_path_that_never_moved_and_points_in_one_place() -> None:
    with styled(LIGHT):
        assert png(lines.moving_line([], np.ones((3, 2)), np.array([0, 1, 0]), ["no", "yes"], ["a", "b"], LIGHT))


def test_answers_over_targets() -> None:
    with styled(LIGHT):
        figure = lines.answers(np.array([1.0, 2.5]), np.array([1.0, 2.0]), "pay", LIGHT)
    same, points = figure.axes[0].lines
    assert same.get_xydata().tolist() == [[1, 1], [2.5, 2.5]]
    assert points.get_xydata().tolist() == [[1, 1], [2, 2.5]]
    assert figure.axes[0].get_xlabel() == "pay, as it is"


def test_the_unit_s_line_among_the_points() -> None:
    with styled(LIGHT):
        unit, best = (np.array([2.0]), 1.0), (np.array([1.9]), 1.1)
        figure = lines.fitted_line(np.array([[0.0], [2.0]]), np.array([1.0, 5.0]), unit, best, ["x", "y"], LIGHT)
    _, closed, ours = figure.axes[0].lines
    np.testing.assert_allclose(closed.get_ydata(), [1.1, 4.9])
    np.testing.assert_allclose(ours.get_ydata(), [1, 5])


@pytest.mark.parametrize("text", ["INPUT 2 -> SCALE -> FC 1", "INPUT 2 -> FC 1"])
def test_the_line_of_a_unit_is_that_of_the_numbers_as_they_come_in(text: str) -> None:
    network, data = Network(parse(text), dtype=np.float64), np.array([[1.0, 200], [3, 500], [4, 900]])
    network.initialise(np.random.default_rng(1))
    network.measure(data, np.arange(3))
    found = line(network)
    assert found
    np.testing.assert_allclose(data @ found[0] + found[1], network.predict(data)[:, 0])


def test_other_networks_have_no_line() -> None:
    for text in ("INPUT 2 -> FC 2", "INPUT 2 -> FC 3 tanh -> FC 1", "INPUT 2 -> FC 1 sigmoid"):
        assert line(Network(parse(text))) is None
