"""What an ONNX file says of its layers, read without the onnx package: operators by output, and the first weights.

Field numbers of onnx.proto beside those in service/onnxfile.py, which walks the same messages:

    Node ─1: inputs, 2: outputs, 4: op_type, 5: Attribute ─1: name, 3: i
    Tensor ─1: dims, 2: data_type, 4: float_data, 8: name, 9: raw_data
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.onnxfile import as_bytes, message_fields, varint

MODEL_GRAPH, GRAPH_NODE, GRAPH_TENSOR = 7, 1, 5
FLOAT = 1
# Operators whose second input holds weights that look at the model's input.
LINEAR = ("Conv", "Gemm", "MatMul")


@dataclass(frozen=True)
class Node:
    """An operator of a graph: its kind, the names of its inputs and outputs, and its whole-number attributes."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: dict[str, int]


def read_nodes(data: bytes) -> list[Node]:
    """The operators of the model in `data`, which has been verified, in the order in which they are computed."""
    return [read_node(node) for node in of_graph(data, GRAPH_NODE)]


def first_filters(data: bytes, dims: tuple[int, ...]) -> NDArray[np.float32] | None:
    """What the first layer with weights looks for in an input of `dims` [C,H,W], as [F,C,kh,kw].

    A filter of a fully connected layer is as large as the picture. None when the weights are not plain floats, or do
    not fit `dims`. A copy, so that nothing holds on to `data`.
    """
    tensors = {name: tensor for tensor in of_graph(data, GRAPH_TENSOR) for name in texts(tensor, 8)}
    node = next((each for each in read_nodes(data) if each.kind in LINEAR and each.inputs[1] in tensors), None)
    W = None if node is None else read_floats(tensors[node.inputs[1]])
    if node is None or W is None:
        return None
    if node.kind != "Conv" and W.ndim == 2:
        rows = W if node.numbers.get("transB") else W.T
        W = rows.reshape(len(rows), *dims) if rows.shape[1] == np.prod(dims) else rows
    return np.array(W, order="C") if W.ndim == 4 and W.shape[1] == dims[0] else None


def of_graph(data: bytes, field: int) -> Iterator[memoryview]:
    """The messages in a field of the model's graph."""
    for graph in messages(memoryview(data), MODEL_GRAPH):
        yield from messages(graph, field)


def messages(message: memoryview, field: int) -> Iterator[memoryview]:
    return (as_bytes(value) for number, value in message_fields(message) if number == field)


def texts(message: memoryview, field: int) -> tuple[str, ...]:
    return tuple(bytes(value).decode() for value in messages(message, field))


def read_node(message: memoryview) -> Node:
    numbers = {}
    for attribute in messages(message, 5):
        for field, value in message_fields(attribute):
            if field == 3 and isinstance(value, int):
                numbers[texts(attribute, 1)[0]] = value
    return Node(texts(message, 4)[0], texts(message, 1), texts(message, 2), numbers)


def read_floats(tensor: memoryview) -> NDArray[np.float32] | None:
    """The values of a tensor of floats, which stand in it as they would in memory; None for another type."""
    dims: list[int] = []
    kind, values = 0, memoryview(b"")
    for field, value in message_fields(tensor):
        if field == 1:
            dims += unpacked(value)
        elif field == 2 and isinstance(value, int):
            kind = value
        elif field in (4, 9):
            values = as_bytes(value)
    if kind != FLOAT or len(values) != 4 * np.prod(dims):
        return None
    return np.frombuffer(values, "<f4").reshape(dims)


def unpacked(value: int | memoryview) -> Iterator[int]:
    """A repeated number, which a writer may pack into one field or not."""
    if isinstance(value, int):
        yield value
        return
    at = 0
    while at < len(value):
        number, at = varint(value, at)
        yield number
