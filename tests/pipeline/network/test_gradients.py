"""Every way back against central differences, (f(x + e) - f(x - e)) / 2e, in float64.

`CASES` draws each kind of layer in any shape, with inputs that keep clear of its kinks and ties; a test fails when
a kind of layer is not among them.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline.network
from pipeline.network import losses, notation, product, windows
from pipeline.network.activations import Activation, Identity, Relu, Sigmoid, Softmax, Step, Tanh
from pipeline.network.convolution import Convolution
from pipeline.network.dense import Dense
from pipeline.network.dropout import Dropout
from pipeline.network.layer import Array, Layer
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.network.pooling import AveragePooling, MaxPooling, Pooling
from pipeline.network.reshaping import Flatten, Input
from pipeline.network.scale import Scale

EPSILON = 1e-6
Case = tuple[Layer, Array]  # a layer with parameters, and examples for it

small = st.integers(1, 3)
rngs = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def numeric(f: Callable[[], float], x: Array) -> Array:
    """df/dx by central differences; x is moved in place, one value after the other, and put back."""
    gradient = np.empty_like(x)
    for at in np.ndindex(x.shape):
        middle, values = x[at], []
        for x[at] in (middle + EPSILON, middle - EPSILON):
            values.append(f())
        x[at] = middle
        gradient[at] = (values[0] - values[1]) / (2 * EPSILON)
    return gradient


def agree(analytic: Array, by_differences: Array) -> None:
    np.testing.assert_allclose(analytic, by_differences, rtol=1e-6, atol=1e-7)


def learning(layer: Layer, rng: np.random.Generator) -> Layer:
    """The layer with parameters by chance and room for their gradients."""
    layer.parameters = {name: rng.normal(size=shape) for name, shape in layer.parameter_shapes.items()}
    layer.gradients = {name: np.full(shape, np.nan) for name, shape in layer.parameter_shapes.items()}
    return layer


def distinct(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Values that are all at least 0.1 apart, and 0.05 from 0."""
    size = int(np.prod(shape))
    return ((rng.permutation(size) - size // 2 + 0.5) / 10).reshape(shape)


@st.composite
def dense(draw: st.DrawFn) -> Case:
    rng, n, d, units = draw(rngs), draw(small), draw(st.integers(1, 6)), draw(st.integers(1, 5))
    return learning(Dense(d, units), rng), rng.normal(size=(n, d))


@st.composite
def convolution(draw: st.DrawFn) -> Case:
    rng, n, c = draw(rngs), draw(small), draw(small)
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    padding = draw(st.sampled_from(["valid", "same"]))
    kernel = tuple(draw(st.integers(1, side + 2 * (padding == "same"))) for side in (height, width))
    spec = notation.Conv(draw(small), kernel, draw(st.integers(1, 4)), padding)
    return learning(Convolution((c, height, width), spec), rng), rng.normal(size=(height, width, n, c))


def pooling(kind: str) -> st.SearchStrategy[Case]:
    @st.composite
    def case(draw: st.DrawFn) -> Case:
        rng, n, c = draw(rngs), draw(small), draw(small)
        kernel, stride = (draw(small), draw(small)), draw(st.none() | st.integers(1, 4))
        height, width = (k + draw(st.integers(0, 4)) for k in kernel)
        layer = (MaxPooling if kind == "max" else AveragePooling)(
            (c, height, width), notation.Pool(kind, kernel, stride)
        )
        return layer, distinct(rng, (height, width, n, c))

    return case()


@st.composite
def flatten(draw: st.DrawFn) -> Case:
    rng, n, c, height, width = draw(rngs), draw(small), draw(small), draw(small), draw(small)
    return Flatten((c, height, width)), rng.normal(size=(height, width, n, c))


@st.composite
def dropout(draw: st.DrawFn) -> Case:
    rng, shape = draw(rngs), tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=4)))
    return Dropout(shape[1:], draw(st.sampled_from([0.0, 0.2, 0.5, 0.9]))), rng.normal(size=shape)


def activation(kind: type[Activation]) -> st.SearchStrategy[Case]:
    @st.composite
    def case(draw: st.DrawFn) -> Case:
        rng, shape = draw(rngs), tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=4)))
        return kind(shape[1:]), distinct(rng, shape)

    return case()


CASES: dict[type[Layer], st.SearchStrategy[Case]] = {
    Dense: dense(),
    Convolution: convolution(),
    MaxPooling: pooling("max"),
    AveragePooling: pooling("avg"),
    Flatten: flatten(),
    Dropout: dropout(),
    **{kind: activation(kind) for kind in (Identity, Step, Sigmoid, Tanh, Relu, Softmax)},
}


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=40)
def test_gradients(kind: type[Layer], data: st.DataObject) -> None:
    check(*data.draw(CASES[kind]))


def check(layer: Layer, X: Array) -> None:
    weights = np.random.default_rng(0).normal(size=layer.forward(X)[0].shape)  # of the sum that is derived

    def f() -> float:
        return float(np.vdot(weights, layer.forward(X, np.random.default_rng(1))[0]))

    _, backprop = layer.forward(X, np.random.default_rng(1))
    dX = backprop(weights).copy()
    gradients = {name: gradient.copy() for name, gradient in layer.gradients.items()}
    agree(dX, numeric(f, X))
    for name, gradient in gradients.items():
        agree(gradient, numeric(f, layer.parameters[name]))


@pytest.mark.parametrize("thin", [0, 1_000], ids=["rows", "whole"])
@pytest.mark.parametrize("block", [1, 7])
@given(case=convolution())
def test_gradients_of_a_convolution_however_it_is_done(thin: int, block: int, case: Case) -> None:
    """With each kind of windows, and a few positions at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "THIN", thin)
        patch.setattr(product, "BLOCK", block)
        check(*case)


def kinds(base: type[Layer]) -> Iterator[type[Layer]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_no_kind_of_layer_goes_without_a_check() -> None:
    for module in pkgutil.iter_modules(pipeline.network.__path__, "pipeline.network."):
        importlib.import_module(module.name)
    bases = {Pooling, Activation}
    entry = {Input, Scale}  # nothing before them learns, and SCALE is measured
    ours = {kind for kind in kinds(Layer) if kind.__module__.startswith("pipeline.")}
    assert ours - bases - entry == set(CASES)


@st.composite
def outputs(draw: st.DrawFn) -> tuple[Array, Array]:
    """Outputs [N,K] and targets [N,K]."""
    rng, n, k = draw(rngs), draw(st.integers(1, 5)), draw(st.integers(2, 6))
    smoothing = draw(st.sampled_from([0.0, 0.1, 0.7]))
    return rng.normal(0, 3, (n, k)), losses.one_hot(rng.integers(0, k, n), k, np.dtype(np.float64), smoothing)


@pytest.mark.parametrize(
    "loss", [losses.mean_squared_error, losses.softmax_cross_entropy, losses.sigmoid_cross_entropy]
)
@given(case=outputs(), B=st.integers(1, 9))
def test_gradients_of_the_losses(loss: losses.Loss, case: tuple[Array, Array], B: int) -> None:
    Y, T = case
    agree(loss(Y, T, B)[1], numeric(lambda: loss(Y, T, B)[0], Y))


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        *((last, "cross-entropy") for last in ("softmax", "sigmoid")),
        *((last, "mse") for last in ("softmax", "sigmoid", "tanh", "relu", "identity")),
    ],
)
@pytest.mark.parametrize(
    "architecture",
    [
        "INPUT 1x6x6 -> CONV 2@3x3 tanh -> POOL max 2x2 -> FC 4 sigmoid -> FC 3 {}",
        "INPUT 1x6x6 -> CONV 2@3x2 same relu -> CONV 2@2x2 stride 2 tanh -> POOL avg 2x2 stride 1 -> FC 3 {}",
        "INPUT 1x6x6 -> CONV 2@2x2 tanh -> CONV 3@3x3 relu -> POOL max 2x2 -> FC 3 {}",
        "INPUT 1x6x6 -> CONV 2@2x2 same -> POOL max 1x2 -> CONV 2@3x2 tanh -> POOL max 3x1 -> FC 3 {}",
        "INPUT 36 -> FC 5 relu -> DROPOUT 0.3 -> FC 3 {}",
        "INPUT 1x6x6 -> POOL avg 2x2 -> DROPOUT 0.2 -> CONV 2@2x2 tanh -> FC 3 {}",
    ],
)
def test_gradient_of_a_whole_network(architecture: str, last: str, loss: str) -> None:
    """All of theta at once, with each loss after each last activation."""
    rng = np.random.default_rng(4)
    network = Network(parse(architecture.format(last)), (1, 6, 6), np.float64)
    network.initialise(rng)
    network.theta += rng.normal(0, 0.1, network.theta.shape)
    X, labels = rng.integers(0, 256, (3, 1, 6, 6), np.uint8), np.array([0, 2, 1])

    def f() -> float:
        return network.loss(X, labels, loss, np.random.default_rng(7), B=5, smoothing=0.1)[0]

    f()
    agree(network.gradient.copy(), numeric(f, network.theta))
