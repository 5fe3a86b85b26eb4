"""The builder: what it writes is what onnxruntime computes."""

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import pipeline  # noqa: F401  (sets the environment before onnxruntime is imported)
from pipeline.export.graph import IR_VERSION, OPSET, Graph

ort = pytest.importorskip("onnxruntime")


def run(model: onnx.ModelProto, **inputs: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def test_a_linear_unit_with_metadata() -> None:
    W, b = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([1, -1], np.float32)
    g = Graph("linear")
    x = g.input("features", np.float32, ["N", 3])
    g.output(g.op("Gemm", x, W, b, name="fc1"), np.float32, ["N", 2], name="probabilities")
    model = g.model("A linear unit.", {"labels": "no,yes"})

    X = np.eye(3, dtype=np.float32)
    np.testing.assert_array_equal(run(model, features=X)[0], X @ W + b)
    assert [o.name for o in model.graph.output] == ["probabilities"]
    assert (model.opset_import[0].version, model.ir_version) == (OPSET, IR_VERSION)
    assert model.producer_name == "numserve"
    assert {p.key: p.value for p in model.metadata_props} == {"labels": "no,yes"}


def test_small_constants_are_shared_by_value_and_type() -> None:
    g = Graph("constants")
    assert g.constant(1) == g.constant(np.int64(1))
    assert len({g.constant(1), g.constant(1.0), g.constant([1]), g.constant(True)}) == 4
    assert g.constant(np.zeros(100, np.float32)) != g.constant(np.zeros(100, np.float32))


def test_names_are_unique_over_branches() -> None:
    g = Graph("names")
    x = g.input("x", np.float32, [1])
    inner = g.branch("then")
    names = [g.op("Neg", x, name="a"), inner.op("Neg", x, name="a"), g.op("Neg", x), inner.op("Neg", x)]
    assert names == ["a", "a_1", "neg", "neg_1"]


def test_if_takes_branches_that_see_the_outer_values() -> None:
    g = Graph("absolute")
    x = g.input("x", np.float32, [])
    double = g.op("Mul", x, 2.0)
    positive, negative = g.branch("positive"), g.branch("negative")
    positive.output(double, np.float32, [], name="same")
    negative.output(negative.op("Neg", double), np.float32, [])
    y = g.op("If", g.op("Greater", x, 0.0), then_branch=positive, else_branch=negative)
    g.output(y, np.float32, [], name="y")
    model = g.model("Twice the absolute value.", {})
    assert [float(run(model, x=np.array(v, np.float32))[0]) for v in (3, -4)] == [6, 8]


def test_several_outputs() -> None:
    g = Graph("split")
    top, rest = g.ops("TopK", g.input("x", np.float32, [3]), [2], names=["top", ""])
    g.output(top, np.float32, [2])
    g.output(rest, np.int64, [2], name="where")
    values, where = run(g.model("", {}), x=np.array([1, 3, 2], np.float32))
    assert (values.tolist(), where.tolist()) == ([3, 2], [1, 2])


def test_a_defect_is_refused() -> None:
    g = Graph("broken")
    g.output(g.op("Conv", g.input("x", np.float32, [1, 1, 4, 4])), np.float32, [1])
    with pytest.raises(onnx.checker.ValidationError):
        g.model("Conv without weights.", {})
