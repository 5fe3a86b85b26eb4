"""The network: what an architecture becomes, where it is refused, and that theta is all of it."""

import tracemalloc

import numpy as np
import pytest

from pipeline.errors import ArchitectureError
from pipeline.network.fused import Fused
from pipeline.network.layer import Array, Backprop
from pipeline.network.network import Network, Run
from pipeline.network.parser import parse

LENET = (
    "INPUT 1x28x28 -> CONV 6@5x5 same tanh -> POOL avg 2x2 -> CONV 16@5x5 tanh -> POOL avg 2x2"
    " -> FC 120 tanh -> FC 84 tanh -> FC 10 softmax"
)


FUSED = "INPUT 2x13x14 -> CONV 3@3x3 relu -> POOL max 2x2 -> CONV 8@3x2 tanh -> POOL max 2x2 -> FC 4 softmax"
MIXED = (
    "INPUT 1x28x28 -> CONV 3@3x3 tanh -> POOL avg 2x2 -> CONV 4@2x2 same relu -> POOL max 2x2 stride 1"
    " -> DROPOUT 0.2 -> CONV 5@2x2 sigmoid -> POOL max 2x2 -> FC 7 relu -> FC 6 sigmoid -> DROPOUT 0.5 -> FC 4 softmax"
)


def made(text: str, example: tuple[int, ...] | None = None) -> Network:
    network = Network(parse(text), example)
    network.initialise(np.random.default_rng(1))
    return network


def test_lenet_by_hand() -> None:
    network = made(LENET)
    assert [(layer.name, layer.shape, layer.size) for layer in network.layers] == [
        ("input", (1, 28, 28), 0),
        ("conv1", (6, 28, 28), 6 * (5 * 5 + 1)),
        ("tanh1", (6, 28, 28), 0),
        ("pool1", (6, 14, 14), 0),
        ("conv2", (16, 10, 10), 16 * (6 * 5 * 5 + 1)),
        ("tanh2", (16, 10, 10), 0),
        ("pool2", (16, 5, 5), 0),
        ("flatten1", (400,), 0),
        ("fc1", (120,), (400 + 1) * 120),
        ("tanh3", (120,), 0),
        ("fc2", (84,), (120 + 1) * 84),
        ("tanh4", (84,), 0),
        ("fc3", (10,), (84 + 1) * 10),
        ("softmax1", (10,), 0),
    ]
    assert network.theta.size == 61_706
    assert network.outputs == 10


def test_theta_is_every_parameter_and_gradient_every_derivative() -> None:
    network = made("INPUT 1x6x6 -> CONV 2@3x3 relu -> FC 3 softmax")
    network.theta[...] = np.arange(network.theta.size)
    network.gradient[...] = -network.theta
    parameters = [value.ravel() for layer in network.layers for value in layer.parameters.values()]
    gradients = [value.ravel() for layer in network.layers for value in layer.gradients.values()]
    np.testing.assert_array_equal(np.concatenate(parameters), network.theta)
    np.testing.assert_array_equal(np.concatenate(gradients), network.gradient)
    assert all(np.shares_memory(value, network.theta) for value in parameters)


def test_only_the_first_that_learns_leaves_its_way_back_out() -> None:
    network = made("INPUT 1x6x6 -> POOL avg 2x2 -> CONV 2@2x2 relu -> FC 3 softmax")
    assert [layer.name for layer in network.layers if layer.first] == ["conv1"]


def test_everything_is_float32() -> None:
    network = made(LENET)
    X = np.full((2, 1, 28, 28), 7, np.uint8)
    assert network.theta.dtype == network.gradient.dtype == np.float32
    for layer in network.layers:
        X, _ = layer.forward(X)
        assert X.dtype == np.float32, layer.name
        assert X.size == 2 * np.prod(layer.shape), layer.name


@pytest.mark.parametrize("text", [LENET, FUSED, MIXED], ids=["lenet", "fused", "mixed"])
def test_everything_that_goes_back_is_float32(text: str) -> None:
    network, rng, ran = made(text), np.random.default_rng(2), []

    def noted(run: Run, X: Array, rng: np.random.Generator) -> tuple[Array, Backprop]:
        Y, backprop = run.forward(X, rng)
        assert Y.dtype == np.float32, run.name

        def back(dY: Array) -> Array:
            ran.append(run)
            dX = backprop(dY)
            assert dX.dtype == np.float32, run.name
            return dX

        return Y, back

    network.call = noted
    X = rng.integers(0, 256, (3, *network.layers[0].shape), np.uint8)
    network.loss(X, np.array([0, 3, 1]), "mse", rng)
    assert any(isinstance(run, Fused) and run.pool for run in ran) == (text != LENET)
    assert ran[-1].name.startswith("conv1"), "from the last to the first that learns"
    assert network.gradient.dtype == np.float32
    assert np.isfinite(network.gradient).all()


@pytest.mark.parametrize("text", [FUSED, MIXED], ids=["fused", "mixed"])
def test_layers_that_are_run_as_one_answer_as_one_after_the_other(text: str) -> None:
    network = made(text)
    X = Y = np.random.default_rng(2).integers(0, 256, (3, *network.layers[0].shape), np.uint8)
    for layer in network.layers:
        Y, _ = layer.forward(Y)
    np.testing.assert_allclose(network.forward(X)[0], Y.copy(), atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "INPUT 1x28x28 -> (CONV 24@5x5 relu -> POOL max 2x2) * 2 -> FC 128 relu -> DROPOUT 0.3 -> FC 10 softmax",
        "INPUT 784 -> FC 300 relu -> DROPOUT 0.2 -> FC 100 relu -> FC 10 softmax",
        LENET,
        MIXED,
    ],
    ids=["cnn", "fnn", "lenet", "mixed"],
)
def test_after_the_first_step_no_large_array_is_made(text: str) -> None:
    """NumPy tells tracemalloc of its memory."""
    network, rng, peaks = made(text, (1, 28, 28)), np.random.default_rng(2), []
    X = rng.integers(0, 256, (64, 1, 28, 28), np.uint8)
    labels = rng.integers(0, network.outputs, 64)
    tracemalloc.start()
    try:
        for _ in range(3):
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            network.loss(X, labels, "cross-entropy", rng)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    assert peaks[0] > 400_000, "the first makes them, and it is seen"
    assert peaks[-1] < 200_000


def test_the_same_chance_the_same_parameters() -> None:
    text = "INPUT 20 -> FC 30 relu -> FC 10 softmax"
    np.testing.assert_array_equal(made(text).theta, made(text).theta)
    other = Network(parse(text))
    other.initialise(np.random.default_rng(2))
    assert (other.theta != made(text).theta).any()


def test_weights_before_a_relu_are_drawn_twice_as_wide() -> None:
    wide, narrow = (made(f"INPUT 300 -> FC 300 {name} -> FC 2").layers[1].parameters["W"] for name in ("relu", "tanh"))
    assert wide.var() / narrow.var() == pytest.approx(2, rel=0.05)
    assert narrow.var() == pytest.approx(1 / 300, rel=0.05)


@pytest.mark.parametrize("n", [1, 3, 256, 300, 513])
def test_predict_in_pieces_is_predict_at_once(n: int) -> None:
    network = made("INPUT 1x8x8 -> CONV 4@3x3 relu -> POOL max 2x2 -> DROPOUT 0.5 -> FC 5 softmax")
    X = np.random.default_rng(2).integers(0, 256, (n, 1, 8, 8), np.uint8)
    Y = network.forward(X)[0].copy()
    np.testing.assert_allclose(network.predict(X), Y, atol=1e-6)
    np.testing.assert_allclose(Y.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("INPUT 784 -> FC 800 relu -> FC 10 softmax", 128),
        (LENET, 64),
        ("INPUT 1x28x28 -> CONV 64@3x3 relu * 3 -> FC 10 softmax", 39),
        ("INPUT 3x224x224 -> CONV 64@3x3 relu -> FC 2 softmax", 16),
    ],
)
def test_the_larger_the_maps_the_fewer_go_through_at_once(text: str, most: int) -> None:
    assert made(text).at_once == most


def test_predict_nothing() -> None:
    assert made("INPUT 4 -> FC 3 softmax").predict(np.empty((0, 4), np.float32)).shape == (0, 3)


def test_a_row_of_inputs_takes_pictures_too() -> None:
    network = made("INPUT 12 -> FC 5 softmax", (3, 2, 2))
    X = np.random.default_rng(3).integers(0, 256, (4, 3, 2, 2), np.uint8)
    rows = made("INPUT 12 -> FC 5 softmax").predict(X.reshape(4, 12).astype(np.float32) / 255)
    np.testing.assert_allclose(network.predict(X), rows, atol=1e-6)


def test_the_loss_leaves_the_gradient_of_the_mean() -> None:
    """The gradient of a batch is the mean of the gradients of its examples."""
    network, rng = made("INPUT 1x6x6 -> CONV 3@3x3 relu -> FC 4 softmax"), np.random.default_rng(4)
    X, labels = rng.integers(0, 256, (5, 1, 6, 6), np.uint8), np.array([0, 1, 2, 3, 0])
    value, _ = network.loss(X, labels, "cross-entropy", rng)
    whole, values, parts = network.gradient.copy(), [], []
    for at in range(5):
        values.append(network.loss(X[at : at + 1], labels[at : at + 1], "cross-entropy", rng)[0])
        parts.append(network.gradient.copy())
    assert value == pytest.approx(np.mean(values), rel=1e-5)
    np.testing.assert_allclose(whole, np.mean(parts, axis=0), atol=1e-6)


def test_the_parts_of_a_batch_add_up_to_its_mean() -> None:
    network, rng = made("INPUT 1x6x6 -> CONV 3@3x3 relu -> POOL max 2x2 -> FC 4 softmax"), np.random.default_rng(4)
    X, labels = rng.integers(0, 256, (5, 1, 6, 6), np.uint8), np.array([0, 1, 2, 3, 0])
    value, _ = network.loss(X, labels, "cross-entropy", smoothing=0.2)
    whole, values, parts = network.gradient.copy(), [], []
    for part in (slice(0, 2), slice(2, 5)):
        values.append(network.loss(X[part], labels[part], "cross-entropy", B=5, smoothing=0.2)[0])
        parts.append(network.gradient.copy())
    assert value == pytest.approx(sum(values), rel=1e-5)
    np.testing.assert_allclose(whole, sum(parts), atol=1e-6)


def test_smoothing_is_that_of_the_targets() -> None:
    network = made("INPUT 4 -> FC 3 softmax")
    X, labels = np.random.default_rng(4).normal(size=(5, 4)).astype(np.float32), np.array([0, 1, 2, 2, 0])
    value, _ = network.loss(X, labels, "cross-entropy", smoothing=0.3)
    log = np.log(network.predict(X).astype(float))
    smooth = 0.7 * np.eye(3)[labels] + 0.1
    assert value == pytest.approx(-(smooth * log).sum() / 5, rel=1e-5)


def test_without_chance_dropout_is_quiet_and_the_loss_the_same_each_time() -> None:
    network, quiet = (made(f"INPUT 4 -> {dropout}FC 3 softmax") for dropout in ("DROPOUT 0.5 -> ", ""))
    X, labels = np.random.default_rng(4).normal(size=(5, 4)).astype(np.float32), np.array([0, 1, 2, 2, 0])
    expected, _ = quiet.loss(X, labels, "cross-entropy")
    assert network.loss(X, labels, "cross-entropy")[0] == expected
    assert network.loss(X, labels, "cross-entropy", np.random.default_rng(1))[0] != expected


def test_theta_and_the_gradient_can_be_exchanged() -> None:
    network, other = made("INPUT 1x6x6 -> CONV 3@3x3 relu -> FC 4 softmax"), np.random.default_rng(5)
    X, labels = other.integers(0, 256, (5, 1, 6, 6), np.uint8), np.array([0, 1, 2, 3, 0])
    before, kept = network.loss(X, labels, "cross-entropy")[0], network.gradient
    gradient = kept.copy()
    network.use(network.theta * 2)
    network.learn_into(np.full_like(kept, np.nan))
    assert network.loss(X, labels, "cross-entropy")[0] != before
    np.testing.assert_array_equal(kept, gradient)
    assert np.isfinite(network.gradient).all()
    assert all(np.shares_memory(v, network.theta) for layer in network.layers for v in layer.parameters.values())


def test_weights_are_told_from_biases() -> None:
    network = made("INPUT 1x6x6 -> CONV 3@3x2 relu -> FC 4 softmax")
    weights = network.weights()
    assert weights.dtype == network.theta.dtype
    assert weights.tolist() == [1] * (3 * 2 * 3) + [0] * 3 + [1] * (3 * 4 * 5 * 4) + [0] * 4


@pytest.mark.parametrize(
    ("text", "example", "said"),
    [
        ("INPUT 1x8x8 -> CONV 4@9x9 -> FC 2", None, ["CONV 4@9x9", "kernel 9x9", "input 1x8x8"]),
        ("INPUT 1x8x8 -> (CONV 4@3x3 -> POOL max 2x2) * 2 -> FC 2", None, ["POOL max 2x2", "its input 4x1x1"]),
        ("INPUT 1x8x8 -> CONV 3@7x7 -> CONV 4@3x3 -> FC 2", None, ["CONV 4@3x3", "its input 3x2x2"]),
        ("INPUT 1x8x8 -> FC 9 -> CONV 4@3x3 -> FC 2", None, ["CONV 4@3x3", "9 values in a row", "before the first FC"]),
        ("INPUT 64 -> POOL max 2x2 -> FC 2", None, ["POOL max 2x2", "64 values in a row"]),
        ("INPUT 1x8x8 -> CONV 4@3x3 relu", None, ["last layer", "maps of 4x6x6", "an FC at the end"]),
        ("INPUT 1x28x28 -> FC 2", (1, 8, 8), ["INPUT 1x28x28", "expected 1x8x8 or 64"]),
        ("INPUT 784 -> FC 2", (1, 8, 8), ["INPUT 784", "expected 1x8x8 or 64"]),
        ("INPUT 1x2x2 -> FC 2", (4,), ["INPUT 1x2x2", "expected 4"]),
        ("INPUT 64 -> FLATTEN", None, ["expected a CONV or an FC"]),
        ("INPUT 64 -> FC 1000000 -> FC 1000000 -> FC 2", None, ["parameters", "fc2", "at most 1,000,000,000"]),
    ],
)
def test_what_does_not_fit_is_refused_by_name(text: str, example: tuple[int, ...] | None, said: list[str]) -> None:
    with pytest.raises(ArchitectureError) as raised:
        Network(parse(text), example)
    for words in said:
        assert words in str(raised.value)


@pytest.mark.parametrize("last", ["relu", "tanh", "identity", "step"])
def test_cross_entropy_needs_probabilities(last: str) -> None:
    network = made(f"INPUT 4 -> FC 3 {last}")
    with pytest.raises(ArchitectureError, match=r"softmax or sigmoid.*FC 3 softmax.*--loss mse"):
        network.loss(np.zeros((1, 4), np.float32), np.array([0]), "cross-entropy", np.random.default_rng())


def test_sides_that_are_not_equal_are_not_mixed_up() -> None:
    network = made("INPUT 3x8x12 -> CONV 5@3x4 stride 2 relu -> POOL max 1x2 -> FC 2 softmax")
    assert [layer.shape for layer in network.layers[1:5]] == [(5, 3, 5), (5, 3, 5), (5, 3, 2), (30,)]
    assert network.predict(np.zeros((2, 3, 8, 12), np.uint8)).shape == (2, 2)
