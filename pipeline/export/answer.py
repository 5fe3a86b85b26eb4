"""A published version's answer for one picture, by the very files that the service runs."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.data.pictures import decode
from pipeline.errors import DataError
from pipeline.export.session import session


def answer(folder: Path, picture: Path) -> list[tuple[str, float]]:
    """(label, probability) of all labels, the likeliest first, for the picture in a file.

    Raises DataError if the file is not a picture, or the model does not take any.
    """
    labels, preprocess, model = _version(folder)
    if preprocess is None:
        raise DataError(
            f"{folder}: this model takes plain numbers, not pictures: ask the service, with {{“inputs”: …}}"
        )
    pixels = preprocess.run(None, {"image": decode(picture)})[0]
    probabilities = model.run(None, {"pixels": pixels})[0][0]
    return sorted(zip(labels, map(float, probabilities), strict=True), key=lambda pair: -pair[1])


@lru_cache(maxsize=1)
def _version(folder: Path) -> tuple[list[str], Any, Any]:
    """Labels, and the sessions of preprocess.onnx (None if there is none) and model.onnx."""
    labels = json.loads((folder / "manifest.json").read_text())["labels"]
    preprocess = folder / "preprocess.onnx"
    return labels, session(preprocess) if preprocess.exists() else None, session(folder / "model.onnx")
