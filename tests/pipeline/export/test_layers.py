"""Layers to ONNX: onnxruntime computes from the file what NumPy computed from the layers."""

import json

import numpy as np
import onnx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.export.graph import IR_VERSION, OPSET, Graph
from pipeline.export.layers import emit, explain_graph, model_graph
from pipeline.export.session import session
from pipeline.network.layer import Array, Layer
from pipeline.network.network import Network
from pipeline.network.notation import ACTIVATIONS, Shape
from pipeline.network.parser import parse

LABELS = ("nought", "one", "zwölf")
LENET = (
    "INPUT 1x12x10 -> CONV 4@3x3 same relu -> POOL max 2x2 -> CONV 5@3x2 tanh"
    " -> DROPOUT 0.3 -> FC 6 relu -> FC 3 softmax"
)


def made(text: str, example: Shape | None = None) -> Network:
    """A network whose parameters are all drawn by chance, biases too."""
    network, rng = Network(parse(text), example), np.random.default_rng(1)
    network.initialise(rng)
    network.theta += rng.normal(0, 0.1, network.theta.shape).astype(np.float32)
    return network


def examples(shape: Shape, n: int) -> np.ndarray:
    rng = np.random.default_rng(n)
    if len(shape) == 1:
        return rng.normal(size=(n, *shape)).astype(np.float32)
    return rng.integers(0, 256, (n, *shape), np.uint8)


def answers(model: onnx.ModelProto, X: np.ndarray) -> dict[str, Array]:
    """All outputs by name."""
    runtime = session(model.SerializeToString())
    names = [output.name for output in runtime.get_outputs()]
    return dict(zip(names, runtime.run(None, {runtime.get_inputs()[0].name: X}), strict=True))


def agree(network: Network, example: Shape, n: int = 7) -> onnx.ModelProto:
    X, model = examples(example, n), model_graph(network, LABELS)
    expected = network.predict(X)
    np.testing.assert_allclose(
        answers(model, X)["probabilities"], expected, rtol=1e-5, atol=1e-5 * max(1, np.abs(expected).max())
    )
    return model


@pytest.mark.parametrize(
    ("text", "example", "operator"),
    [
        ("INPUT 2x7x6 -> CONV 3@3x2 stride 2 -> FC 3", None, "Conv"),
        ("INPUT 2x7x6 -> CONV 3@4x3 stride 2 same -> FC 3", None, "Conv"),
        ("INPUT 2x7x6 -> POOL max 3x2 -> FC 3", None, "MaxPool"),
        ("INPUT 2x7x6 -> POOL max 3x2 stride 1 -> FC 3", None, "MaxPool"),
        ("INPUT 2x7x6 -> POOL avg 3x2 -> FC 3", None, "AveragePool"),
        ("INPUT 2x7x6 -> FLATTEN -> FC 3", None, "Flatten"),
        ("INPUT 84 -> FC 3", (2, 7, 6), "Gemm"),
        ("INPUT 9 -> FC 3", None, "Gemm"),
        ("INPUT 9 -> FC 1 step", None, "Greater"),
        ("INPUT 9 -> SCALE -> FC 3", None, "Div"),
        *((f"INPUT 9 -> FC 5 {name} -> FC 3", None, operator) for name, operator in (
            ("relu", "Relu"), ("sigmoid", "Sigmoid"), ("tanh", "Tanh"), ("softmax", "Softmax"), ("step", "Greater"),
        )),
    ],
)  # fmt: skip
def test_every_kind_of_layer(text: str, example: Shape | None, operator: str) -> None:
    network = made(text, example)
    model = agree(network, example or network.architecture.shape)
    assert operator in [node.op_type for node in model.graph.node]


@st.composite
def architectures(draw: st.DrawFn) -> str:
    """A convolutional part and fully connected layers, of sizes that fit each other."""
    channels, height, width = draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    parts = [f"INPUT {channels}x{height}x{width}"]
    activation = st.sampled_from([name for name in ACTIVATIONS if name != "step"])
    for _ in range(draw(st.integers(0, 4))):
        kh, kw = draw(st.integers(1, min(height, 5))), draw(st.integers(1, min(width, 5)))
        stride, same = draw(st.integers(1, 3)), draw(st.booleans())
        kind = draw(st.sampled_from(["CONV", "POOL max", "POOL avg", "DROPOUT 0.5"]))
        if kind == "DROPOUT 0.5":
            parts.append(kind)
            continue
        filters = draw(st.integers(1, 4))
        of_conv = f"CONV {filters}@{kh}x{kw} stride {stride} {'same' if same else 'valid'} {draw(activation)}"
        parts.append(of_conv if kind == "CONV" else f"{kind} {kh}x{kw} stride {stride}")
        if kind == "CONV" and same:
            height, width = -(-height // stride), -(-width // stride)
        else:
            height, width = (height - kh) // stride + 1, (width - kw) // stride + 1
    parts += [f"FC {draw(st.integers(1, 6))} {draw(activation)}" for _ in range(draw(st.integers(0, 2)))]
    return " -> ".join([*parts, "FC 3 softmax"])


@given(architectures())
@example("INPUT 2x3x4 -> CONV 3@2x2 softmax -> FC 3 softmax")  # a softmax over channels, wherever they stand
def test_any_architecture(text: str) -> None:
    network = made(text)
    agree(network, network.architecture.shape, n=3)


@pytest.mark.parametrize("n", [1, 7])
def test_any_number_of_examples_at_once(n: int) -> None:
    agree(made(LENET), (1, 12, 10), n)


@pytest.mark.parametrize("graph", [model_graph, explain_graph])
def test_what_the_contract_asks_of_the_file(graph: object) -> None:
    model = graph(made(LENET), LABELS)
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", OPSET)]
    assert (OPSET, IR_VERSION, model.ir_version) == (18, 8, 8)
    assert model.producer_name == "numserve"
    assert model.doc_string == str(made(LENET).architecture)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata["architecture"] == LENET
    assert json.loads(metadata["labels"]) == list(LABELS)
    assert all(tensor.data_location == onnx.TensorProto.DEFAULT for tensor in model.graph.initializer)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LENET, ("pixels", "tensor(uint8)", ["N", 1, 12, 10])),
        ("INPUT 9 -> FC 3", ("features", "tensor(float)", ["N", 9])),
    ],
)
def test_names_shapes_and_types_of_the_contract(text: str, expected: tuple[object, ...]) -> None:
    runtime = session(model_graph(made(text), LABELS).SerializeToString())
    (entry,), (answer,) = runtime.get_inputs(), runtime.get_outputs()
    assert (entry.name, entry.type, entry.shape) == expected
    assert (answer.name, answer.type, answer.shape) == ("probabilities", "tensor(float)", ["N", 3])


def channels_first(Y: Array) -> Array:
    return Y.transpose(2, 3, 0, 1) if Y.ndim == 4 else Y  # the network has [H,W,N,C]


@pytest.mark.parametrize("text", [LENET, "INPUT 120 -> FC 8 sigmoid -> FC 3 softmax"])
def test_explain_shows_every_layer_by_its_name(text: str) -> None:
    network, X = made(text, (1, 12, 10)), examples((1, 12, 10), 1)
    shown = answers(explain_graph(network, LABELS), X)
    visible = [layer.name for layer in network.layers if layer.kind not in ("input", "dropout")]
    assert list(shown) == [*visible[:-1], "probabilities"]
    for layer in network.layers:
        X = layer.forward(X)[0]
        name = "probabilities" if layer is network.layers[-1] else layer.name
        if name in shown:
            np.testing.assert_allclose(shown[name], channels_first(X), atol=1e-5, err_msg=name)
            assert shown[name].shape == (1, *layer.shape)


def test_a_dropout_at_the_end_still_leaves_probabilities() -> None:
    agree(made("INPUT 9 -> FC 3 softmax -> DROPOUT 0.5"), (9,))


def test_a_kind_of_layer_that_onnx_does_not_know_is_refused_by_name() -> None:
    class Odd(Layer):
        kind = "odd"

    with pytest.raises(ExportError, match=r"odd: there is no way yet .* kind “odd”"):
        emit(Odd((3,)), Graph("odd"), "x", "y")


def test_the_same_network_gives_the_same_bytes() -> None:
    first, second = (model_graph(made(LENET), LABELS).SerializeToString() for _ in range(2))
    assert first == second
