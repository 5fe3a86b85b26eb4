"""For all tests of the pipeline: its environment, hypothesis without chance or clock, and the command line."""

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

import pipeline  # noqa: F401  (one BLAS thread, no telemetry)

settings.register_profile("house", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("house")


@dataclass(frozen=True)
class Said:
    """What a command answered with, and what it printed."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


def run_command(*arguments: object) -> Said:
    """`pipeline` with these arguments, in this process."""
    from pipeline.__main__ import main  # brings all of it, and not every test needs it

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return Said(ended.value.code or 0, out.getvalue(), err.getvalue())


@pytest.fixture(name="pipeline")
def _pipeline(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Calls a command, in an empty folder and with no settings in the environment but an empty folder for data."""
    for name in ("NUMSERVE_STORE", "NUMSERVE_RUNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NUMSERVE_DATA", str(tmp_path_factory.mktemp("data")))
    monkeypatch.chdir(tmp_path)
    return run_command


@dataclass(frozen=True)
class Trained:
    """A network trained on the digits from the command line, and published: the command, and what it left."""

    command: tuple[str, ...]
    said: Said
    run: Path
    store: Path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """It is made once; who wants to change something copies it."""
    home = tmp_path_factory.mktemp("trained")
    network = "INPUT 64 -> FC 300 relu -> DROPOUT 0.2 -> FC 100 relu -> FC 10 softmax"
    options = ("--dataset", "digits", "--epochs", "12", "--augment", "none", "--learning-rate", "0.003")
    command = ("train", "fnn", "--architecture", network, *options)
    said = run_command(*command, "--store", home / "models", "--runs", home / "runs", "--workers", 1)
    assert said.code == 0, said.err
    (run,) = (home / "runs").iterdir()
    return Trained(command, said, run, home / "models")
