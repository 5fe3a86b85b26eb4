"""onnxruntime, as the pipeline uses it: one thread, on the CPU."""

from pathlib import Path
from typing import Any

import onnxruntime

from pipeline.errors import ExportError


def session(model: Path | bytes) -> Any:
    """An `onnxruntime.InferenceSession` for a file or for the bytes of a model.

    Raises ExportError if onnxruntime cannot load it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    try:
        return onnxruntime.InferenceSession(
            str(model) if isinstance(model, Path) else model, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own exceptions have no common root of their own
        what = model if isinstance(model, Path) else "the model just made"
        raise ExportError(f"{what}: expected a model that onnxruntime can load, but it says: {error}") from error
