"""The parity gate: it lets the same pass, and nothing else."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from pipeline.errors import ExportError
from pipeline.export import parity
from pipeline.export.layers import model_graph
from pipeline.export.session import session
from pipeline.network.network import Network
from pipeline.network.parser import parse

X = np.random.default_rng(1).integers(0, 256, (600, 1, 6, 6), np.uint8)  # more than go through at once


@pytest.fixture
def network() -> Network:
    made = Network(parse("INPUT 1x6x6 -> CONV 4@3x3 relu -> FC 3 softmax"))
    made.initialise(np.random.default_rng(2))
    return made


@pytest.fixture
def model(network: Network) -> onnx.ModelProto:
    return model_graph(network, ("a", "b", "c"))


def tampered(model: onnx.ModelProto, name: str, value: float) -> bytes:
    """The model with the first number of one of its tensors changed."""
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    array = numpy_helper.to_array(tensor).copy()
    array.flat[0] = value
    tensor.CopyFrom(numpy_helper.from_array(array, name))
    return model.SerializeToString()


def test_the_same_passes(network: Network, model: onnx.ModelProto) -> None:
    found = parity.check(network.predict(X), model.SerializeToString(), X)
    assert found.samples == 600
    assert 0 <= found.difference <= parity.TOLERANCE == 1e-5


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf])
@pytest.mark.parametrize("name", ["conv1.W", "fc1.b"])
def test_a_changed_weight_does_not(network: Network, model: onnx.ModelProto, name: str, value: float) -> None:
    expected = network.predict(X)
    with pytest.raises(ExportError, match=r"NumPy and onnxruntime differ by .* at most 1e-05: nothing is published"):
        parity.check(expected, tampered(model, name, value), X)


def test_one_example_in_the_last_piece_is_enough(network: Network, model: onnx.ModelProto) -> None:
    expected = network.predict(X)
    expected[-1, 0] += 2e-5
    with pytest.raises(ExportError, match="differ by 2e-05"):
        parity.check(expected, model.SerializeToString(), X)


def test_nan_on_the_side_of_numpy_does_not_pass(network: Network, model: onnx.ModelProto) -> None:
    expected = network.predict(X)
    expected[300] = np.nan
    with pytest.raises(ExportError, match="differ by nan"):
        parity.check(expected, model.SerializeToString(), X)


def test_another_label_does_not_pass_however_small_the_difference() -> None:
    undecided = Network(parse("INPUT 36 -> FC 2 softmax"), (1, 6, 6))  # all parameters 0: ½ and ½
    expected = undecided.predict(X)
    expected[[17, 40], 1] += 5e-6
    model = model_graph(undecided, ("a", "b")).SerializeToString()
    with pytest.raises(ExportError, match=r"example 17 of the test set different labels \(2 in all\)"):
        parity.check(expected, model, X)


def test_a_number_may_differ_by_a_part_of_the_largest_and_a_label_of_one_unit_not_at_all() -> None:
    unit, features = Network(parse("INPUT 1 -> FC 1")), np.array([[0], [1], [1000]], np.float32)
    unit.theta[...] = 1, -0.5
    expected = unit.predict(features)  # -½, ½ and 999½
    model = model_graph(unit, ("y",), "values").SerializeToString()
    assert parity.check(expected + np.float32(0.009), model, features, "regression").difference < 0.01
    with pytest.raises(ExportError, match=r"differ by 0\.011 in an output, expected at most 0\.0099"):
        parity.check(expected + np.float32(0.011), model, features, "regression")
    half = Network(parse("INPUT 1 -> FC 1 sigmoid"))  # ½, which is no answer for the second label
    other = half.predict(features)
    other[2] += 5e-6
    with pytest.raises(ExportError, match="example 2 of the test set different labels"):
        parity.check(other, model_graph(half, ("no", "yes")).SerializeToString(), features)


def test_answers_take_more_examples_than_fit_one_piece(network: Network, model: onnx.ModelProto) -> None:
    Y = parity.answers(model.SerializeToString(), X)
    np.testing.assert_allclose(Y, network.predict(X), atol=1e-6)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ExportError, match="model that onnxruntime can load"):
        session(b"no model")
    with pytest.raises(ExportError, match=r"model\.onnx: expected a model that onnxruntime can load"):
        session(tmp_path / "model.onnx")
    with pytest.raises(ExportError, match=r"missing\.onnx"):
        session(tmp_path / "missing.onnx")
