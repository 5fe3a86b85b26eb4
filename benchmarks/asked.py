"""What the servers in serving.py are asked, in each of its ways, and whether they answer like onnxruntime itself."""

import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peers.network import TOP, Network
from PIL import Image
from processes import ROOT
from wrk import Ask

BATCH = 32
LENGTH, BOUNDARY = "Inference-Header-Content-Length", "benchmark"
CLOSE = 1e-4  # of a probability
PICTURES = ("seven", "three")  # of docs/pictures, by turns


@dataclass(frozen=True)
class Kind:
    """A way to ask: the column's title, and how many pictures a request has."""

    title: str
    pictures: int


RAW, FORM, TENSOR = Kind("raw PNG", 1), Kind("multipart PNG", 1), Kind("v2 JSON", 1)
FORMS, TENSORS = Kind(f"{BATCH} PNGs multipart", BATCH), Kind(f"{BATCH} images v2 JSON", BATCH)
BINARY, BINARIES = Kind("v2 binary", 1), Kind(f"{BATCH} images v2 binary", BATCH)
KINDS = (RAW, FORM, TENSOR, FORMS, TENSORS, BINARY, BINARIES)


@dataclass(frozen=True)
class Paths:
    """Where a server takes raw pictures, forms, tensors as JSON and as bytes; None where it takes none."""

    raw: str | None
    form: str | None
    tensor: str
    binary: str | None


class Sample:
    """The pictures that all are asked about, and what onnxruntime itself says of them.

    They are what preprocess.onnx makes of docs/pictures, written as PNG: for MNIST's models pictures of 28x28 as MNIST
    has them, of which hardly more has to be computed than the network.
    """

    def __init__(self, version: Path) -> None:
        self.network = Network(version)
        sent = [(ROOT / "docs" / "pictures" / f"{name}.png").read_bytes() for name in PICTURES]
        self.pngs = [png(pixels) for pixels in self.network.pixels(sent)] * (BATCH // len(PICTURES))
        self.X = self.network.pixels(self.pngs)
        self.P = self.network.probabilities(self.X)

    def asks(self, paths: Paths) -> dict[Kind, Ask]:
        """The requests that a server takes."""
        found: dict[Kind, Ask] = {}
        if paths.raw:
            found[RAW] = Ask(paths.raw, self.pngs[0], {"Content-Type": "image/png"})
        if paths.form:
            found |= {kind: form(paths.form, self.pngs[: kind.pictures]) for kind in (FORM, FORMS)}
        if paths.tensor:
            found |= {kind: tensor(paths.tensor, self.X[: kind.pictures]) for kind in (TENSOR, TENSORS)}
        if paths.binary:
            found |= {kind: binary(paths.binary, self.X[: kind.pictures]) for kind in (BINARY, BINARIES)}
        return found

    def check(self, who: str, kind: Kind, answer: bytes, json_length: str | None) -> None:
        """Raises SystemExit unless the answer is what onnxruntime says of the same pictures."""
        text = answer[: int(json_length)] if json_length else answer
        document, P = json.loads(text), self.P[: kind.pictures]
        if "predictions" in document:
            self.check_predictions(who, document["predictions"], P)
            return
        data = document["outputs"][0].get("data") or np.frombuffer(answer[len(text) :], np.float32)
        given = np.asarray(data, np.float32)
        if given.size != P.size or not np.abs(given.reshape(P.shape) - P).max() <= CLOSE:
            raise SystemExit(f"{who}, {kind.title}: other probabilities than those of onnxruntime: {text[:400]!r}")

    def check_predictions(self, who: str, given: list[dict[str, Any]], P: NDArray[np.float32]) -> None:
        right = [self.network.labels[best] for best in P.argmax(axis=1)]
        told = [picture["label"] for picture in given]
        if told != right or not all(self.close(picture["top_k"], row) for picture, row in zip(given, P, strict=True)):
            raise SystemExit(f"{who}: other labels or probabilities than those of onnxruntime: {given}")

    def close(self, top: list[dict[str, Any]], row: NDArray[np.float32]) -> bool:
        """Whether these are as many labels as all give, each with the probability that it has in `row`."""
        chances = dict(zip(self.network.labels, row.tolist(), strict=True))
        return len(top) == TOP and all(abs(each["probability"] - chances[each["label"]]) <= CLOSE for each in top)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Pixels [C,H,W], one channel or three, as a PNG."""
    file = BytesIO()
    Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(file, "PNG")
    return file.getvalue()


def form(path: str, pictures: list[bytes]) -> Ask:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
    parts = [f"{head}Content-Type: image/png\r\n\r\n".encode() + picture + b"\r\n" for picture in pictures]
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return Ask(path, body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})


def tensor(path: str, X: NDArray[np.uint8]) -> Ask:
    """[N,C,H,W] as a request of the Open Inference Protocol, all in JSON."""
    pixels = {"name": "pixels", "shape": X.shape, "datatype": "UINT8", "data": X.ravel().tolist()}
    body = json.dumps({"inputs": [pixels]}, separators=(",", ":")).encode()
    return Ask(path, body, {"Content-Type": "application/json"})


def binary(path: str, X: NDArray[np.uint8]) -> Ask:
    """The same with its bytes after the JSON, and asking for bytes."""
    parameters = {"binary_data_size": X.nbytes}
    pixels = {"name": "pixels", "shape": X.shape, "datatype": "UINT8", "parameters": parameters}
    head = json.dumps({"inputs": [pixels], "parameters": {"binary_data_output": True}}).encode()
    headers = {"Content-Type": "application/octet-stream", LENGTH: str(len(head))}
    return Ask(path, head + X.tobytes(), headers)


def newest(model: Path) -> Path:
    return max(model.glob("[0-9]*"), key=lambda path: int(path.name))
