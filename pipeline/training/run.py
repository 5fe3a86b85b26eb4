"""The run folder: one training, with all that went in and all that came out.

runs/<time>-<name>/
    config.json      the job: what was asked for, the data it is done on, the environment it is done in
    log.txt          what was printed, with the time
    history.jsonl    a line for each epoch
    checkpoints/     where the training stood, the last two times (checkpoint.py)
    tensorboard/     event files, if they were asked for
    weights.npz      theta, the network's parameters in one vector; there is none before the training is over
    metrics.json     what the test set said (evaluate)
    export/          the ONNX files (export), and parity.json
    report/          pictures and index.html (evaluate)
"""

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from pipeline import files
from pipeline.data.dataset import Dataset, Task
from pipeline.errors import RunError
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.checkpoint import Checkpoint, Checkpoints, History
from pipeline.training.environment import environment, versions
from pipeline.training.loop import answering
from pipeline.training.recipe import Recipe

SCHEMA = 1


@dataclass(frozen=True)
class Job:
    """What a run was asked to do.

    name: of the model. kind: one of `pipeline.training.recipe.KINDS`. source, data_dir, pictures: as
        `pipeline.data.sources.load` takes them.
    dataset: what the data turned out to be: name, sha256, labels, shape of an example, sizes of the splits.
    versions, environment: as `pipeline.training.environment` says; started: when, UTC.
    """

    name: str
    kind: str
    source: str
    data_dir: str | None
    pictures: str | None
    recipe: Recipe
    dataset: dict[str, Any]
    versions: dict[str, str] = field(default_factory=versions)
    environment: dict[str, Any] = field(default_factory=environment)
    started: str = field(default_factory=lambda: now().isoformat(timespec="seconds").replace("+00:00", "Z"))
    schema: int = SCHEMA

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the network's outputs."""
        return tuple(self.dataset["labels"])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example, (C, H, W) or (D,)."""
        return tuple(self.dataset["shape"])

    @property
    def task(self) -> Task:
        """What is answered: a label, or a number."""
        return cast(Task, self.dataset.get("task", "classification"))

    @property
    def target(self) -> str | None:
        """Of a table, the column that is answered."""
        return self.dataset.get("target")

    @classmethod
    def from_json(cls, read: dict[str, Any]) -> "Job":
        """The job that `asdict` made this dictionary of."""
        return cls(**{"environment": {}, **read, "recipe": Recipe(**read["recipe"])})

    def same_as(self, other: "Job") -> bool:
        """Whether both ask for the same: their results are equal, if their versions and machines are."""
        return all(getattr(self, name) == getattr(other, name) for name in ("name", "kind", "recipe", "dataset"))

    def differences(self, other: "Job") -> list[str]:
        """In what else the two differ that decides bits: versions, processor and BLAS; a line for each."""
        mine, others = (job.versions | job.environment for job in (self, other))
        names = [*self.versions, "processor", "blas", "variables"]
        return [f"{n} {mine.get(n)}, this is {others.get(n)}" for n in names if mine.get(n) != others.get(n)]


def describe(dataset: Dataset, validation: int) -> dict[str, Any]:
    """The facts of a dataset that a job remembers."""
    table = {"task": dataset.task, "target": dataset.target, "columns": list(dataset.columns)}
    return {
        "name": dataset.name,
        "sha256": dataset.sha256,
        "labels": list(dataset.labels),
        "shape": list(dataset.shape),
        "pictures": dataset.pictures,
        "train": len(dataset.train) - validation,
        "validation": validation,
        "test": len(dataset.test),
        **(table if dataset.columns else {}),
    }


def answered(job: Job) -> str:
    """What a network is to answer, in words: how many labels, or which number."""
    return f"{len(job.labels)} labels" if job.task == "classification" else f"the number to be met is {job.target}"


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Run:
    """A run folder, and how to read and write what is in it."""

    folder: Path

    @classmethod
    def create(cls, runs: Path, job: Job) -> "Run":
        """A new run folder below `runs`, with the job in it. RunError if it cannot be written."""
        try:
            folder = _new_folder(runs, f"{now():%Y%m%d-%H%M%S}-{job.name}")
            run = cls(folder)
            run.write_json("config.json", asdict(job))
        except OSError as error:
            raise RunError(
                f"{runs}: cannot make a run folder there ({error.strerror}): make it writable, or choose another --runs"
            ) from error
        return run

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turns what the operating system says of the run folder into a RunError."""
        try:
            yield
        except OSError as error:
            raise RunError(
                f"cannot write {error.filename or self.folder} ({error.strerror or error}): free some space, or make it"
                f" writable; what there was before is kept in {self.folder}"
            ) from error

    @property
    def job(self) -> Job:
        """What this run was asked to do. RunError if its config.json is missing or damaged."""
        try:
            return Job.from_json(self.read_json("config.json"))
        except (TypeError, KeyError) as error:
            raise RunError(f"{self.folder / 'config.json'}: expected the job of a run, but {error}") from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the run, so that no other process trains it. RunError if one does."""
        with ExitStack() as stack:
            with self.writing():
                try:
                    stack.enter_context(files.held(self.folder / "lock"))
                except BlockingIOError as error:
                    raise RunError(
                        f"{self.folder}: another process is at work on this run: wait for it, or stop it"
                    ) from error
            yield

    @property
    def checkpoints(self) -> Checkpoints:
        """Where the training stood."""
        return Checkpoints(self.folder / "checkpoints")

    @property
    def history(self) -> History:
        """A line for each epoch so far; one that was cut off as it was written is none. RunError if damaged."""
        path = self.folder / "history.jsonl"
        try:
            text = path.read_text() if path.exists() else ""
            return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        except (OSError, ValueError) as error:
            raise RunError(f"{path}: expected a line of JSON for each epoch, but {error}: train it again") from error

    def write_history(self, history: History) -> None:
        """Put these lines in the place of what there is."""
        files.write(self.folder / "history.jsonl", "".join(json.dumps(line) + "\n" for line in history).encode())

    def append_history(self, line: dict[str, float]) -> None:
        """Note one more epoch."""
        with (self.folder / "history.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    @property
    def trained(self) -> bool:
        """Whether its training is over."""
        return (self.folder / "weights.npz").exists()

    def save(self, network: Network) -> None:
        """Keep the network's parameters: the training is over."""
        content = io.BytesIO()
        np.savez(content, theta=network.theta)
        files.write(self.folder / "weights.npz", content.getvalue())

    def network(self) -> Network:
        """The network as it was left: by its training, or by the newest checkpoint of one that is not over.

        RunError if there is neither, or not as many parameters as the network has.
        """
        network = Network(parse(self.job.recipe.architecture), self.job.shape)
        path = self.folder / "weights.npz"
        try:
            theta = self._saved(path) if path.exists() else self._checkpointed()
            if theta.shape != network.theta.shape:
                raise ValueError(f"there are {theta.size:,}")
            network.theta[...] = theta
        except RunError:
            raise
        except Exception as error:
            raise RunError(
                f"{path}: expected {network.theta.size:,} parameters, but {error}: train it again"
            ) from error
        return network

    def _saved(self, path: Path) -> np.ndarray:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as saved:
            return np.asarray(saved["theta"])

    def _checkpointed(self) -> np.ndarray:
        damaged: list[str] = []
        newest: Checkpoint | None = self.checkpoints.newest(damaged.append)
        if newest is None:
            raise RunError(
                f"{self.folder / 'weights.npz'}: expected the weights of a training, there are none yet, nor a whole"
                f" checkpoint: train it first{''.join(f'; {line}' for line in damaged)}"
            )
        return answering(newest.arrays, newest.place.history, self.job.recipe)

    def read_json(self, name: str) -> Any:
        """A JSON file of the run. RunError if it is missing or damaged."""
        path = self.folder / name
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError) as error:
            step = {"metrics.json": "evaluate", "export/parity.json": "export"}.get(name)
            way_out = f"`pipeline {step} {self.folder}` makes it" if step else "is this a run folder?"
            raise RunError(f"{path}: expected a JSON file, but {error}; {way_out}") from error

    def write_json(self, name: str, content: Any) -> None:
        """Put a JSON file into the run."""
        text = json.dumps(content, indent=2, ensure_ascii=False)
        files.write(self.folder / name, (text + "\n").encode())


def _new_folder(runs: Path, name: str) -> Path:
    for suffix in ("", *(f"-{n}" for n in range(2, 1000))):
        folder = runs / f"{name}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise RunError(f"{runs}: too many runs called {name}")
