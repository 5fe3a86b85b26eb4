"""Small stores to serve from, built with onnx.helper: the contract of models/, and nothing of the pipeline.

The picture model looks at the mean brightness of the picture: dark pictures are "dark", light ones "light". Its
third label is the version itself, always improbable, so that a test can see which version answered.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LABELS = ["dark", "light", "never"]
SIZE = 8


def tensor(name: str, kind: int, shape: list[Any]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: dict[str, Any]) -> onnx.ModelProto:
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "test", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def brightness_network() -> onnx.ModelProto:
    """pixels uint8 [N,1,8,8] -> probabilities float32 [N,3]."""
    weights = np.zeros((SIZE * SIZE, 3), np.float32)
    weights[:, 1] = 20 / (255 * SIZE * SIZE)
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["rows"]),
        helper.make_node("Gemm", ["rows", "W", "b"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
    ]
    constants = {"W": weights, "b": np.array([10, 0, -20], np.float32)}
    pixels = tensor("pixels", TensorProto.UINT8, ["N", 1, SIZE, SIZE])
    return model_of(nodes, [pixels], [tensor("probabilities", TensorProto.FLOAT, ["N", 3])], constants)


def slow_network(turns: int = 1_000_000) -> onnx.ModelProto:
    """The same, but some tenths of a second slower: the scores go round a loop that changes nothing."""
    model = brightness_network()
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["scores_in"], ["scores_out"])],
        "turn",
        [tensor("turn", TensorProto.INT64, []), tensor("go", TensorProto.BOOL, []),
         tensor("scores_in", TensorProto.FLOAT, ["N", 3])],
        [tensor("go_on", TensorProto.BOOL, []), tensor("scores_out", TensorProto.FLOAT, ["N", 3])],
    )  # fmt: skip
    softmax = model.graph.node.pop()
    model.graph.node.append(helper.make_node("Loop", ["turns", "", "scores"], ["late"], body=body))
    model.graph.node.append(helper.make_node("Softmax", ["late"], softmax.output))
    model.graph.initializer.append(numpy_helper.from_array(np.array(turns), "turns"))
    return model


def shrink() -> onnx.ModelProto:
    """image uint8 [h,w,3] -> pixels uint8 [1,1,8,8]: the mean of the colours, resized."""
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "last"], ["grey"], keepdims=0),
        helper.make_node("Unsqueeze", ["grey", "front"], ["page"]),
        helper.make_node("Resize", ["page", "", "", "sizes"], ["small"], mode="linear", antialias=1),
        helper.make_node("Clip", ["small", "black", "white"], ["clipped"]),
        helper.make_node("Cast", ["clipped"], ["pixels"], to=TensorProto.UINT8),
    ]
    constants = {
        "last": np.array([2]),
        "front": np.array([0, 1]),
        "sizes": np.array([1, 1, SIZE, SIZE]),
        "black": np.float32(0),
        "white": np.float32(255),
    }
    image = tensor("image", TensorProto.UINT8, ["h", "w", 3])
    return model_of(nodes, [image], [tensor("pixels", TensorProto.UINT8, [1, 1, SIZE, SIZE])], constants)


def sum_network() -> onnx.ModelProto:
    """features float32 [N,4] -> probabilities float32 [N,2]: is the sum of the four negative or positive?"""
    nodes = [
        helper.make_node("Gemm", ["features", "W"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
    ]
    features = tensor("features", TensorProto.FLOAT, ["N", 4])
    weights = {"W": np.array([[-1, 1]] * 4, np.float32)}
    return model_of(nodes, [features], [tensor("probabilities", TensorProto.FLOAT, ["N", 2])], weights)


def publish_images(
    store: Path, name: str = "cnn", version: int = 1, networks: dict[str, onnx.ModelProto] | None = None, **changes: Any
) -> Path:
    """Publish the picture model, or `networks` in its place; `changes` replace keys of its manifest."""
    files = networks or {"model.onnx": brightness_network(), "preprocess.onnx": shrink()}
    shape = {"kind": "image", "name": "pixels", "shape": ["N", 1, SIZE, SIZE], "dtype": "uint8"}
    return publish(store, name, version, files, {"labels": LABELS, "input": shape, **changes})


def publish_features(store: Path, name: str = "linear", version: int = 1, **changes: Any) -> Path:
    """Publish the model of plain numbers."""
    shape = {"kind": "features", "name": "features", "shape": ["N", 4], "dtype": "float32"}
    manifest = {"labels": ["minus", "plus"], "input": shape, **changes}
    return publish(store, name, version, {"model.onnx": sum_network()}, manifest)


def unit_network(output: str, hard: bool) -> onnx.ModelProto:
    """features float32 [N,2] -> 2 a + 3 b - 4, float32 [N,1]; or, if hard, 1 where that is above 0 and else 0."""
    nodes = [helper.make_node("Gemm", ["features", "W", "b"], ["sum" if hard else output])]
    if hard:
        nodes.append(helper.make_node("Greater", ["sum", "zero"], ["above"]))
        nodes.append(helper.make_node("Cast", ["above"], [output], to=TensorProto.FLOAT))
    constants = {"W": np.array([[2], [3]], np.float32), "b": np.array([-4], np.float32), "zero": np.float32(0)}
    features = tensor("features", TensorProto.FLOAT, ["N", 2])
    return model_of(nodes, [features], [tensor(output, TensorProto.FLOAT, ["N", 1])], constants)


def publish_unit(store: Path, task: str = "classification", **changes: Any) -> Path:
    """Publish a model of one output: the perceptron `and`, which tells two labels apart, or the regression `salary`."""
    hard = task == "classification"
    name, output, labels = ("and", "probabilities", ["no", "yes"]) if hard else ("salary", "values", ["salary"])
    manifest = {
        "task": task,
        "labels": labels,
        "input": {"kind": "features", "name": "features", "shape": ["N", 2], "dtype": "float32"},
        "outputs": [{"name": output, "shape": ["N", 1], "dtype": "float32"}],
        "metrics": {"accuracy": 1.0} if hard else {"r2": 0.97},
        **changes,
    }
    return publish(store, name, 1, {"model.onnx": unit_network(output, hard)}, manifest)


def publish(store: Path, name: str, version: int, files: dict[str, onnx.ModelProto], changes: dict[str, Any]) -> Path:
    """Write a version beside the store's and rename it into place, as publishing does. Returns its folder."""
    beside = store / name / f".publishing-{version}"
    beside.mkdir(parents=True)
    for file, model in files.items():
        (beside / file).write_bytes(model.SerializeToString())
    digests = {file: hashlib.sha256((beside / file).read_bytes()).hexdigest() for file in files}
    outputs = [{"name": "probabilities", "shape": ["N", len(changes["labels"])], "dtype": "float32"}]
    manifest = {
        "schema": 1,
        "name": name,
        "version": version,
        "created": "2026-01-02T03:04:05Z",
        "task": "classification",
        "outputs": outputs,
        "metrics": {"accuracy": 0.99},
        "files": digests,
    }
    (beside / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    shutil.rmtree(store / name / str(version), ignore_errors=True)
    return beside.rename(store / name / str(version))


def publish_explained(store: Path, version: int = 1) -> Path:
    """Publish the picture model with explain.onnx and a report."""
    model = brightness_network()
    networks = {"model.onnx": model, "preprocess.onnx": shrink(), "explain.onnx": model}
    return add_report(publish_images(store, version=version, networks=networks))


def add_report(folder: Path, listed: bool = True) -> Path:
    """A report of one page and one picture beside a version, which its manifest lists or not. Returns the folder."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "report").mkdir()
    for name, content in {"index.html": b"<!doctype html>", "curves.png": b"\x89PNG"}.items():
        (folder / "report" / name).write_bytes(content)
        manifest["files"] |= {f"report/{name}": hashlib.sha256(content).hexdigest()} if listed else {}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def publish_broken(store: Path, name: str = "cnn", version: int = 2) -> Path:
    """Publish a version whose model.onnx is not the one that the manifest has the SHA-256 of."""
    return publish_images(store, name, version, files={"model.onnx": "0" * 64, "preprocess.onnx": "0" * 64})


def promote(store: Path, name: str, version: int | str) -> None:
    beside = store / name / ".current"
    beside.write_text(f"{version}\n")
    beside.rename(store / name / "current")
