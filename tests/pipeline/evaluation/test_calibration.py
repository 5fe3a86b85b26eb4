import matplotlib
import numpy as np
import pytest

from pipeline.evaluation.calibration import reliability_diagram
from pipeline.evaluation.metrics import reliability
from pipeline.evaluation.theme import LIGHT, THEMES, png, styled

Y = np.array([[0.95, 0.05], [0.99, 0.01], [0.3, 0.7], [0.35, 0.65]])
BINS = reliability(Y, np.array([0, 1, 1, 1]))


def texts(figure):
    return {text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()}


def bars(axes):
    """Middle and height of each."""
    return [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in axes.patches]


@pytest.mark.parametrize("theme", THEMES)
def test_the_error_is_in_the_title_and_the_counts_above_their_bars(theme):
    with styled(theme):
        figure = reliability_diagram(BINS, theme)
        assert png(figure) == png(reliability_diagram(BINS, theme))
    assert f"Expected calibration error {BINS.error:.2%}" in texts(figure)
    assert {"confidence", "accuracy", "answers (log)", "2", "1"} <= texts(figure)


def test_only_bins_that_have_answers_are_drawn_and_each_where_it_belongs():
    with styled(LIGHT):
        accuracy, count = reliability_diagram(BINS, LIGHT).axes
    np.testing.assert_allclose(bars(accuracy), [(9.5 / 15, 1), (10.5 / 15, 1), (14.5 / 15, 0.5)])
    np.testing.assert_allclose(bars(count), [(9.5 / 15, 1), (10.5 / 15, 1), (14.5 / 15, 2)])


def test_a_gap_goes_from_the_dashed_line_to_the_top_of_its_bar():
    with styled(LIGHT):
        accuracy, _ = reliability_diagram(BINS, LIGHT).axes
    (gaps,) = accuracy.collections
    np.testing.assert_allclose(
        gaps.get_segments(), [[(0.65, 0.65), (0.65, 1)], [(0.7, 0.7), (0.7, 1)], [(0.97, 0.97), (0.97, 0.5)]]
    )


def test_one_answer_is_enough():
    with styled(LIGHT):
        png(reliability_diagram(reliability(np.array([[1.0, 0.0]]), np.array([1])), LIGHT))
