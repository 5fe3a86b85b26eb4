"""A published version's answer for one picture, by the very files that the service runs."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.data.pictures import decode
from pipeline.errors import DataError
from pipeline.evaluation.metrics import by_label
from pipeline.export.session import session


def answer(folder: Path, labels: list[str], picture: Path) -> list[tuple[str, float]]:
    """(label, probability) of all labels, the likeliest first, for the picture in a file.

    folder: of the version; labels: of its outputs, in their order.
    Raises DataError if the file is not a picture, or the model does not take any.
    """
    preprocess, model = _sessions(folder)
    if preprocess is None:
        raise DataError(f"{folder}: takes plain numbers, not pictures: ask the service, with {{“inputs”: …}}")
    pixels = preprocess.run(None, {"image": decode(picture)})[0]
    probabilities = by_label(model.run(None, {"pixels": pixels})[0])[0]
    return sorted(zip(labels, map(float, probabilities), strict=True), key=lambda pair: -pair[1])


@lru_cache(maxsize=1)
def _sessions(folder: Path) -> tuple[Any, Any]:
    """Of preprocess.onnx (None if there is none) and of model.onnx."""
    preprocess = folder / "preprocess.onnx"
    return session(preprocess) if preprocess.exists() else None, session(folder / "model.onnx")
