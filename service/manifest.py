"""manifest.json: what a published version says of itself, read strictly.

The whole document stays available as `document`, for GET /models/<name>; what the service acts on is typed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from service.errors import BrokenVersion

SCHEMA = 1
TASKS = ("classification", "regression")
# A colour picture of 4096x4096 is within it; memory is laid out for two before a model is served.
LARGEST = 2**26
DTYPES = {"image": "uint8", "features": "float32"}


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model. dims: the sizes after the batch, [C,H,W], [D] or [K]."""

    name: str
    dtype: str
    dims: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """What the service needs to know of a version.

    task: "classification" or "regression".
    labels: the K names, in the order of the network's outputs; one output may stand for two, of which it is the
        second's probability. Of a regression, the name of the number that is answered.
    kind: "image" (pixels uint8 [N,C,H,W], made by preprocess.onnx) or "features" (float32 [N,D]).
    files: the SHA-256 of each file, in hex.
    """

    document: Mapping[str, Any]
    task: str
    labels: tuple[str, ...]
    kind: str
    input: Tensor
    output: Tensor
    files: Mapping[str, str]

    @property
    def accuracy(self) -> float | None:
        """On the test set, 0 to 1; None when the manifest has none."""
        metrics = self.document.get("metrics")
        value = metrics.get("accuracy") if isinstance(metrics, dict) else None
        return float(value) if isinstance(value, int | float) else None


def parse_manifest(text: bytes, name: str, version: int) -> Manifest:
    """The manifest of `name`, `version` (as their folders are called) from the bytes of its file.

    Raises BrokenVersion, naming the first key that is not as the contract has it.
    """
    try:
        document = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise BrokenVersion("manifest.json is not JSON") from None
    expect(isinstance(document, dict), "manifest.json", "an object", document)
    for key, value in {"schema": SCHEMA, "name": name, "version": version}.items():
        expect(document.get(key) == value, key, repr(value), document.get(key))
    expect(document.get("task") in TASKS, "task", "one of " + ", ".join(TASKS), document.get("task"))
    labels = read_labels(document.get("labels"))
    expect(document["task"] == "classification" or len(labels) == 1, "labels", "the name of the number", labels)
    kind, tensor = read_input(document.get("input"))
    output, files = read_output(document, labels), read_files(document.get("files"))
    return Manifest(document, document["task"], labels, kind, tensor, output, files)


def refuse_constant(name: str) -> None:
    """NaN and Infinity are Python's, not JSON's, and no client could read the answer that repeats them."""
    raise ValueError(name)


def read_labels(labels: Any) -> tuple[str, ...]:
    fits = isinstance(labels, list) and len(labels) > 0 and all(isinstance(label, str) for label in labels)
    expect(fits, "labels", "a list of names", labels)
    return tuple(labels)


def read_input(given: Any) -> tuple[str, Tensor]:
    expect(isinstance(given, dict), "input", "an object", given)
    kind = given.get("kind")
    expect(kind in DTYPES, "input.kind", "one of " + ", ".join(DTYPES), kind)
    expect(given.get("dtype") == DTYPES[kind], "input.dtype", DTYPES[kind], given.get("dtype"))
    tensor = read_tensor(given, "input")
    expect(len(tensor.dims) == {"image": 3, "features": 1}[kind], "input.shape", "[N,C,H,W] or [N,D]", tensor.dims)
    return kind, tensor


def read_output(document: Mapping[str, Any], labels: tuple[str, ...]) -> Tensor:
    outputs = document.get("outputs")
    if not isinstance(outputs, list) or len(outputs) != 1:
        raise mismatch("outputs", "a list of one output", outputs)
    tensor = read_tensor(outputs[0], "outputs[0]")
    fits = tensor.dims == (len(labels),) or (len(labels) == 2 and tensor.dims == (1,))
    expect(fits, "outputs[0].shape", f"[N,{len(labels)}], as many as labels, or one for two", tensor.dims)
    return tensor


def read_tensor(given: Any, where: str) -> Tensor:
    """A named tensor; the first of its dimensions is the batch, in whatever way it is written."""
    expect(isinstance(given, dict), where, "an object", given)
    name, dtype, shape = given.get("name"), given.get("dtype"), given.get("shape")
    expect(isinstance(name, str), f"{where}.name", "a name", name)
    expect(isinstance(dtype, str), f"{where}.dtype", "a type", dtype)
    fits = isinstance(shape, list) and len(shape) > 1 and all(type(size) is int and size > 0 for size in shape[1:])
    expect(fits, f"{where}.shape", "the batch and then whole sizes", shape)
    expect(prod(shape[1:]) <= LARGEST, f"{where}.shape", f"at most {LARGEST} numbers an example", shape)
    return Tensor(name, dtype, tuple(shape[1:]))


def read_files(files: Any) -> Mapping[str, str]:
    fits = isinstance(files, dict) and all(isinstance(digest, str) for digest in files.values())
    expect(fits, "files", "a SHA-256 for each file", files)
    return dict(files)


def expect(fits: bool, key: str, expected: str, got: object) -> None:
    if not fits:
        raise mismatch(key, expected, got)


def mismatch(key: str, expected: str, got: object) -> BrokenVersion:
    return BrokenVersion(f"manifest.json: expected {key} to be {expected}, got {str(got)[:80]!r}")
