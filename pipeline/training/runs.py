"""The run folders in a folder: which there are, how far each has come, and in what they differ."""

import difflib
import fcntl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import RunError
from pipeline.training.run import Job, Run

# What is there when a step is done, the last step first.
DONE = {"export/parity.json": "exported", "metrics.json": "evaluated", "weights.npz": "trained"}
# Of metrics.json, by task.
TEST = {
    "classification": ("samples", "accuracy", "loss", "expected_calibration_error"),
    "regression": ("samples", "r2", "rmse", "loss"),
}
DAMAGE = (OSError, ValueError, TypeError, KeyError, AttributeError)  # what files of another content lead to


@dataclass(frozen=True)
class Summary:
    """What a run has come to.

    state: "running", "interrupted", "trained", "evaluated" or "exported".
    done, epochs: epochs of the training, those that are over and those that were asked for.
    best, best_epoch: the highest validation accuracy and when it was reached; None if there is none.
    seconds: of training.
    test: what the test set said, those numbers of TEST that its task has; empty before it is evaluated.
    """

    folder: Path
    state: str
    name: str
    kind: str
    started: str
    done: int
    epochs: int
    best: float | None
    best_epoch: int | None
    seconds: float
    test: dict[str, float]


def listing(root: Path) -> tuple[list[Summary], dict[Path, str]]:
    """The runs in a folder by their names, and what else is in it or is damaged, with the reason."""
    found: list[Summary] = []
    damaged: dict[Path, str] = {}
    for folder in folders(root):
        try:
            found.append(summary(Run(folder)))
        except RunError as error:
            damaged[folder] = str(error)
    return found, damaged


def folders(root: Path) -> list[Path]:
    """The folders in a folder, hidden ones left out. RunError if there is no such folder."""
    try:
        return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise RunError(
            f"{root}: expected a folder of runs, but {error.strerror}: train first, or choose another --runs"
        ) from error


def find(root: Path, name: str) -> Run:
    """The run of that name in `root`, or the run folder at that path. RunError if there is neither."""
    for folder in (root / name, Path(name).resolve()):  # so that “.” has a name
        if folder.is_dir():
            return Run(folder)
    names = [folder.name for folder in folders(root)] if root.is_dir() else []
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    raise RunError(
        f"{name}: expected a run folder, or the name of one in {root}, there is neither:"
        f" {f'did you mean {close[0]}?' if close else '`pipeline runs` lists those that there are'}"
    )


def summary(run: Run) -> Summary:
    """What a run has come to. RunError if a file of it is missing or damaged."""
    try:
        return _summary(run)
    except DAMAGE as error:
        raise RunError(f"{run.folder}: expected the files of a run, but {error!r}: is this a run folder?") from error


def _summary(run: Run) -> Summary:
    job, history = run.job, run.history
    seen = [
        (float(line["validation_accuracy"]), int(line["epoch"])) for line in history if "validation_accuracy" in line
    ]
    best, best_epoch = max(seen, key=lambda pair: pair[0], default=(None, None))
    settings(job)  # so that it is said here if they cannot be told
    return Summary(
        run.folder,
        state(run),
        name=job.name,
        kind=job.kind,
        started=str(job.started),
        done=max((int(line["epoch"]) for line in history), default=0),
        epochs=int(job.recipe.epochs),
        best=best,
        best_epoch=best_epoch,
        seconds=sum(float(line["seconds"]) for line in history),
        test=_test(run),
    )


def _test(run: Run) -> dict[str, float]:
    if not (run.folder / "metrics.json").exists():
        return {}
    metrics = run.read_json("metrics.json")
    return {name: float(metrics[name]) for name in TEST[run.job.task]}


def state(run: Run) -> str:
    """How far a run has come, by its files alone."""
    if running(run):
        return "running"
    if not run.trained:  # though it may have been evaluated as it stands
        return "interrupted"
    return next(done for name, done in DONE.items() if (run.folder / name).exists())


def running(run: Run) -> bool:
    """Whether another process holds the lock of the run, as one does that trains in it."""
    try:
        with (run.folder / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that only look do not see each other
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def environment(job: Job) -> dict[str, str]:
    """What a run was done with and on, by name."""
    told: dict[str, Any] = {**job.versions, **job.environment}
    return {name: _text(value) for name, value in told.items()}


def configuration(job: Job) -> dict[str, str]:
    """What was asked for, by name."""
    asked = {"model": job.name, "kind": job.kind, **job.recipe.to_json()}
    return {name.replace("_", " "): _text(value) for name, value in asked.items()}


def settings(job: Job) -> dict[str, str]:
    """All that decided a run, by name; not the command, which says the same once more."""
    data = {"dataset": _text(job.dataset["name"]), "SHA-256 of the data": job.dataset["sha256"][:12]}
    told = {**configuration(job), **data, **environment(job)}
    return {name: value for name, value in told.items() if name != "command"}


def _text(value: Any) -> str:
    return ", ".join(f"{name}={each}" for name, each in value.items()) if isinstance(value, dict) else str(value)


def differences(jobs: Sequence[Job]) -> dict[str, list[str]]:
    """The settings that are not the same for all jobs, by name: what each job has, "" where it says nothing."""
    told = [settings(job) for job in jobs]
    names = dict.fromkeys(name for each in told for name in each)
    rows = {name: [each.get(name, "") for each in told] for name in names}
    return {name: values for name, values in rows.items() if len(set(values)) > 1}
