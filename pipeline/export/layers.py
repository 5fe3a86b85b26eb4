"""Layers to ONNX: one function for each kind of layer, and the two graphs that are made of them.

Inside the network maps are [H,W,N,C]; in ONNX they are [N,C,H,W]. Weights are turned once, here, and `Flatten` turns
the maps before it lays them out, so that the fully connected layers find every value where they learned it.
"""

import json
from functools import singledispatch

import numpy as np
import onnx

from pipeline.errors import ExportError
from pipeline.export.graph import Graph
from pipeline.network.activations import Activation, Identity, Relu, Sigmoid, Softmax, Step, Tanh
from pipeline.network.convolution import Convolution
from pipeline.network.dense import Dense
from pipeline.network.dropout import Dropout
from pipeline.network.layer import Layer
from pipeline.network.network import Network
from pipeline.network.pooling import AveragePooling, Pooling
from pipeline.network.reshaping import Flatten, Input
from pipeline.network.scale import Scale

OUTPUTS = {"classification": "probabilities", "regression": "values"}
OPERATORS: dict[type[Activation], str] = {
    Identity: "Identity",
    Relu: "Relu",
    Sigmoid: "Sigmoid",
    Softmax: "Softmax",
    Tanh: "Tanh",
}


def model_graph(network: Network, labels: tuple[str, ...], output: str = "probabilities") -> onnx.ModelProto:
    """`model.onnx`: pixels uint8 [N,C,H,W] (or features float32 [N,D]) -> the output, float32 [N,K]."""
    return _graph(network, labels, output, explain=False)


def explain_graph(network: Network, labels: tuple[str, ...], output: str = "probabilities") -> onnx.ModelProto:
    """`explain.onnx`: one example -> the output of every layer by its name, the last one as `output`."""
    return _graph(network, labels, output, explain=True)


def _graph(network: Network, labels: tuple[str, ...], output: str, explain: bool) -> onnx.ModelProto:
    g = Graph("explain" if explain else "model")
    entry, *layers = network.layers
    assert isinstance(entry, Input)
    shape: list[int | str | None] = [1 if explain else "N", *entry.example]
    image = len(entry.example) == 3
    x = g.input("pixels" if image else "features", np.uint8 if image else np.float32, shape)
    x = emit(entry, g, x, "scaled")
    for layer in layers:
        last = layer is layers[-1]
        y = emit(layer, g, x, output if last else layer.name)
        if last or (explain and y != x):
            g.output(y, np.float32, [shape[0], *layer.shape])
        x = y
    return g.model(
        f"{network.architecture}",
        {"architecture": str(network.architecture), "labels": json.dumps(labels, ensure_ascii=False)},
    )


@singledispatch
def emit(layer: Layer, g: Graph, x: str, name: str) -> str:
    """Add `layer` to the graph, after the value x; returns the name of its own value, which is `name`."""
    raise ExportError(f"{layer.name}: there is no way yet to write a layer of kind “{layer.kind}” to ONNX")


@emit.register
def _(layer: Input, g: Graph, x: str, name: str) -> str:
    if len(layer.example) == 1:
        return x
    scaled = g.op("Mul", g.op("Cast", x, to=onnx.TensorProto.FLOAT), np.float32(1 / 255), name=name)
    return scaled if len(layer.shape) == 3 else g.op("Flatten", scaled, axis=1)


@emit.register
def _(layer: Convolution, g: Graph, x: str, name: str) -> str:
    W = np.ascontiguousarray(layer.parameters["W"].transpose(3, 2, 0, 1))  # [kh,kw,C,F] -> [F,C,kh,kw]
    (top, bottom), (left, right) = layer.pads
    return g.op(
        "Conv",
        x,
        g.constant(W, f"{layer.name}.W"),
        g.constant(layer.parameters["b"], f"{layer.name}.b"),
        name=name,
        kernel_shape=layer.kernel,
        strides=[layer.stride, layer.stride],
        pads=[top, left, bottom, right],
    )


@emit.register
def _(layer: Pooling, g: Graph, x: str, name: str) -> str:
    operator = "AveragePool" if isinstance(layer, AveragePooling) else "MaxPool"
    return g.op(operator, x, name=name, kernel_shape=layer.kernel, strides=layer.strides)


@emit.register
def _(layer: Flatten, g: Graph, x: str, name: str) -> str:
    return g.op("Flatten", g.op("Transpose", x, perm=[0, 2, 3, 1]), name=name, axis=1)


@emit.register
def _(layer: Scale, g: Graph, x: str, name: str) -> str:
    mean, deviation = (g.constant(layer.parameters[which], f"{layer.name}.{which}") for which in ("mean", "deviation"))
    return g.op("Div", g.op("Sub", x, mean), deviation, name=name)


@emit.register
def _(layer: Dense, g: Graph, x: str, name: str) -> str:
    W = g.constant(layer.parameters["W"], f"{layer.name}.W")
    return g.op("Gemm", x, W, g.constant(layer.parameters["b"], f"{layer.name}.b"), name=name)


@emit.register
def _(layer: Activation, g: Graph, x: str, name: str) -> str:
    if isinstance(layer, Softmax):
        return g.op("Softmax", x, name=name, axis=1)  # over the channels, as in the network
    return g.op(OPERATORS[type(layer)], x, name=name)


@emit.register
def _(layer: Step, g: Graph, x: str, name: str) -> str:
    return g.op("Cast", g.op("Greater", x, np.float32(0)), name=name, to=onnx.TensorProto.FLOAT)


@emit.register
def _(layer: Dropout, g: Graph, x: str, name: str) -> str:
    return x if name not in OUTPUTS.values() else g.op("Identity", x, name=name)  # it only acts while training
