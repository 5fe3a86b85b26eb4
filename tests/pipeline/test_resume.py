"""Training as a user runs it, interrupted and resumed: nothing is lost, nothing is done twice, everything is said."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline import files
from pipeline.training.run import Run

TEXT = "INPUT 64 -> FC 20 relu -> DROPOUT 0.2 -> FC 10 softmax"
OPTIONS = ("--dataset", "digits", "--architecture", TEXT, "--epochs", 6, "--workers", 1)
MODEL = Path("models/fnn/1/model.onnx")


def the_run(runs: str = "runs") -> Run:
    (folder,) = Path(runs).iterdir()
    return Run(folder)


@pytest.fixture
def uninterrupted(pipeline: Any) -> str:
    """The SHA-256 of the model that comes of a training that nothing interrupts."""
    assert pipeline("train", "fnn", *OPTIONS, "--runs", "calm", "--store", "calm-models").code == 0
    return files.sha256(Path("calm-models/fnn/1/model.onnx"))


@pytest.fixture
def interrupted(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Trains until a step, at which a signal comes."""

    def until(step: int, number: int = signal.SIGINT, *more: object) -> Any:
        from pipeline.training.loop import Training

        tell = Training.tell

        def told(self: Training, progress: Any) -> None:
            if self.steps_taken == step:
                os.kill(os.getpid(), number)
            tell(self, progress)

        with monkeypatch.context() as context:
            context.setattr(Training, "tell", told)
            return pipeline("train", "fnn", *OPTIONS, *more)

    return until


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_checkpoint_and_resume_goes_on(
    pipeline: Any, interrupted: Any, uninterrupted: str, number: int, code: int
) -> None:
    said = interrupted(17, number)
    run = the_run()
    assert (said.code, said.err.count("\n")) == (code, 1)
    assert f"{run.folder} keeps where it stands; the same command with --resume goes on" in said.err
    assert not run.trained
    assert not Path("models").exists()
    assert [path.name for path in run.checkpoints.folder.iterdir()] == ["000000017.checkpoint"]
    said = pipeline("train", "fnn", *OPTIONS, "--resume")
    assert said.code == 0
    assert "going on from epoch 2, after 6 of its steps" in said.out
    assert the_run() == run
    assert files.sha256(MODEL) == uninterrupted
    assert [line["epoch"] for line in run.history] == [1, 2, 3, 4, 5, 6]


def test_again_and_again(pipeline: Any, interrupted: Any, uninterrupted: str) -> None:
    for step in (1, 12, 30, 31, 66):
        assert interrupted(step, signal.SIGTERM, "--resume").code == 143
    assert pipeline("train", "fnn", *OPTIONS, "--resume").code == 0
    assert the_run().trained
    assert files.sha256(MODEL) == uninterrupted


def test_a_damaged_checkpoint_is_named_and_the_one_before_taken(
    pipeline: Any, interrupted: Any, uninterrupted: str
) -> None:
    interrupted(17, signal.SIGINT, "--checkpoint-every", 5)
    newest = the_run().checkpoints.folder / "000000017.checkpoint"
    newest.write_bytes(newest.read_bytes()[:1000])
    said = pipeline("train", "fnn", *OPTIONS, "--resume")
    assert f"{newest}: passed over, this checkpoint is damaged" in said.out
    assert "going on from epoch 2, after 4 of its steps" in said.out
    assert files.sha256(MODEL) == uninterrupted


def test_without_a_whole_checkpoint_it_begins_anew(pipeline: Any, interrupted: Any, uninterrupted: str) -> None:
    interrupted(17)
    shutil.rmtree(the_run().checkpoints.folder)
    said = pipeline("train", "fnn", *OPTIONS, "--resume")
    assert "going on from the beginning" in said.out
    assert len(the_run().history) == 6
    assert files.sha256(MODEL) == uninterrupted


def test_a_run_of_other_options_is_not_gone_on_with(pipeline: Any, interrupted: Any) -> None:
    interrupted(17)
    assert pipeline("train", "fnn", *OPTIONS, "--seed", 2, "--resume").code == 0
    assert len(list(Path("runs").iterdir())) == 2
    assert "going on" not in Path("runs").joinpath(max(os.listdir("runs")), "log.txt").read_text()


def test_without_resume_it_is_a_new_run(pipeline: Any, interrupted: Any) -> None:
    interrupted(17)
    assert pipeline("train", "fnn", *OPTIONS).code == 0
    assert len(list(Path("runs").iterdir())) == 2


def test_what_is_published_is_not_done_again(pipeline: Any) -> None:
    assert pipeline("train", "fnn", *OPTIONS, "--resume").code == 0
    said = pipeline("train", "fnn", *OPTIONS, "--resume")
    assert said.code == 0
    assert "nothing left to do: this run is published as fnn, version 1" in said.out
    assert os.listdir("models/fnn") == ["1"]
    shutil.rmtree("models/fnn")
    assert "published" in pipeline("train", "fnn", *OPTIONS, "--resume").out
    assert MODEL.exists(), "what is gone from the store is published again, without a training"
    assert len(list(Path("runs").iterdir())) == 1


def test_a_run_of_the_same_name_elsewhere_is_another(pipeline: Any) -> None:
    """As two containers make them that begin in the same second, each with a folder of runs of its own."""
    assert pipeline("train", "fnn", *OPTIONS, "--runs", "here").code == 0
    assert pipeline("train", "fnn", *OPTIONS, "--seed", 2, "--runs", "there", "--no-publish").code == 0
    first, second = the_run("here").folder, the_run("there").folder
    second.rename(Path("there") / first.name)
    assert "published" in pipeline("train", "fnn", *OPTIONS, "--seed", 2, "--runs", "there", "--resume").out
    assert sorted(os.listdir("models/fnn")) == ["1", "2"]


def test_a_damaged_version_in_the_store_stands_in_nobodys_way(pipeline: Any) -> None:
    assert pipeline("train", "fnn", *OPTIONS).code == 0
    Path("models/fnn/1/manifest.json").write_text("{")
    assert pipeline("train", "fnn", *OPTIONS, "--resume").code == 0
    assert sorted(os.listdir("models/fnn")) == ["1", "2"]


def test_the_environment_can_ask_for_it(pipeline: Any, interrupted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMSERVE_RESUME", "1")
    interrupted(17)
    assert "going on from epoch 2" in pipeline("train", "fnn", *OPTIONS).out


def test_an_interrupted_run_can_be_taken_as_it_is(pipeline: Any, interrupted: Any, uninterrupted: str) -> None:
    interrupted(40)
    folder = the_run().folder
    for command in ("evaluate", "export", "publish"):
        assert pipeline(command, folder).code == 0
    assert files.sha256(MODEL) != uninterrupted
    shutil.rmtree("models")
    assert pipeline("train", "fnn", *OPTIONS, "--resume").code == 0
    assert files.sha256(MODEL) == uninterrupted, "what was made of the checkpoint does not stay"


def test_two_at_work_on_one_run(pipeline: Any, interrupted: Any) -> None:
    interrupted(17)
    with the_run().held():
        said = pipeline("train", "fnn", *OPTIONS, "--resume")
    assert said.code == 7
    assert "another process is at work on this run" in said.err


def test_other_versions_are_named(pipeline: Any, interrupted: Any) -> None:
    interrupted(17)
    config = the_run().folder / "config.json"
    config.write_text(config.read_text().replace('"numpy": "', '"numpy": "0.'))
    said = pipeline("train", "fnn", *OPTIONS, "--resume")
    assert "this run began with numpy 0." in said.out


def test_the_log_tells_the_whole_story(pipeline: Any, interrupted: Any) -> None:
    interrupted(17)
    pipeline("train", "fnn", *OPTIONS, "--resume")
    log = (the_run().folder / "log.txt").read_text()
    assert "Interrupted: interrupted" in log
    assert log.index("Interrupted") < log.index("going on from epoch 2") < log.index("published models/fnn/1")
    assert all(line[:4].isdigit() and line[19] == " " for line in log.splitlines())


@pytest.mark.parametrize("every", ["0", "x", "1.5", "5m", "-3s", ""])
def test_how_often_is_a_number(pipeline: Any, every: str) -> None:
    said = pipeline("train", "fnn", "--checkpoint-every", every)
    assert said.code == 2
    assert "expected a number of steps, as 500, or of seconds, as 30s" in " ".join(said.err.split())


def test_a_full_disk_ends_it_with_the_last_checkpoint_whole(
    pipeline: Any, uninterrupted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name.startswith(".000000040"):
            write(path, content[:1000])
            raise OSError(28, "No space left on device", str(path))
        return write(path, content)

    with monkeypatch.context() as context:
        context.setattr(Path, "write_bytes", full)
        said = pipeline("train", "fnn", *OPTIONS, "--checkpoint-every", 10)
    assert said.code == 7
    assert "No space left on device" in said.err
    assert sorted(os.listdir(the_run().checkpoints.folder)) == ["000000020.checkpoint", "000000030.checkpoint"]
    assert not Path("models").exists()
    assert pipeline("train", "fnn", *OPTIONS, "--resume").code == 0
    assert files.sha256(MODEL) == uninterrupted


def test_a_step_that_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    """One step over all of it, in a large network, takes longer than GRACE: the signal comes in its middle."""
    command = [sys.executable, "-m", "pipeline", "train", "fnn", "--dataset", "digits", "--batch-size", "full"]
    text = "INPUT 64 -> FC 8000 relu -> FC 8000 relu -> FC 10 softmax"
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    more = ["--architecture", text, "--workers", "1", "--optimizer", "sgd"]
    with subprocess.Popen(
        [*command, *more], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        while not next(iter(process.stdout)).startswith("run "):
            pass
        time.sleep(1)
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 143
    assert not list(tmp_path.glob("runs/*/checkpoints/*")), "the step was cut off"


def test_tensorboard_writes_events(pipeline: Any) -> None:
    assert pipeline("train", "fnn", *OPTIONS, "--tensorboard").code == 0
    (events,) = (the_run().folder / "tensorboard").iterdir()
    content = events.read_bytes()
    for name in (b"epoch/validation_loss", b"epoch/learning_rate", b"running/loss"):
        assert name in content


def test_tensorboard_that_is_not_installed(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    said = pipeline("train", "fnn", *OPTIONS, "--tensorboard")
    assert said.code == 6
    assert "pip install 'numserve[pipeline,tensorboard]'" in said.err


def test_patience_needs_a_validation_split(pipeline: Any) -> None:
    said = pipeline("train", "fnn", *OPTIONS, "--patience", 2, "--validation", 0)
    assert said.code == 6
    assert "it needs a --validation above 0" in said.err


def test_the_config_says_where_it_was_done(pipeline: Any) -> None:
    assert pipeline("train", "fnn", *OPTIONS).code == 0
    environment = json.loads((the_run().folder / "config.json").read_text())["environment"]
    assert environment["command"].startswith("pipeline")
    assert "kernels" in environment["blas"]
    assert environment["cores"] >= 1
    manifest = json.loads(Path("models/fnn/1/manifest.json").read_text())
    assert manifest["training"]["run"] == the_run().folder.name
    assert "command" not in manifest["training"]["environment"], "which may hold names of folders"
