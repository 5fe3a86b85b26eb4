"""Which runs there are, how far each has come and in what they differ; whatever else lies in their folder."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RunError
from pipeline.training import runs
from pipeline.training.recipe import Recipe
from pipeline.training.run import Job, Run

FACTS = {"name": "digits", "sha256": "0" * 64, "labels": ["a", "b"], "shape": [4], "train": 9, "validation": 1}
JOB = Job("fnn", "fnn", "digits", None, None, Recipe("INPUT 4 -> FC 2 softmax", epochs=5), FACTS)
METRICS = {"samples": 10, "accuracy": 0.9, "loss": 0.5, "expected_calibration_error": 0.1}


def line(epoch: int, accuracy: float) -> dict[str, float]:
    return {"epoch": epoch, "seconds": 1.5, "train_loss": 0.5, "validation_accuracy": accuracy}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that has begun."""
    return Run.create(tmp_path / "runs", JOB)


def trained(run: Run) -> None:
    (run.folder / "weights.npz").write_bytes(b"")


def evaluated(run: Run) -> None:
    trained(run)
    run.write_json("metrics.json", METRICS)


def exported(run: Run) -> None:
    evaluated(run)
    (run.folder / "export").mkdir()
    run.write_json("export/parity.json", {})


def half_done(run: Run) -> None:
    run.append_history(line(1, 0.5))
    (run.folder / "checkpoints").mkdir()
    (run.folder / "checkpoints" / "7.checkpoint").write_bytes(b"")


# ---------------------------------------------------------------- states
@pytest.mark.parametrize(
    ("left", "state"),
    [
        (lambda run: None, "interrupted"),
        (half_done, "interrupted"),
        (trained, "trained"),
        (evaluated, "evaluated"),
        (exported, "exported"),
    ],
    ids=["nothing", "a checkpoint", "weights", "metrics", "parity"],
)
def test_the_state_is_told_by_the_files(run: Run, left: Callable[[Run], None], state: str) -> None:
    left(run)
    assert runs.state(run) == state
    (run.folder / "lock").touch()
    assert runs.state(run) == state, "a lock that nobody holds says nothing"


def test_a_run_whose_lock_another_process_holds_is_running(run: Run) -> None:
    exported(run)
    program = (
        "import fcntl, sys\n"
        "lock = open(sys.argv[1], 'ab')\n"
        "fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(run.folder / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert runs.running(run)
        assert runs.state(run) == "running"
        process.stdin.close()
    assert not runs.running(run)
    assert runs.state(run) == "exported"


def test_who_only_looks_is_not_seen(run: Run) -> None:
    with (run.folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        assert not runs.running(run)


# ---------------------------------------------------------------- what a run has come to
def test_a_summary(run: Run) -> None:
    evaluated(run)
    for epoch, accuracy in enumerate([0.25, 0.75, 0.5, 0.75], 1):
        run.append_history(line(epoch, accuracy))
    assert runs.summary(run) == runs.Summary(
        run.folder,
        "evaluated",
        name="fnn",
        kind="fnn",
        started=JOB.started,
        done=4,
        epochs=5,
        best=0.75,
        best_epoch=2,
        seconds=6.0,
        test=METRICS,
    )


def test_a_summary_of_a_run_that_has_just_begun(run: Run) -> None:
    found = runs.summary(run)
    assert (found.done, found.best, found.best_epoch, found.seconds, found.test) == (0, None, None, 0, {})


def test_an_epoch_that_was_cut_off_while_it_was_written_does_not_count(run: Run) -> None:
    run.append_history(line(1, 0.5))
    with (run.folder / "history.jsonl").open("a") as file:
        file.write('{"epoch": 2, "seco')
    assert runs.summary(run).done == 1


# ---------------------------------------------------------------- finding
def test_the_listing_is_sorted_by_name(tmp_path: Path) -> None:
    first, second = (Run.create(tmp_path, replace(JOB, name=name)) for name in ("b", "a"))
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes.txt").touch()
    found, damaged = runs.listing(tmp_path)
    assert [each.folder for each in found] == sorted([first.folder, second.folder])
    assert damaged == {}


def set_config(run: Run, **changed: Any) -> None:
    run.write_json("config.json", {**run.read_json("config.json"), **changed})


DAMAGE: dict[str, tuple[Callable[[Run], object], str]] = {
    "no config": (lambda run: (run.folder / "config.json").unlink(), r"config\.json.*is this a run folder"),
    "config torn": (lambda run: (run.folder / "config.json").write_text("{"), r"config\.json.*expected a JSON file"),
    "config no text": (lambda run: (run.folder / "config.json").write_bytes(b"\xff"), r"config\.json.*a JSON file"),
    "another config": (lambda run: (run.folder / "config.json").write_text('{"a": 1}'), r"the job of a run"),
    "a list": (lambda run: (run.folder / "config.json").write_text("[]"), r"the job of a run"),
    "no dataset": (lambda run: set_config(run, dataset={}), "KeyError"),
    "epochs no number": (lambda run: set_config(run, recipe={"architecture": "", "epochs": "x"}), "ValueError"),
    "history": (
        lambda run: (run.folder / "history.jsonl").write_text("{}\n}\n{}\n"),
        r"history\.jsonl: expected a line",
    ),
    "history no dicts": (lambda run: (run.folder / "history.jsonl").write_text("1\n"), "TypeError"),
    "history of others": (lambda run: (run.folder / "history.jsonl").write_text("{}\n"), "KeyError"),
    "metrics torn": (lambda run: (run.folder / "metrics.json").write_text("{"), r"metrics\.json"),
    "metrics of others": (lambda run: (run.folder / "metrics.json").write_text("null"), "TypeError"),
    "metrics a folder": (lambda run: (run.folder / "metrics.json").mkdir(), r"metrics\.json"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_damaged_is_listed_with_the_reason_and_the_others_as_ever(tmp_path: Path, name: str) -> None:
    damage, why = DAMAGE[name]
    whole, other = Run.create(tmp_path, JOB), Run.create(tmp_path, JOB)
    damage(other)
    found, damaged = runs.listing(tmp_path)
    assert [each.folder for each in found] == [whole.folder]
    assert list(damaged) == [other.folder]
    with pytest.raises(RunError, match=why):
        runs.summary(other)


def test_a_folder_of_runs_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("nowhere", "file"):
        with pytest.raises(RunError, match=rf"{name}: expected a folder of runs, but .* choose another --runs"):
            runs.listing(tmp_path / name)


def test_a_run_is_found_by_its_name_or_its_path(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = run.folder.name
    assert runs.find(Path("runs"), name).folder == Path("runs") / name
    assert runs.find(Path("nowhere"), f"runs/{name}").folder == run.folder
    assert runs.find(Path("runs"), str(run.folder)).folder == run.folder
    os.chdir(run.folder)
    assert runs.find(Path("runs"), ".").folder.name == name


def test_a_run_that_is_not_there(run: Run) -> None:
    near = f"{run.folder.name}x"
    with pytest.raises(RunError, match=f"{near}: expected a run folder, .* did you mean {run.folder.name}\\?"):
        runs.find(run.folder.parent, near)
    with pytest.raises(RunError, match="there is neither: `pipeline runs` lists"):
        runs.find(run.folder / "nowhere", "zzz")


# ---------------------------------------------------------------- differences
def test_only_what_differs_is_told() -> None:
    other = replace(JOB, name="b", recipe=replace(JOB.recipe, learning_rate=0.5), dataset={**FACTS, "sha256": "1" * 64})
    newer = replace(other, versions={**JOB.versions, "numpy": "9.9"}, started="tomorrow")
    assert runs.differences([JOB, JOB]) == {}
    assert runs.differences([JOB, other, newer]) == {
        "model": ["fnn", "b", "b"],
        "learning rate": ["0.001", "0.5", "0.5"],
        "SHA-256 of the data": ["0" * 12, "1" * 12, "1" * 12],
        "numpy": [JOB.versions["numpy"], JOB.versions["numpy"], "9.9"],
    }


def test_what_one_of_them_says_nothing_of() -> None:
    silent = replace(JOB, versions={name: of for name, of in JOB.versions.items() if name != "onnx"})
    assert runs.differences([JOB, silent]) == {"onnx": [JOB.versions["onnx"], ""]}


def test_settings_are_words(run: Run) -> None:
    assert runs.configuration(JOB)["batch size"] == "128"
    assert json.loads(json.dumps(runs.settings(run.job))) == runs.settings(JOB)
    assert "command" not in runs.settings(JOB)
