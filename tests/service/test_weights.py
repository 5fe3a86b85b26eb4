"""What is read from an ONNX file without the onnx package, against what that wrote into it."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from stores import brightness_network, model_of, tensor

from service.weights import first_filters, read_nodes

DIMS = (1, 2, 3)
W = np.arange(24, dtype=np.float32).reshape(6, 4)


def linear(kind: str, weights: onnx.TensorProto, **attributes: int) -> bytes:
    node = helper.make_node(kind, ["rows", "W"], ["y"], **attributes)
    flatten = helper.make_node("Flatten", ["x"], ["rows"])
    ends = [tensor("x", TensorProto.FLOAT, ["N", *DIMS])], [tensor("y", TensorProto.FLOAT, ["N", 4])]
    graph = helper.make_graph([flatten, node], "test", *ends, [weights])
    return helper.make_model(graph).SerializeToString()


def test_nodes_in_their_order() -> None:
    nodes = read_nodes(brightness_network().SerializeToString())
    assert [node.kind for node in nodes] == ["Cast", "Flatten", "Gemm", "Softmax"]
    assert nodes[2].inputs == ("rows", "W", "b")
    assert nodes[2].outputs == ("scores",)
    assert nodes[0].numbers == {"to": TensorProto.FLOAT}


@pytest.mark.parametrize("kind", ["Gemm", "MatMul"])
@pytest.mark.parametrize("raw", [True, False])
def test_weights_of_a_fully_connected_layer(kind: str, raw: bool) -> None:
    floats = helper.make_tensor("W", TensorProto.FLOAT, W.shape, W.ravel())
    filters = first_filters(linear(kind, numpy_helper.from_array(W, "W") if raw else floats), DIMS)
    assert filters is not None
    assert np.array_equal(filters, W.T.reshape(4, *DIMS))


def test_transposed_weights() -> None:
    filters = first_filters(linear("Gemm", numpy_helper.from_array(W.T.copy(), "W"), transB=1), DIMS)
    assert filters is not None
    assert np.array_equal(filters, W.T.reshape(4, *DIMS))


def test_no_filters_where_nothing_fits() -> None:
    assert first_filters(linear("Gemm", numpy_helper.from_array(W.astype(np.float16), "W")), DIMS) is None
    assert first_filters(linear("Gemm", numpy_helper.from_array(W, "W")), (1, 5, 5)) is None
    assert first_filters(linear("Gemm", numpy_helper.from_array(W, "another")), DIMS) is None
    empty = model_of([], [tensor("x", TensorProto.FLOAT, [1])], [tensor("x", TensorProto.FLOAT, [1])], {})
    assert first_filters(empty.SerializeToString(), DIMS) is None
