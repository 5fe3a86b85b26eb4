"""What every peer does with a request: the same two ONNX files as the service, on onnxruntime with one thread.

The least that gives the service's answers: nothing is checked, limited, counted or logged. serving.py names the version
in BENCHMARK_VERSION, the folder with model.onnx, preprocess.onnx and manifest.json.
"""

import json
import os
from io import BytesIO
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

TOP = 3  # labels of each picture, as the service answers when nobody asks for more
VARIABLE = "BENCHMARK_VERSION"


class Network:
    """Pictures or pixels in, answers out, of the version in a folder."""

    def __init__(self, folder: Path) -> None:
        self.labels = json.loads((folder / "manifest.json").read_text())["labels"]
        self.preprocessing, self.model = (session(folder / name) for name in ("preprocess.onnx", "model.onnx"))

    def pixels(self, pictures: list[bytes]) -> NDArray[np.uint8]:
        """N encoded pictures -> [N,C,H,W]."""
        return self.seen([Image.open(BytesIO(picture)) for picture in pictures])

    def seen(self, images: list[Image.Image]) -> NDArray[np.uint8]:
        """N decoded pictures -> [N,C,H,W]."""
        arrays = (np.asarray(image.convert("RGB")) for image in images)
        return np.concatenate([self.preprocessing.run(None, {"image": array})[0] for array in arrays])

    def probabilities(self, X: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[N,C,H,W] -> [N,K]."""
        P: NDArray[np.float32] = self.model.run(None, {"pixels": X})[0]
        return P

    def predictions(self, X: NDArray[np.uint8]) -> dict[str, Any]:
        """What POST /predict answers: the likeliest labels of each picture."""
        P = self.probabilities(X)
        order = np.argsort(-P, axis=1, kind="stable")[:, :TOP]
        chances = np.take_along_axis(P, order, axis=1).astype(np.float64).round(6).tolist()
        return {"predictions": [self.ranked(*row) for row in zip(order.tolist(), chances, strict=True)]}

    def ranked(self, order: list[int], chances: list[float]) -> dict[str, Any]:
        top = [{"label": self.labels[i], "probability": p} for i, p in zip(order, chances, strict=True)]
        return {**top[0], "top_k": top}

    def infer(self, tensor: dict[str, Any]) -> dict[str, Any]:
        """What the Open Inference Protocol answers to one tensor; `data` stays an array, which orjson writes."""
        P = self.probabilities(np.array(tensor["data"], np.uint8).reshape(tensor["shape"]))
        output = {"name": "probabilities", "datatype": "FP32", "shape": P.shape, "data": P.ravel()}
        return {"model_name": "benchmark", "outputs": [output]}


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def network() -> Network:
    """The one that serving.py names."""
    return Network(Path(os.environ[VARIABLE]))
