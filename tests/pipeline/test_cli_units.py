"""The first stations from the command line: the perceptron and the linear unit, from a table to a published model."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from pipeline.data import digits
from pipeline.training.run import Run

ROWS = np.array([(0, 0), (0, 1), (1, 0), (1, 1)], np.float32)


@pytest.fixture
def salaries(tmp_path: Path) -> Path:
    """2,000 at the beginning and 1,000 for each year, give or take 50; the second column says nothing."""
    rng = np.random.default_rng(1)
    years, room = rng.uniform(0, 12, 200), rng.uniform(1e5, 2e5, 200)
    pay = 2000 + 1000 * years + rng.normal(0, 50, 200)
    lines = [f"{y:.3f},{r:.1f},{p:.2f}" for y, r, p in zip(years, room, pay, strict=True)]
    path = tmp_path / "salaries.csv"
    path.write_text("\n".join(["years,room,pay", *lines]) + "\n")
    return path


def only_run() -> Run:
    (folder,) = Path("runs").iterdir()
    return Run(folder)


def answers(folder: Path, X: np.ndarray) -> np.ndarray:
    (Y,) = onnxruntime.InferenceSession(folder / "model.onnx").run(None, {"features": X.astype(np.float32)})
    return np.asarray(Y)


# ---------------------------------------------------------------- the perceptron
@pytest.mark.parametrize(("name", "expected"), [("and", [0, 0, 0, 1]), ("or", [0, 1, 1, 1]), ("nand", [1, 1, 1, 0])])
def test_a_perceptron_learns_what_a_line_can_part(pipeline: Any, name: str, expected: list[int]) -> None:
    said = pipeline("train", "perceptron", "--dataset", name)
    assert (said.code, said.err) == (0, "")
    epochs = len(only_run().history)
    assert f"pass {epochs} went without an error" in said.out
    assert "accuracy 100.00% (0 mistakes in 4)\n" in said.out
    home = Path("models/perceptron/1")
    assert answers(home, ROWS).tolist() == [[y] for y in expected]
    manifest = json.loads((home / "manifest.json").read_text())
    assert (manifest["task"], manifest["labels"]) == ("classification", ["0", "1"])
    assert manifest["outputs"] == [{"name": "probabilities", "shape": ["N", 1], "dtype": "float32"}]
    assert manifest["input"] == {"kind": "features", "name": "features", "shape": ["N", 2], "dtype": "float32"}
    assert (manifest["training"]["loss"], manifest["training"]["batch_size"]) == ("perceptron", 1)
    assert manifest["parity"] == {"difference": 0.0, "samples": 4}


def test_xor_is_not_linearly_separable(pipeline: Any) -> None:
    said = pipeline("train", "perceptron", "--dataset", "xor", "--epochs", 50)
    assert said.code == 0
    assert "xor is not linearly separable: no straight line has all of “1” on one side" in said.out
    assert len(only_run().history) == 50
    assert "is not linearly separable" in (only_run().folder / "report" / "index.html").read_text()


def test_what_takes_longer_is_said_so(pipeline: Any) -> None:
    said = pipeline("train", "perceptron", "--dataset", "and", "--epochs", 2)
    assert "though a straight line exists that parts “0” from “1”: give it more --epochs" in said.out


def test_a_hidden_layer_learns_xor(pipeline: Any) -> None:
    network = "INPUT 2 -> FC 4 sigmoid -> FC 2 sigmoid"
    options = ("--loss", "mse", "--batch-size", 1, "--optimizer", "sgd", "--learning-rate", 1, "--epochs", 3000)
    said = pipeline("train", "fnn", "--dataset", "xor", "--architecture", network, *options)
    assert "accuracy 100.00% (0 mistakes in 4)" in said.out, said.err
    assert answers(Path("models/fnn/1"), ROWS).argmax(axis=1).tolist() == [0, 1, 1, 0]


def test_the_report_shows_the_line_as_it_moved(pipeline: Any) -> None:
    pipeline("train", "perceptron")  # “and” is the default
    report = Path("models/perceptron/1/report")
    assert {"line.png", "line-dark.png"} <= {path.name for path in report.iterdir()}
    page = (report / "index.html").read_text()
    assert "The line" in page
    assert "{&quot;inputs&quot;: [[0, 0]]}" in page
    assert "calibration" not in page


def test_points_of_a_table(pipeline: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    points = [(*(rng.normal(size=2) + 8 * (at % 2)), ("cat", "dog")[at % 2]) for at in range(60)]
    (tmp_path / "pets.csv").write_text("a,b,kind\n" + "".join(f"{a},{b},{kind}\n" for a, b, kind in points))
    said = pipeline("train", "perceptron", "--dataset", "pets.csv", "--target", "kind", "--name", "pets")
    assert "pets: 48 to train, 0 to validate, 12 to test; 2 labels" in said.out
    assert "accuracy 100.00% (0 mistakes in 12)" in said.out
    assert json.loads(Path("models/pets/1/manifest.json").read_text())["labels"] == ["cat", "dog"]


# ---------------------------------------------------------------- the linear unit
def test_a_linear_unit_finds_the_line(pipeline: Any, salaries: Path) -> None:
    said = pipeline("train", "linear", "--dataset", salaries, "--target", "pay")
    assert (said.code, said.err) == (0, "")
    assert "the number to be met is pay" in said.out
    found = re.search(r"R² ([\d.]+), where least squares in closed form has ([\d.]+)", said.out)
    assert found
    learned, closed = map(float, found.groups())
    assert closed > 0.99
    assert learned == pytest.approx(closed, abs=2e-4)
    home = Path("models/linear/1")
    at_0, at_1 = answers(home, np.array([[0, 1.5e5], [1, 1.5e5]]))[:, 0]
    assert (at_0, at_1 - at_0) == (pytest.approx(2000, abs=40), pytest.approx(1000, rel=0.01))
    manifest = json.loads((home / "manifest.json").read_text())
    assert (manifest["task"], manifest["labels"]) == ("regression", ["pay"])
    assert manifest["outputs"] == [{"name": "values", "shape": ["N", 1], "dtype": "float32"}]
    assert manifest["metrics"].keys() == {"samples", "r2", "rmse", "mae", "loss", "least_squares_r2"}
    assert manifest["metrics"]["samples"] == 40
    assert manifest["training"]["dataset"]["columns"] == ["years", "room"]


def test_its_report_sets_it_beside_the_closed_form(pipeline: Any, salaries: Path) -> None:
    pipeline("train", "linear", "--dataset", salaries, "--epochs", 20)
    page = Path("models/linear/1/report/index.html").read_text()
    cells = dict(re.findall(r'<tr><th>(\w+)</th><td class="n">[^<]+</td><td class="n">([^<]+)</td></tr>', page))
    assert float(cells["years"]) == pytest.approx(1000, rel=0.01)
    assert "R² of least squares, in closed form" in page


def test_what_lists_models_and_runs_knows_regressions(pipeline: Any, salaries: Path) -> None:
    pipeline("train", "linear", "--dataset", salaries, "--epochs", 20)
    pipeline("train", "perceptron")
    for command in (("models",), ("runs",), ("runs", "show", only_of("linear")), ("runs", "compare", *both())):
        said = pipeline(*command)
        assert (said.code, said.err) == (0, ""), command
        assert re.search(r"R² 0\.\d{4}", said.out), command
        assert "damaged" not in said.out


def only_of(name: str) -> str:
    (folder,) = Path("runs").glob(f"*-{name}")
    return folder.name


def both() -> list[str]:
    return [only_of("linear"), only_of("perceptron")]


@pytest.mark.parametrize("batch_size", [1, 16, "full"])
def test_each_kind_of_descent_finds_it(pipeline: Any, salaries: Path, batch_size: int | str) -> None:
    pipeline("train", "linear", "--dataset", salaries, "--batch-size", batch_size)
    metrics = only_run().read_json("metrics.json")
    assert metrics["r2"] == pytest.approx(metrics["least_squares_r2"], abs=1e-3)


# ---------------------------------------------------------------- one pipeline for all
@pytest.mark.parametrize("kind", ["perceptron", "linear"])
def test_they_are_evaluated_exported_published_and_reproduced_like_any_other(
    pipeline: Any, salaries: Path, kind: str
) -> None:
    dataset = {"perceptron": "or", "linear": salaries}[kind]
    assert pipeline("train", kind, "--dataset", dataset, "--epochs", 10).code == 0
    run = only_run()
    for command in ("evaluate", "export", "publish"):
        assert pipeline(command, run.folder).code == 0
    said = pipeline("reproduce", kind, 2, "--dataset", dataset)
    assert said.code == 0, said.err
    assert "yes" in said.out


def test_a_unit_that_was_trained_is_not_trained_again(pipeline: Any) -> None:
    pipeline("train", "perceptron")
    said = pipeline("train", "perceptron", "--resume")
    assert "nothing left to do: this run is published as perceptron, version 1" in said.out


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("linear",), 3, "expected a table to learn from: --dataset FILE.csv, and --target COLUMN"),
        (("linear", "--dataset", "digits"), 3, "digits: expected a .csv file"),
        (("perceptron", "--dataset", "digits"), 6, "a perceptron tells two apart, train fnn"),
        (("perceptron", "--target", "a"), 3, "and: expected a .csv file"),
        (("perceptron", "--loss", "mse"), 6, "the step has a gradient of 0 everywhere"),
        (("fnn", "--dataset", "and", "--loss", "perceptron"), 5, "expected “FC 1 step” at the end"),
        (("perceptron", "--label-smoothing", "0.1"), 6, "--label-smoothing shares out among labels"),
        (("linear", "--dataset", "SALARIES", "--loss", "cross-entropy"), 5, "needs probabilities"),
        (
            ("linear", "--dataset", "SALARIES", "--loss", "cross-entropy", "--architecture", "INPUT 2 -> FC 1 sigmoid"),
            6,
            "the numbers of a regression need mse",
        ),
        (("linear", "--dataset", "SALARIES", "--learning-rate", "9"), 6, "try --learning-rate 0.1 instead of 9"),
    ],
)
def test_what_cannot_be(pipeline: Any, salaries: Path, arguments: tuple[str, ...], code: int, complaint: str) -> None:
    said = pipeline("train", *(salaries if each == "SALARIES" else each for each in arguments))
    assert (said.code, complaint in said.err) == (code, True), said.err


def test_a_perceptron_tells_two_kinds_of_pictures_apart(pipeline: Any, tmp_path: Path) -> None:
    data = digits.load().train
    for label in (0, 1):
        (tmp_path / "two" / str(label)).mkdir(parents=True)
        for at, pixels in enumerate(data.X[data.labels == label][:30]):
            Image.fromarray(pixels[0]).save(tmp_path / "two" / str(label) / f"{at}.png")
    said = pipeline("train", "perceptron", "--dataset", "two", "--pictures", "ink", "--name", "two")
    assert "went without an error" in said.out, said.err
    said = pipeline("predict", "two", "two/0/3.png", "two/1/5.png")
    assert said.err == ""
    assert re.findall(r"│ two/(\d)/\d.png +│ (\d) 100.0%", said.out) == [("0", "0"), ("1", "1")]
    said = pipeline("data", "check", "two", "--model", "two")
    assert said.code == 0, said.err
    assert "of another label, says the model, 90% sure or more" in said.out
