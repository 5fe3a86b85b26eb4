"""The command line, from a dataset to an answer."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline import files
from pipeline.cli import cli
from pipeline.data import digits
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.recipe import RECIPES, default_architecture, default_epochs
from pipeline.training.run import Run


def cells(table: str) -> list[list[str]]:
    """The rows of a printed table, below its head."""
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in table.splitlines() if line[:1] == "│"]


@pytest.fixture
def run(trained: Any, tmp_path: Path) -> Path:
    """A run that was trained, and nothing after that."""
    folder = Path(shutil.copytree(trained.run, tmp_path / "run"))
    for name in ("report", "export"):
        shutil.rmtree(folder / name)
    (folder / "metrics.json").unlink()
    return folder


@pytest.fixture
def store(trained: Any, tmp_path: Path) -> Path:
    """A store with versions 1 and 2 of “fnn”."""
    copy = Path(shutil.copytree(trained.store, tmp_path / "store"))
    shutil.copytree(copy / "fnn" / "1", copy / "fnn" / "2")
    return copy


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """The first twenty pictures of the test set, each in a file that begins with its label, where the command runs."""
    test = digits.load().test
    names = [f"{test.labels[at]}-{at}.png" for at in range(20)]
    for name, pixels in zip(names, test.X, strict=False):
        Image.fromarray(pixels[0]).save(tmp_path / name)
    return names


# ---------------------------------------------------------------- listing
@pytest.mark.parametrize("name", ["", *cli.commands, "data check"])
def test_every_command_has_help(pipeline: Any, name: str) -> None:
    said = pipeline(*name.split(), "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: pipeline {name}".rstrip())
    command: Any = cli
    for part in name.split():
        command = command.commands[part]
    assert command.help.split("\n")[0] in " ".join(said.out.split())
    assert "--debug" in said.out


def test_datasets(pipeline: Any, tmp_path: Path) -> None:
    said = pipeline("datasets", "--data-dir", tmp_path)
    rows = {row[0]: row[1:] for row in cells(said.out)}
    assert said.code == 0
    assert rows.keys() >= {"digits", "mnist", "fashion-mnist", "FOLDER", "FILE.npz"}
    assert rows["digits"][1:5] == ["1x8x8", "1,437", "360", "10"]
    assert rows["mnist"][5] == "python -m pipeline fetch mnist"


def test_models_of_an_empty_store(pipeline: Any, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    said = pipeline("models")
    assert (said.code, cells(said.out), said.err) == (0, [], "")


# ---------------------------------------------------------------- all at once
def test_train_does_everything(trained: Any) -> None:
    out = trained.said.out
    assert "digits: 1,293 to train, 144 to validate, 360 to test; 10 labels" in out
    rows = {row[0]: row[1:] for row in cells(out)}
    assert rows["fc1"] == ["300", "19,500"]
    assert rows["total"] == ["", "50,610"]
    assert re.search(r"epoch 12/12: loss 0\.\d+, accuracy \d\d\.\d\d%, [\d,]+ images/s, .* validation loss", out)
    accuracy = float(re.search(r"test: accuracy (\d\d\.\d\d)% \(\d+ mistakes in 360\), loss", out)[1])
    assert accuracy > 90
    assert re.search(r"parity: NumPy and onnxruntime differ by at most \d\.\de-0[5-9] on 360 samples", out)
    assert f"published {trained.store / 'fnn' / '1'}\n" in out
    assert trained.said.err == ""


def test_train_prints_the_confusion_table(trained: Any) -> None:
    confusion = [row for row in cells(trained.said.out) if len(row) == 11]
    assert [row[0] for row in confusion] == list("0123456789")
    counts = np.array([[int(cell.replace("·", "0")) for cell in row[1:]] for row in confusion])
    assert counts.sum() == 360
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(digits.load().test.labels))


def test_the_run_folder_holds_it_all(trained: Any) -> None:
    names = {path.name for path in trained.run.iterdir()}
    files_of_a_run = {"config.json", "history.jsonl", "lock", "log.txt", "weights.npz", "metrics.json"}
    assert names == {*files_of_a_run, "export", "report"}
    assert [line["epoch"] for line in Run(trained.run).history] == list(range(1, 13))


def test_the_same_command_gives_the_same_bytes(pipeline: Any, trained: Any) -> None:
    said = pipeline(*trained.command, "--workers", 2)
    assert said.code == 0
    for name in ("model.onnx", "explain.onnx", "preprocess.onnx"):
        first, second = (home / "fnn" / "1" / name for home in (trained.store, Path("models")))
        assert files.sha256(first) == files.sha256(second), name


def test_run_does_both_networks(pipeline: Any) -> None:
    said = pipeline("run", "--dataset", "digits", "--epochs", 1, "--batch-size", "full", "--store", "s")
    assert said.code == 0
    assert [row[:3] for row in cells(pipeline("models", "--store", "s").out)] == [
        ["cnn", "1", "current"],
        ["fnn", "1", "current"],
    ]


def test_every_option_reaches_the_recipe(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training is left out: what counts is the job that is noted."""
    monkeypatch.setattr(
        "pipeline.steps.train", lambda run, *_: run.save(Network(parse(run.job.recipe.architecture), run.job.shape))
    )
    said = pipeline(
        *("train", "fnn", "--dataset", "digits", "--architecture", "input 64 → fc 10 SIGMOID", "--name", "mine"),
        *("--epochs", 7, "--batch-size", "full", "--optimizer", "nesterov", "--learning-rate", 0.25),
        *("--schedule", "cosine", "--loss", "mse", "--augment", "none", "--weight-decay", 0.125),
        *("--label-smoothing", 0.05, "--average", 0.75, "--stop-at", 0.875, "--patience", 3, "--validation", 0.2),
        *("--seed", 9, "--runs", "r", "--no-publish"),
    )
    assert said.code == 0
    (folder,) = Path("r").iterdir()
    job = Run(folder).job
    assert (job.name, job.kind, job.source) == ("mine", "fnn", "digits")
    assert job.recipe.to_json() == {
        "architecture": "INPUT 64 -> FC 10 sigmoid",
        "epochs": 7,
        "batch_size": "full",
        "optimizer": "nesterov",
        "learning_rate": 0.25,
        "schedule": "cosine",
        "loss": "mse",
        "label_smoothing": 0.05,
        "weight_decay": 0.125,
        "average": 0.75,
        "augment": "none",
        "stop_at": 0.875,
        "patience": 3,
        "validation": 0.2,
        "seed": 9,
    }
    assert job.dataset["validation"] == round(0.2 * 1437)
    assert not Path("models").exists(), "--no-publish"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_fills_in_what_is_not_said(pipeline: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(
        "pipeline.steps.train", lambda run, *_: run.save(Network(parse(run.job.recipe.architecture), run.job.shape))
    )
    options = ("--dataset", "digits", "--recipe", name, "--validation", 0, "--runs", "r", "--no-publish")
    assert pipeline("train", "cnn", *options, "--average", 0.5).code == 0
    (folder,) = Path("r").iterdir()
    recipe, preset = Run(folder).job.recipe, RECIPES[name]
    assert recipe.architecture == default_architecture("cnn", (1, 8, 8), 10, preset)
    assert recipe.epochs == default_epochs("cnn", 1437, 128, preset)
    assert (recipe.augment, recipe.stop_at) == (preset.augment["cnn"], preset.stop_at)
    assert recipe.weight_decay == preset.weight_decay["cnn"]
    assert recipe.average == 0.5, "what is said counts"


@pytest.mark.parametrize(
    ("said", "decay"),
    [
        ((), 0.05),
        (("--optimizer", "momentum"), 0.0),
        (("--optimizer", "momentum", "--weight-decay", 0.01), 0.01),
        (("--weight-decay", 0), 0.0),
        (("--recipe", "fast"), 0.0),
    ],
)
def test_the_decay_of_a_recipe_is_for_adam(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch, said: tuple[Any, ...], decay: float
) -> None:
    monkeypatch.setattr(
        "pipeline.steps.train", lambda run, *_: run.save(Network(parse(run.job.recipe.architecture), run.job.shape))
    )
    assert pipeline("train", "fnn", "--dataset", "digits", "--runs", "r", "--no-publish", *said).code == 0
    (folder,) = Path("r").iterdir()
    assert Run(folder).job.recipe.weight_decay == decay


def test_it_stops_when_the_validation_split_is_answered_well_enough(pipeline: Any) -> None:
    options = ("--dataset", "digits", "--augment", "none", "--epochs", 60, "--stop-at", 0.9, "--runs", "r")
    assert pipeline("train", "fnn", *options, "--no-publish").code == 0
    (folder,) = Path("r").iterdir()
    reached = [line["validation_accuracy"] >= 0.9 for line in Run(folder).history]
    assert reached == [False] * (len(reached) - 1) + [True]
    assert len(reached) < 60


@pytest.mark.parametrize("workers", [1, 2])
def test_the_profile_shows_every_layer_against_the_machine(pipeline: Any, workers: int) -> None:
    text = "INPUT 1x8x8 -> CONV 4@3x3 relu -> POOL max 2x2 -> FC 20 tanh -> FC 10 softmax"
    options = ("--dataset", "digits", "--architecture", text, "--epochs", 2, "--workers", workers, "--no-publish")
    said = pipeline("train", "cnn", *options, "--profile")
    assert said.code == 0
    printed = said.out[said.out.index("where the time went") : said.out.index("true label down")]
    rows = {row[0]: row[1:] for row in cells(printed)}
    for name in ("conv1 relu1 pool1", "fc1", "fc2"):
        forward, there, _, backward, back, _, _ = rows[name]
        assert float(forward) >= 0
        assert float(backward) >= 0
        assert float(there) > 0
        assert float(back) > 0
    for name in ("tanh1", "step of the optimizer", "taking the examples, augmentation", "loss, validation, the rest"):
        assert name in rows
    assert sum(int(row[-1].rstrip("%")) for row in rows.values()) == pytest.approx(100, abs=len(rows))
    assert re.search(r"peak of its core is \d+ GFLOP/s \(\w+ [\d.]+, \w+ kernels\)", said.out)


# ---------------------------------------------------------------- step by step
def test_the_steps_one_by_one(pipeline: Any, trained: Any, run: Path) -> None:
    said = pipeline("evaluate", run)
    assert said.code == 0
    assert re.search(r"test: accuracy .*", said.out)[0] in trained.said.out
    assert f"report: {run / 'report' / 'index.html'}" in said.out

    said = pipeline("export", run)
    assert said.code == 0
    assert f"exported to {run / 'export'}" in said.out
    for path in (trained.run / "export").glob("*.onnx"):
        assert (run / "export" / path.name).read_bytes() == path.read_bytes()

    assert pipeline("publish", run, "--store", "s").out == f"published {Path('s/fnn/1')}\n"
    assert pipeline("publish", run, "--store", "s").out == f"published {Path('s/fnn/2')}\n"
    assert [row[:3] for row in cells(pipeline("models", "--store", "s").out)] == [
        ["fnn", "1", ""],
        ["fnn", "2", "current"],
    ]


def test_models_shows_what_the_manifest_says(pipeline: Any, trained: Any) -> None:
    manifest = json.loads((trained.store / "fnn" / "1" / "manifest.json").read_text())
    (row,) = cells(pipeline("models", "--store", trained.store).out)
    assert row[:5] == ["fnn", "1", "current", f"{manifest['metrics']['accuracy']:.2%}", "50,610"]
    assert row[6] == manifest["created"]


def test_promote_and_back(pipeline: Any, store: Path) -> None:
    assert pipeline("promote", "fnn", 1, "--store", store).out == "fnn: version 1 is current\n"
    assert [row[2] for row in cells(pipeline("models", "--store", store).out)] == ["current", ""]
    assert pipeline("promote", "fnn", "newest", "--store", store).out == "fnn: version 2 is current\n"
    assert [row[2] for row in cells(pipeline("models", "--store", store).out)] == ["", "current"]


def test_the_environment_says_where_the_store_is(pipeline: Any, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMSERVE_STORE", str(store))
    assert len(cells(pipeline("models").out)) == 2


# ---------------------------------------------------------------- runs
@pytest.fixture
def two(trained: Any, run: Path, tmp_path: Path) -> Path:
    """A folder with a published run called “done”, and one called “half” that was interrupted in its third epoch."""
    folder = tmp_path / "two"
    folder.mkdir()
    shutil.copytree(trained.run, folder / "done")
    half = Run(run.rename(folder / "half"))
    (half.folder / "weights.npz").unlink()
    lines = (half.folder / "history.jsonl").read_text().splitlines()
    (half.folder / "history.jsonl").write_text("\n".join([*lines[:2], lines[2][:40]]))
    config = half.read_json("config.json")
    half.write_json("config.json", {**config, "name": "other", "recipe": {**config["recipe"], "optimizer": "sgd"}})
    return folder


@pytest.mark.parametrize("name", ["show", "compare"])
def test_commands_on_runs_have_help(pipeline: Any, name: str) -> None:
    said = pipeline("runs", name, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: pipeline runs {name}")
    assert "--debug" in said.out


def test_runs(pipeline: Any, two: Path, trained: Any) -> None:
    said = pipeline("runs", "--runs", two)
    history, metrics = Run(trained.run).history, Run(trained.run).read_json("metrics.json")
    assert (said.code, said.err) == (0, "")
    done, half = cells(said.out)
    best, seconds = (max(line["validation_accuracy"] for line in history), sum(line["seconds"] for line in history))
    assert done[:5] == ["done", "fnn", "fnn", "exported", "12/12"]
    assert done[5:8] == [f"{best:.2%}", f"{metrics['accuracy']:.2%}", f"{seconds:.1f}"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", done[8])
    assert half[:5] == ["half", "other", "fnn", "interrupted", "2/12"]
    assert half[6] == ""


def test_runs_takes_the_folder_from_the_environment(pipeline: Any, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMSERVE_RUNS", str(two))
    assert len(cells(pipeline("runs").out)) == 2
    assert pipeline("runs", "show", "half").code == 0


def test_what_is_no_run_is_listed_and_hides_no_other(pipeline: Any, two: Path) -> None:
    (two / "holiday").mkdir()
    (two / "no utf-8 \udc80").mkdir()
    (two / "done" / "metrics.json").write_text("{")
    said = pipeline("runs", "--runs", two)
    assert said.code == 0
    assert [row[0] for row in cells(said.out)] == ["half"]
    assert re.search(r"^holiday: damaged: .*config\.json: expected .* is this a run folder\?$", said.out, re.MULTILINE)
    assert "no utf-8 ?: damaged: " in said.out
    assert re.search(r"^done: damaged: .*metrics\.json: expected a JSON file", said.out, re.MULTILINE)


def test_a_folder_without_runs(pipeline: Any, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    said = pipeline("runs")
    assert (said.code, said.out) == (0, "no runs in runs yet: `pipeline train` makes them\n")


@pytest.mark.parametrize("arguments", [("runs", "show", "--runs", "two"), ("runs", "--runs", "two", "show")])
def test_runs_show(pipeline: Any, two: Path, trained: Any, arguments: tuple[str, ...]) -> None:
    said = pipeline(*arguments, "done")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("two/done: exported, 12/12 epochs\n")
    told = {row[0]: row[1] for row in cells(said.out) if len(row) == 2}
    assert told["architecture"].startswith("INPUT 64 -> FC 300 relu")
    assert (told["learning rate"], told["train"], told["example"]) == ("0.003", "1,293", "1x8x8")
    assert told["numpy"] == np.__version__
    assert told["accuracy"] == f"{Run(trained.run).read_json('metrics.json')['accuracy']:.2%}"
    assert {"config.json", "history.jsonl", "weights.npz", "metrics.json", "report/index.html", "export"} <= set(told)
    assert [row[0] for row in cells(said.out) if len(row) == 8] == [str(epoch) for epoch in range(1, 13)]


def test_runs_show_takes_a_path_and_tells_of_a_run_that_is_half_done(pipeline: Any, two: Path) -> None:
    said = pipeline("runs", "show", "two/half")
    assert said.code == 0
    assert "two/half: interrupted, 2/12 epochs\n" in said.out
    assert [row[0] for row in cells(said.out) if len(row) == 8] == ["1", "2"]
    told = {row[0] for row in cells(said.out)}
    assert not {"calibration error", "weights.npz", "metrics.json", "export"} & told


def test_runs_show_chooses_among_many_epochs(pipeline: Any, two: Path) -> None:
    run = Run(two / "half")
    (line, _) = run.history
    (run.folder / "history.jsonl").unlink()
    for epoch in range(1, 101):
        run.append_history({**line, "epoch": epoch})
    said = pipeline("runs", "show", "two/half")
    assert "history: 30 of 100 epochs, evenly chosen" in said.out
    shown = [int(row[0]) for row in cells(said.out) if len(row) == 8]
    assert (len(shown), shown[0], shown[-1]) == (30, 1, 100)
    assert set(np.diff(shown)) == {3, 4}


def test_runs_compare(pipeline: Any, two: Path) -> None:
    said = pipeline("runs", "--runs", "two", "compare", "done", "two/half")
    assert (said.code, said.err) == (0, "")
    rows = {row[0]: row[1:] for row in cells(said.out)}
    assert rows["optimizer"] == ["adam", "sgd"]
    assert rows["model"] == ["fnn", "other"]
    assert "epochs" in rows
    assert "learning rate" not in rows, "it is the same"
    assert rows["state"] == ["exported", "interrupted"]
    assert rows["epochs"] == ["12/12", "2/12"]
    assert rows["test accuracy"][0].endswith("%")
    assert rows["test accuracy"][1] == ""
    assert re.fullmatch(r"\d\d\.\d\d% \(epoch \d+\)", rows["best validation"][0])
    assert said.out.endswith("curves: runs-compared.png\n")
    assert Path("runs-compared.png").read_bytes().startswith(b"\x89PNG")


def test_runs_compare_draws_where_it_is_told(pipeline: Any, two: Path) -> None:
    said = pipeline("runs", "compare", "--plot", "two/curves.png", "--runs", "two", "done", "done", "half")
    assert said.out.endswith("curves: two/curves.png\n")
    assert (two / "curves.png").is_file()
    assert not Path("runs-compared.png").exists()


def test_runs_that_are_not_told(pipeline: Any, two: Path) -> None:
    for arguments, code, words in (
        (("runs", "--runs", "nowhere"), 7, "nowhere: expected a folder of runs, but No such file or directory"),
        (("runs", "--runs", "two", "show", "dune"), 7, "dune: expected a run folder, or the name of one in two"),
        (("runs", "--runs", "two", "compare", "done", "dune"), 7, "did you mean done?"),
        (("runs", "--runs", "two", "show", ".."), 7, "is this a run folder?"),
        (("runs", "--runs", "two", "compare", "done"), 2, "two runs or more, got one; `pipeline runs show done`"),
        (("runs", "--runs", "two", "compare"), 2, "Missing argument"),
        (("runs", "--runs", "two", "compare", "done", "half", "--plot", "x.svg"), 2, "a .png file, got “x.svg”"),
        (("runs", "--runs", "two", "compare", "done", "half", "--plot", "no/x.png"), 7, "choose another --plot"),
        (("runs", "fly"), 2, "No such command 'fly'"),
    ):
        said = pipeline(*arguments)
        assert said.code == code, arguments
        assert words in said.err
        assert "Traceback" not in said.err


# ---------------------------------------------------------------- predict
def test_predict(pipeline: Any, trained: Any, pictures: list[str]) -> None:
    said = pipeline("predict", "fnn", *pictures, "--store", trained.store)
    rows = cells(said.out)
    assert said.code == 0
    assert len(rows) == 20
    pattern = re.compile(r"(\d) (\d+\.\d)%")
    for row in rows:
        shares = [float(pattern.fullmatch(cell)[2]) for cell in row[1:]]
        assert len(shares) == 3
        assert shares == sorted(shares, reverse=True)
    right = [row[0][0] == row[1][0] for row in rows]
    assert sum(right) >= 17


def test_predict_by_version_and_top_k(pipeline: Any, store: Path, pictures: list[str]) -> None:
    said = pipeline("predict", "fnn", pictures[0], "--version", 1, "--top-k", 10, "--store", store)
    ((_, *answers),) = cells(said.out)
    assert sorted(answer[0] for answer in answers) == list("0123456789")
    assert pipeline("predict", "fnn", pictures[0], "--top-k", 99, "--store", store).code == 0


def test_predict_names_a_bad_picture_and_answers_for_the_others(
    pipeline: Any, trained: Any, pictures: list[str], tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes((tmp_path / pictures[0]).read_bytes()[:40])
    said = pipeline("predict", "fnn", pictures[0], "broken.png", "none.png", pictures[1], "--store", trained.store)
    assert said.code == 3
    assert len(cells(said.out)) == 2
    assert "broken.png" in said.err
    assert "none.png" in said.err


def test_names_in_square_brackets_are_shown_as_they_are(
    pipeline: Any, trained: Any, pictures: list[str], tmp_path: Path
) -> None:
    (tmp_path / pictures[0]).rename(tmp_path / "[bold] [red].png")
    said = pipeline("predict", "fnn", "[bold] [red].png", "--store", trained.store)
    assert said.code == 0
    assert "[bold] [red].png" in said.out


# ---------------------------------------------------------------- data of one's own
def coloured(folder: Path) -> Path:
    """Eight pictures each of red, green and blue with a little noise, of many sizes and formats."""
    rng = np.random.default_rng(1)
    for channel, name in enumerate(("red", "green", "blue")):
        (folder / name).mkdir(parents=True)
        for at, suffix in enumerate(["png", "jpg", "bmp", "gif"] * 2):
            pixels = rng.integers(0, 60, (20 + at, 30 - at, 3), np.uint8)
            pixels[..., channel] += 180
            Image.fromarray(pixels).save(folder / name / f"{at}.{suffix}")
    return folder


def test_a_folder_of_colour_pictures(pipeline: Any, tmp_path: Path) -> None:
    folder = coloured(tmp_path / "colours").relative_to(tmp_path)
    (folder / "red" / "torn.png").write_bytes(b"\x89PNG torn")
    said = pipeline(
        *("train", "cnn", "--dataset", folder, "--name", "colours", "--epochs", 30, "--batch-size", 4),
        *(
            "--learning-rate",
            0.01,
            "--architecture",
            "INPUT 3x8x8 -> CONV 4@3x3 relu -> POOL max 2x2 -> FC 3 softmax",
            "--workers",
            1,
        ),
    )
    assert said.code == 0
    assert "torn.png" in said.err
    assert "1 of 25 pictures could not be read" in said.err
    manifest = json.loads(Path("models/colours/1/manifest.json").read_text())
    assert manifest["labels"] == ["blue", "green", "red"]
    assert manifest["input"]["shape"] == ["N", 3, 8, 8]
    assert manifest["training"]["dataset"]["pictures"] == "photo"
    said = pipeline("predict", "colours", *(folder / name / "0.png" for name in manifest["labels"]))
    assert [row[1].split()[0] for row in cells(said.out)] == manifest["labels"]


def test_features_from_a_file(pipeline: Any, pictures: list[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 120)
    X = rng.normal(size=(120, 4)) + 3 * np.eye(3, 4)[labels]
    np.savez(tmp_path / "flowers.npz", X=X, y=labels, label_names=np.array(["[/a]", "[red]", "plain"]))
    said = pipeline("train", "fnn", "--dataset", "flowers.npz", "--name", "flowers", "--epochs", 20, "--workers", 1)
    assert said.code == 0, said.err
    assert "[/a]" in said.out, "labels are no markup"
    version = Path("models/flowers/1")
    manifest = json.loads((version / "manifest.json").read_text())
    assert manifest["input"] == {"kind": "features", "name": "features", "shape": ["N", 4], "dtype": "float32"}
    assert manifest["metrics"]["accuracy"] > 0.8
    assert not (version / "preprocess.onnx").exists()
    said = pipeline("predict", "flowers", pictures[0])
    assert said.code == 3
    assert "takes plain numbers, not pictures" in said.err


# ---------------------------------------------------------------- data check
@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """The digits' test set in files, with a copy of one in the test set, one mislabelled, one torn."""
    test, home = digits.load().test, tmp_path / "marked"
    for at in range(360):
        folder = home / ("train" if at < 300 else "test") / str(test.labels[at])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(test.X[at, 0]).save(folder / f"{at}.png")
    (label,) = {str(test.labels[0])}
    shutil.copy(home / "train" / label / "0.png", home / "test" / label / "copy.png")
    (home / "train" / str(test.labels[1]) / "1.png").rename(
        home / "train" / str((test.labels[1] + 1) % 10) / "wrong.png"
    )
    (home / "train" / "0" / "[torn].png").write_text("no")
    return home.relative_to(tmp_path)


def test_data_check_of_a_folder(pipeline: Any, trained: Any, marked: Path) -> None:
    said = pipeline("data", "check", marked, "--model", "fnn", "--store", trained.store)
    rows = cells(said.out)
    assert said.code == 0, said.err
    assert said.out.startswith("marked: 300 to learn from, 61 to test on\n")
    assert ["commonest", "8 x 8", "361"] in [row[:3] for row in rows]
    assert [row[0] for row in rows[:10]] == list("0123456789")
    assert sum(int(row[1]) for row in rows[:10]) == 300
    assert "cannot be read: 1\n  marked/train/0/[torn].png: expected a whole PNG" in said.out
    assert ["the same", "1", "0", "0", "0"] in rows
    (copy,) = [row for row in rows if row[2].endswith("copy.png")]
    assert copy[0].endswith("/0.png")
    (wrong,) = [row for row in rows if row[0].endswith("wrong.png")]
    assert wrong[2] == str(digits.load().test.labels[1])
    assert "looking at marked: 362 of 362 pictures" in said.err


def test_data_check_of_digits(pipeline: Any) -> None:
    said = pipeline("data", "check", "digits")
    assert said.code == 0
    assert said.out.startswith("digits: 1,437 to learn from, 360 to test on; each is 1x8x8\n")
    assert "suspects" not in said.out
    assert "the model says" not in said.out


def test_data_check_of_features(pipeline: Any, tmp_path: Path) -> None:
    X = np.random.default_rng(1).normal(size=(60, 4))
    X[3] = X[50]
    np.savez(tmp_path / "data.npz", X=X, y=[0] * 50 + [1] * 10)
    said = pipeline("data", "check", "data.npz")
    assert said.code == 0
    assert "each is 4" in said.out
    assert "nearly" not in said.out
    assert {"row 3", "row 50"} == {cell for row in cells(said.out) for cell in row if cell.startswith("row")}
    assert "Fewer than 20 to learn from: 1 (8)." in said.out


def test_data_check_of_very_many_labels(pipeline: Any, tmp_path: Path) -> None:
    y = np.repeat(np.arange(100), np.arange(2, 102))
    np.savez(tmp_path / "data.npz", X=np.random.default_rng(1).normal(size=(len(y), 4)), y=y)
    said = pipeline("data", "check", "data.npz")
    assert "examples of 100 labels: the 20 rarest, then the 20 commonest\n" in said.out
    assert [row[0] for row in cells(said.out)][:40] == [str(n) for n in [*range(20), *range(80, 100)]]
    assert "Fewer than 20 to learn from: 0 (1), 1 (2), " in said.out
    assert re.search(r"and \d+ more\.", said.out)


def test_data_check_with_a_model_of_something_else(pipeline: Any, trained: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", X=np.zeros((60, 4)), y=np.arange(60) % 2)
    said = pipeline("data", "check", "data.npz", "--model", "fnn", "--store", trained.store)
    assert said.code == 0
    assert "expected a model of examples 4, it takes 1x8x8: no suspects were looked for" in said.out
