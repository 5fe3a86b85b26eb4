"""A builder of ONNX graphs: every exported model is written with it.

    g = Graph("linear")
    x = g.input("features", np.float32, ["N", 4])
    y = g.op("Gemm", x, W, b, name="fc1")
    g.output(y, np.float32, ["N", 2], name="probabilities")
    model = g.model("A linear unit.", {"labels": "no,yes"})

A value is its name, a `str`; an operand may also be an array or a number, which becomes a constant.
`onnx.helper` below does the work; this adds fresh names, constants and branches, so that a graph reads like
the computation it stands for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import DTypeLike, NDArray
from onnx import helper, numpy_helper

OPSET = 18  # the first with an antialiased Resize; every runtime of the last three years reads it
IR_VERSION = 8  # the one that came with opset 18

Shape = Sequence[int | str | None]
Operand = str | bool | int | float | Sequence[int] | NDArray[np.generic] | np.generic

_SHARED_BYTES = 64  # constants up to this size are stored once, however often they are used


class Graph:
    """A graph under construction; nodes are added in the order in which they are computed."""

    def __init__(self, name: str, parent: "Graph | None" = None) -> None:
        self.name = name
        self._names: dict[str, int] = {} if parent is None else parent._names  # ONNX names are unique over branches
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._shared: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def input(self, name: str, dtype: DTypeLike, shape: Shape) -> str:
        """Declare an input of the model; a `str` in the shape names a free dimension. Returns its name."""
        self._inputs.append(_value_info(self._fresh(name), dtype, shape))
        return self._inputs[-1].name

    def op(self, kind: str, *operands: Operand, name: str = "", **attributes: Any) -> str:
        """Add the node `kind` with one output, called `name` if given, and return that value's name."""
        return self.ops(kind, *operands, names=[name], **attributes)[0]

    def ops(self, kind: str, *operands: Operand, names: Sequence[str], **attributes: Any) -> list[str]:
        """Add a node with `len(names)` outputs ("" makes up a name). An attribute may be a branch."""
        inputs = [operand if isinstance(operand, str) else self.constant(operand) for operand in operands]
        outputs = [self._fresh(name or kind.lower()) for name in names]
        proto = {key: v._graph() if isinstance(v, Graph) else v for key, v in attributes.items()}
        self._nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], **proto))
        return outputs

    def constant(self, value: Operand, name: str = "const") -> str:
        """Store an array or a number (`int` as int64, `float` as float32) and return its name."""
        array = np.asarray(value, np.float32 if isinstance(value, float) else None)
        key = (array.dtype.str, array.shape, array.tobytes() if array.nbytes <= _SHARED_BYTES else b"")
        if array.nbytes <= _SHARED_BYTES and key in self._shared:
            return self._shared[key]
        fresh = self._fresh(name)
        self._constants.append(numpy_helper.from_array(array, fresh))
        return self._shared.setdefault(key, fresh) if array.nbytes <= _SHARED_BYTES else fresh

    def output(self, value: str, dtype: DTypeLike, shape: Shape, name: str = "") -> str:
        """Declare `value` an output of the model (or the branch), under another `name` if one is given."""
        result = self.op("Identity", value, name=name) if name and name != value else value
        self._outputs.append(_value_info(result, dtype, shape))
        return result

    def branch(self, name: str) -> "Graph":
        """A graph for `If` (without inputs) or `Loop`; it sees every value made here before it."""
        return Graph(name, parent=self)

    def model(self, doc: str, metadata: Mapping[str, str]) -> onnx.ModelProto:
        """The finished model, checked: `onnx.checker` with full check raises on any defect."""
        model = helper.make_model(
            self._graph(),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="numserve",
            doc_string=doc,
        )
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model, full_check=True)
        return model

    def _graph(self) -> onnx.GraphProto:
        return helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._constants)

    def _fresh(self, name: str) -> str:
        """`name` the first time, then `name_1`, `name_2` …"""
        count = self._names.get(name, 0)
        self._names[name] = count + 1
        return self._fresh(f"{name}_{count}") if count else name


def _value_info(name: str, dtype: DTypeLike, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
