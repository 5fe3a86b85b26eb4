"""Each optimizer against its formula, written out again one number at a time in float64."""

from collections.abc import Iterator
from math import sqrt

import numpy as np
import pytest

from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.optimizers import OPTIMIZERS, SGD, decay

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


def made(name: str, theta: np.ndarray) -> SGD:
    cls = OPTIMIZERS[name]
    return cls(theta, np.zeros((cls.memory, len(theta)), theta.dtype))


def test_every_optimizer_has_its_formula_here() -> None:
    assert FORMULAS.keys() == OPTIMIZERS.keys()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_formula_step_by_step(name: str) -> None:
    expected = np.array([list(FORMULAS[name](START[i], GRADIENTS[:, i])) for i in range(5)]).T
    theta = START.copy()
    optimizer = made(name, theta)
    for g, eta, after in zip(GRADIENTS.copy(), ETAS, expected, strict=True):
        optimizer.step(g, eta)
        np.testing.assert_allclose(theta, after, rtol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_all_that_it_keeps_is_in_the_memory_that_it_was_given(name: str) -> None:
    theta, memory = START.astype(np.float32), np.zeros((OPTIMIZERS[name].memory, 5), np.float32)
    optimizer = OPTIMIZERS[name](theta, memory)
    for g in GRADIENTS.astype(np.float32):
        optimizer.step(g, 0.1)
    kept = [value for value in vars(optimizer).values() if isinstance(value, np.ndarray)]
    assert optimizer.theta is theta
    assert all(value is theta or np.shares_memory(value, memory) for value in kept)
    assert len(kept) == 1 + len(memory)
    assert all(row.any() for row in memory)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_part_of_theta_moves_as_it_does_in_the_whole(name: str) -> None:
    whole, parted = START.copy(), START.copy()
    memory = np.zeros((OPTIMIZERS[name].memory, 5))
    optimizers = [OPTIMIZERS[name](parted[part], memory[:, part]) for part in (slice(0, 2), slice(2, 5))]
    optimizer = made(name, whole)
    for g, eta in zip(GRADIENTS, ETAS, strict=True):
        for each, part in zip(optimizers, (slice(0, 2), slice(2, 5)), strict=True):
            each.step(g[part].copy(), eta)
        optimizer.step(g.copy(), eta)
    np.testing.assert_array_equal(parted, whole)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_in_float32_it_goes_the_same_way(name: str) -> None:
    """Also where the gradients are as small as Adam's epsilon."""
    for size in (1.0, 1e-8):
        theta, exact = START.astype(np.float32), START.astype(np.float32).astype(np.float64)
        optimizer, by_double = made(name, theta), made(name, exact)
        for g, eta in zip(GRADIENTS * size, ETAS, strict=True):
            optimizer.step(g.astype(np.float32), eta)
            by_double.step(g.copy(), eta)
        np.testing.assert_allclose(theta, exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "eta"), [("sgd", 0.1), ("momentum", 0.02), ("nesterov", 0.02), ("adam", 0.05)])
def test_down_a_bowl(name: str, eta: float) -> None:
    """f = ½ Σ d (theta - c)², steep one way and flat the other, has its lowest point at c."""
    c, d = np.array([3.0, -2.0, 0.5]), np.array([10.0, 1.0, 0.3])
    theta = np.zeros(3)
    optimizer = made(name, theta)
    for _ in range(1_000):
        optimizer.step(d * (theta - c), eta)
    np.testing.assert_allclose(theta, c, atol=1e-3)


def test_weight_decay_shrinks_weights_and_leaves_biases_alone() -> None:
    network = Network(parse("INPUT 1x4x4 -> CONV 2@3x3 relu -> FC 3 softmax"))
    network.theta[...] = 2
    decay(network.theta, network.weights(), rate=0.05)
    for layer in network.layers:
        for name, value in layer.parameters.items():
            np.testing.assert_allclose(value, {"W": 2 * (1 - 0.05), "b": 2}[name], rtol=1e-6)
