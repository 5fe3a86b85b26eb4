"""The run folder: what was put in comes out, and what is missing or damaged is named."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import digits
from pipeline.errors import RunError
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training import run as runs
from pipeline.training.environment import versions
from pipeline.training.recipe import Recipe
from pipeline.training.run import Job, Run, describe

TEXT = "INPUT 64 -> FC 5 relu -> FC 10 softmax"
FACTS = {
    "name": "digits",
    "sha256": "0" * 64,
    "labels": list("0123456789"),
    "shape": [1, 8, 8],
    "pictures": "ink",
    "train": 1293,
    "validation": 144,
    "test": 360,
}
JOB = Job("fnn", "fnn", "digits", None, None, Recipe(TEXT, batch_size="full"), FACTS)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "runs", JOB)


@pytest.fixture
def network() -> Network:
    made = Network(parse(TEXT), (1, 8, 8))
    made.initialise(np.random.default_rng(1))
    return made


def test_the_job_comes_out_as_it_went_in(run: Run) -> None:
    assert run.job == JOB
    assert run.job.recipe.batch_size == "full"
    assert run.job.labels == tuple("0123456789")
    assert run.job.shape == (1, 8, 8)
    assert set(versions()) >= {"numserve", "numpy", "onnx", "onnxruntime", "python"} <= set(run.job.versions)


def test_describe_counts_what_is_held_out() -> None:
    facts = describe(digits.load(), 144)
    assert {key: facts[key] for key in FACTS if key != "sha256"} == {k: v for k, v in FACTS.items() if k != "sha256"}


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = runs.now()
    monkeypatch.setattr(runs, "now", lambda: moment)
    folders = [Run.create(tmp_path, JOB).folder.name for _ in range(3)]
    first = f"{moment:%Y%m%d-%H%M%S}-fnn"
    assert folders == [first, f"{first}-2", f"{first}-3"]


def test_the_history_grows_line_by_line(run: Run) -> None:
    assert run.history == []
    run.append_history({"epoch": 1, "train_loss": 0.5})
    run.append_history({"epoch": 2, "train_loss": 0.25})
    assert run.history == [{"epoch": 1, "train_loss": 0.5}, {"epoch": 2, "train_loss": 0.25}]


def test_the_network_comes_back_bit_by_bit(run: Run, network: Network) -> None:
    run.save(network)
    assert run.network().theta.tobytes() == network.theta.tobytes()
    assert sorted(os.listdir(run.folder)) == ["config.json", "weights.npz"], "nothing is left beside"


def test_weights_that_are_not_there_yet(run: Run) -> None:
    with pytest.raises(RunError, match=r"weights\.npz.*there are none yet, nor a whole checkpoint: train it first"):
        run.network()


@pytest.mark.parametrize(
    "theta",
    [np.zeros(7, np.float32), np.zeros(1, np.float32), np.zeros(385, object), None],
    ids=["7", "1", "objects", "torn"],
)
def test_weights_that_are_damaged(run: Run, theta: np.ndarray | None) -> None:
    path = run.folder / "weights.npz"
    path.write_bytes(b"PK\x03\x04 torn") if theta is None else np.savez(path, theta=theta)
    with pytest.raises(RunError, match=r"weights\.npz: expected 385 parameters"):
        run.network()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"recipe": {}}', '{"recipe": {"no": 1}}'])
def test_a_config_that_is_damaged(run: Run, text: str) -> None:
    (run.folder / "config.json").write_text(text)
    with pytest.raises(RunError, match=r"config\.json: expected"):
        _ = run.job


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"config\.json.*is this a run folder\?"):
        _ = Run(tmp_path).job


@pytest.mark.parametrize(("name", "step"), [("metrics.json", "evaluate"), ("export/parity.json", "export")])
def test_a_step_that_was_left_out_is_named(run: Run, name: str, step: str) -> None:
    with pytest.raises(RunError, match=f"`pipeline {step} .*` makes it"):
        run.read_json(name)


def test_runs_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot make a run folder there .* choose another --runs"):
        Run.create(tmp_path / "file" / "runs", JOB)


def test_the_json_is_readable(run: Run) -> None:
    run.write_json("metrics.json", {"label": "zwölf"})
    text = (run.folder / "metrics.json").read_text()
    assert json.loads(text) == run.read_json("metrics.json") == {"label": "zwölf"}
    assert "zwölf" in text
    assert replace(JOB, name="other") != JOB
