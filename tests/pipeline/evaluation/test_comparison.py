import io
from pathlib import Path

import matplotlib
import pytest
from PIL import Image

from pipeline.errors import RunError
from pipeline.evaluation.comparison import comparison, write_comparison
from pipeline.evaluation.theme import LIGHT, THEMES, png, styled


def history(epochs, validation=True):
    lines = [{"epoch": n, "train_loss": 2 / n, "train_accuracy": 1 - 0.5 / n} for n in range(1, epochs + 1)]
    held_out = {"validation_loss": 0.5, "validation_accuracy": 0.75}
    return [{**line, **(held_out if validation else {})} for line in lines]


def drawn(names, histories, theme=LIGHT):
    with styled(theme):
        figure = comparison(names, histories, theme)
        return figure, Image.open(io.BytesIO(png(figure)))


def curves(axes):
    """How many points each line has, by its colour and style; the marks of the last epochs left out."""
    return [(line.get_color(), line.get_linestyle(), len(line.get_xdata())) for line in axes.lines[::2]]


@pytest.mark.parametrize("theme", THEMES)
def test_each_run_has_a_colour_and_each_split_a_style(theme):
    figure, _ = drawn(["one", "two"], [history(5), history(3)], theme)
    for axes in figure.axes:
        (one, *rest), n = {colour: None for colour, *_ in curves(axes)}, len(axes.lines)
        assert n == 8
        (two,) = rest
        assert curves(axes) == [(one, "-", 5), (one, ":", 5), (two, "-", 3), (two, ":", 3)]
    words = {text.get_text() for text in figure.findobj(matplotlib.text.Text)}
    assert {"Loss", "Accuracy", "epoch", "one", "two", "validation", "train"} <= words


def test_what_a_run_does_not_have_is_left_out():
    figure, _ = drawn(["no validation", "begun", "one epoch"], [history(4, validation=False), [], history(1)])
    assert [points for _, _, points in curves(figure.axes[0])] == [4, 1, 1]


def test_more_runs_than_colours():
    few, many = (drawn([f"run {n}" for n in range(n)], [history(2)] * n)[1] for n in (2, 23))
    assert many.height > few.height
    assert many.width == few.width


def test_a_name_in_any_script_is_drawn_as_it_is():
    drawn(["$\\frac{", "x" * 300], [history(2), history(2)])


def test_it_is_written_as_png_or_said_why_not(tmp_path: Path):
    path = tmp_path / "plot.png"
    write_comparison(path, ["one", "two"], [history(2), history(2)])
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 150_000
    with pytest.raises(RunError, match=r"cannot write the plot .*nowhere.* choose another --plot"):
        write_comparison(tmp_path / "nowhere" / "plot.png", ["one", "two"], [[], []])
