import re
from html.parser import HTMLParser
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from pipeline.data import digest
from pipeline.data.dataset import Split
from pipeline.evaluation import page
from pipeline.evaluation.metrics import measure
from pipeline.evaluation.report import first_layer, write_report
from pipeline.evaluation.strip import cards, strip
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.recipe import Recipe
from pipeline.training.run import Job, Run, describe

CNN = "INPUT 1x8x8 -> (CONV 4@3x3 relu -> POOL max 2x2) -> FLATTEN -> DROPOUT 0.5 -> FC 3 softmax"
LINE = {"seconds": 40.0, "images_per_second": 1234.0, "train_loss": 1.0, "train_accuracy": 0.5}
HOSTILE = ("<script>alert(1)</script>", '"&\udc80', "$title ${x}")


class Page(HTMLParser):
    """What a page refers to, and what text it shows."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.references, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.references += [value for name, value in attributes if name in ("src", "srcset", "href", "data", "action")]

    def handle_data(self, data):
        self.text += data


def write(folder, shape=(1, 8, 8), architecture=CNN, labels=HOSTILE, right=False, wrong=False, epochs=2):
    """The report of a run as it is when its training is done: (folder, page)."""
    rng = np.random.default_rng(0)
    y = np.arange(30) % len(labels)
    X = rng.integers(0, 256, (30, *shape)).astype(np.uint8 if len(shape) == 3 else np.float32)
    split, pictures = Split(X, y), "photo" if len(shape) == 3 else None
    data = digest.dataset("a & b", split, split, labels, pictures)
    network = Network(parse(architecture), shape)
    network.initialise(rng)
    job = Job("x", "cnn", "a & b", None, pictures, Recipe(architecture, epochs=3), describe(data, 5), started="today")
    run = Run(folder)
    for epoch in range(epochs):
        run.append_history({**LINE, "epoch": epoch + 1})
    answers = y if right else (y + (wrong | (np.arange(30) % 7 == 0))) % len(labels)
    Y = np.eye(len(labels))[answers] * 0.9 + 0.01
    with mock.patch.object(Run, "job", job):  # one that need not be read from disk
        index = write_report(run, network, data, Y, measure(Y, y))
    assert index == folder / "report" / "index.html"
    return index.parent, Page(index.read_text("utf-8"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("run"))


def test_the_whole_report(written):
    folder, html = written
    names = {"curves", "confusion", "reliability", "mistakes", "filters", "feature-maps"}
    assert {path.name for path in folder.iterdir()} == {"index.html"} | {
        f"{name}{dark}.png" for name in names for dark in ("", "-dark")
    }
    for path in folder.glob("*.png"):
        Image.open(path).verify()
    for words in ("83.33%", "5", "mistakes", "1 min 20 s", "Learning curves", "Worst mistakes", "First layer", "1,234"):
        assert words in html.text
    for words in ("Reliability", "Feature maps", 'answered right: "&?, 91.0% sure'):
        assert words in html.text
    assert "curl -F image=@picture.png http://127.0.0.1:8000/predict/x" in html.text


def test_it_is_self_contained(written):
    folder, html = written
    assert all((folder / name).is_file() for name in html.references)
    assert not {"script", "link", "iframe", "object", "form"} & set(html.tags)
    text = (folder / "index.html").read_text()
    assert "@import" not in text
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_labels_are_text_and_nothing_else(written):
    _, html = written
    assert "<script>alert(1)</script>" in html.text
    assert '"&?' in html.text
    assert "$title ${x}" in html.text


def test_the_same_run_gives_the_same_report(written, tmp_path):
    again, _ = write(tmp_path)
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in written[0].iterdir()
    }


def test_features_have_no_pictures(tmp_path):
    folder, html = write(tmp_path, shape=(4,), architecture="INPUT 4 -> FC 3 softmax", labels=("a", "b", "c"))
    assert not (folder / "mistakes.png").exists()
    assert not (folder / "filters.png").exists()
    assert re.search(r'-d \'{"inputs": \[\[(\d+, ){3}\d+\]\]}\'', html.text)


def test_nothing_wrong_nothing_shown(tmp_path):
    folder, html = write(tmp_path, right=True, epochs=0)
    assert "100.00%" in html.text
    assert not (folder / "mistakes.png").exists()
    assert not (folder / "curves.png").exists()
    assert "Worst mistakes" not in html.text


def test_nothing_right_nothing_looked_into(tmp_path):
    folder, html = write(tmp_path, wrong=True)
    assert "Feature maps" not in html.text
    assert not (folder / "feature-maps.png").exists()


def test_paper_is_always_light(written):
    folder, _ = written
    text = (folder / "index.html").read_text()
    assert text.count("prefers-color-scheme: dark") == text.count("screen and (prefers-color-scheme: dark)")


def test_the_strip_names_every_layer():
    network = Network(parse(CNN))
    assert [card.text.split()[0] for card in cards(network)] == ["INPUT", "CONV", "POOL", "DROPOUT", "FC"]
    assert sum(card.size for card in cards(network)) == network.theta.size
    drawn = strip(cards(network))
    for words in ("1x8x8", "4@3x3 relu", "4x6x6", "40 parameters", "4x3x3", "3 softmax"):
        assert words in drawn


@pytest.mark.parametrize("text", ["INPUT 3x24x18 -> CONV 300@1x1 -> FC 200 -> FC 2", "INPUT 4 -> FC 1 step"])
def test_drawings_stay_in_their_frames(text):
    for name in ("x", "y"):
        assert all(
            -1 <= float(value) <= 64 for value in re.findall(rf' {name}="(.*?)"', strip(cards(Network(parse(text)))))
        )


@pytest.mark.parametrize(
    "text", ["INPUT 3x5x4 -> FC 7", "INPUT 60 -> FC 7", "INPUT 3x5x4 -> FLATTEN -> DROPOUT 0.5 -> FC 7"]
)
def test_the_weights_of_a_unit_are_a_picture(text):
    """A picture that is the weights of a unit excites that unit by the sum of their squares."""
    network = Network(parse(text), (3, 5, 4), np.float64)
    network.initialise(np.random.default_rng(0))
    W = first_layer(network, (3, 5, 4))
    assert W.shape == (7, 3, 5, 4)
    Y, _ = network.forward(W * 255)
    np.testing.assert_allclose(np.diag(Y), np.square(W).sum(axis=(1, 2, 3)))


def test_filters_are_the_weights_of_a_convolution():
    network = Network(parse("INPUT 3x5x4 -> CONV 6@5x4 -> FC 2"), dtype=np.float64)
    network.initialise(np.random.default_rng(0))
    W = first_layer(network, (3, 5, 4))
    assert W.shape == (6, 3, 5, 4)
    Y, _ = network.forward(W * 255, layers=network.layers[:2])
    np.testing.assert_allclose(np.diag(Y.reshape(6, 6)), np.square(W).sum(axis=(1, 2, 3)))


@pytest.mark.parametrize(
    ("text", "shape"), [("INPUT 4 -> FC 2", (4,)), ("INPUT 1x8x8 -> POOL max 2x2 -> FC 2", (1, 8, 8))]
)
def test_weights_that_are_no_pictures(text, shape):
    assert first_layer(Network(parse(text), shape), shape) is None


def test_many_labels_are_folded_away():
    many = page.label_table([str(at) for at in range(41)], measure(np.eye(41), np.arange(41)).per_label)
    assert many.startswith("<details><summary>all 41 labels")
