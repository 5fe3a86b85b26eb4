"""Each optimizer against its formula, written out again one number at a time in float64."""

from collections.abc import Iterator
from math import sqrt

import numpy as np
import pytest

from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.optimizers import OPTIMIZERS, decay

ETAS = [0.1, 0.05, 0.2, 0.01, 0.1, 0.3]
rng = np.random.default_rng(1)
START, GRADIENTS = rng.normal(size=5), rng.normal(size=(len(ETAS), 5))


def sgd(theta: float, gradients: list[float]) -> Iterator[float]:
    for g, eta in zip(gradients, ETAS, strict=True):
        theta = theta - eta * g
        yield theta


def momentum(theta: float, gradients: list[float]) -> Iterator[float]:
    v = 0.0
    for g, eta in zip(gradients, ETAS, strict=True):
        v = 0.9 * v + g
        theta = theta - eta * v
        yield theta


def nesterov(theta: float, gradients: list[float]) -> Iterator[float]:
    v = 0.0
    for g, eta in zip(gradients, ETAS, strict=True):
        v = 0.9 * v + g
        theta = theta - eta * (g + 0.9 * v)
        yield theta


def adam(theta: float, gradients: list[float]) -> Iterator[float]:
    m = v = 0.0
    for t, (g, eta) in enumerate(zip(gradients, ETAS, strict=True), start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        theta = theta - eta * (m / (1 - 0.9**t)) / (sqrt(v / (1 - 0.999**t)) + 1e-8)
        yield theta


FORMULAS = {"sgd": sgd, "momentum": momentum, "nesterov": nesterov, "adam": adam}


def test_every_optimizer_has_its_formula_here() -> None:
    assert FORMULAS.keys() == OPTIMIZERS.keys()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_formula_step_by_step(name: str) -> None:
    expected = np.array([list(FORMULAS[name](START[i], GRADIENTS[:, i])) for i in range(5)]).T
    theta = START.copy()
    optimizer = OPTIMIZERS[name](theta)
    for g, eta, after in zip(GRADIENTS, ETAS, expected, strict=True):
        optimizer.step(g, eta)
        np.testing.assert_allclose(theta, after, rtol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_gradient_is_left_as_it_is_and_float32_stays_float32(name: str) -> None:
    theta, g = START.astype(np.float32), GRADIENTS[0].astype(np.float32)
    before = g.copy()
    optimizer = OPTIMIZERS[name](theta)
    for _ in range(3):
        optimizer.step(g, 0.1)
    np.testing.assert_array_equal(g, before)
    assert optimizer.theta is theta
    assert {value.dtype for value in vars(optimizer).values() if isinstance(value, np.ndarray)} == {np.dtype("f4")}


@pytest.mark.parametrize(("name", "eta"), [("sgd", 0.1), ("momentum", 0.02), ("nesterov", 0.02), ("adam", 0.05)])
def test_down_a_bowl(name: str, eta: float) -> None:
    """f = ½ Σ d (theta - c)², steep one way and flat the other, has its lowest point at c."""
    c, d = np.array([3.0, -2.0, 0.5]), np.array([10.0, 1.0, 0.3])
    theta = np.zeros(3)
    optimizer = OPTIMIZERS[name](theta)
    for _ in range(1_000):
        optimizer.step(d * (theta - c), eta)
    np.testing.assert_allclose(theta, c, atol=1e-3)


def test_weight_decay_shrinks_weights_and_leaves_biases_alone() -> None:
    network = Network(parse("INPUT 1x4x4 -> CONV 2@3x3 relu -> FC 3 softmax"))
    network.theta[...] = 2
    decay(network, eta=0.1, rate=0.5)
    for layer in network.layers:
        for name, value in layer.parameters.items():
            np.testing.assert_allclose(value, {"W": 2 * (1 - 0.05), "b": 2}[name], rtol=1e-6)
