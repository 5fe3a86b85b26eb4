"""Examples that a published model is sure are of another label than theirs: some of them are mislabelled."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from pipeline.data import cache, sources
from pipeline.data.check import Examples
from pipeline.data.dataset import Dataset
from pipeline.data.progress import progress, say
from pipeline.errors import DataError, StoreError
from pipeline.evaluation.metrics import by_label
from pipeline.export.parity import answers
from pipeline.export.preprocessing import preprocessor
from pipeline.network.notation import times

SURE = 0.9
PIECE = 2_500  # examples between two looks at the progress


@dataclass(frozen=True)
class Suspect:
    """at: which of the examples; answer: what the model says it is, with this probability."""

    at: int
    answer: str
    probability: float


def unfit(manifest: dict[str, Any], examples: Examples) -> str | None:
    """Why a model with this manifest cannot answer for the examples, if it cannot."""
    if missing := [label for label in examples.labels if label not in manifest["labels"]]:
        return f"expected a model of the same labels, it does not know “{missing[0]}”"
    shape = manifest["input"]["shape"][1:]
    if isinstance(examples.data, Dataset):
        came = list(examples.data.shape)
        return None if shape == came else f"expected a model of examples {times(*came)}, it takes {times(*shape)}"
    return None if len(shape) == 3 else "expected a model of pictures, it takes plain numbers"


def suspects(version: Path, manifest: dict[str, Any], examples: Examples, console: Console) -> list[Suspect]:
    """All examples of which the model is sure, by SURE or more, that their label is another; the surest first.

    version: the folder of its files. console: for the progress.
    Raises StoreError when one of them is missing, ExportError when onnxruntime cannot load it.
    """
    labels: list[str] = manifest["labels"]
    Y = by_label(_answers(version, _inputs(version, examples, console), console))
    theirs = np.array([labels.index(label) for label in examples.labels])[examples.numbers]
    chosen = np.flatnonzero((Y.argmax(axis=1) != theirs) & (Y.max(axis=1) >= SURE))
    surest = chosen[np.argsort(-Y[chosen].max(axis=1), kind="stable")]
    return [Suspect(int(at), labels[Y[at].argmax()], float(Y[at].max())) for at in surest]


def _inputs(version: Path, examples: Examples, console: Console) -> list[NDArray[Any]]:
    """X of both splits, as the model takes it: pictures in files go through its own preprocessing."""
    data = examples.data
    if isinstance(data, Dataset):
        return [data.train.X, data.test.X]
    preprocess = preprocessor(_read(version / "preprocess.onnx"))
    with progress(console, f"preparing {examples.name} for {version}", "pictures") as report:
        have = cache.pictures(
            data.folder, data.found, preprocess, sources.pictures_folder(), lambda line: say(console, line), report
        )
    if len(have.train) + len(have.test) != len(examples.names):
        raise DataError(f"{data.folder}: the files changed while they were looked at: check them again")
    return [have.train.X, have.test.X]


def _answers(version: Path, inputs: list[NDArray[Any]], console: Console) -> NDArray[np.float32]:
    """Probabilities [N,K]."""
    model, total = _read(version / "model.onnx"), sum(map(len, inputs))
    pieces: list[NDArray[np.float32]] = []
    with progress(console, f"asking {version}", "examples") as report:
        for piece in _pieces(inputs):
            pieces.append(answers(model, piece))
            report(sum(map(len, pieces)), total)
    return np.concatenate(pieces)


def _pieces(inputs: list[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    return (X[start : start + PIECE] for X in inputs for start in range(0, len(X), PIECE))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}): publish the version again") from error
