"""The textbook's deltas are the gradients: those of the general layers, and those of the definition."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.network.network import Network
from pipeline.network.notation import Architecture, Dense
from pipeline.network.textbook import Textbook, sigmoid

sizes = st.lists(st.integers(1, 5), min_size=2, max_size=4)


def networks(sizes: list[int], rng: np.random.Generator) -> tuple[Network, Textbook]:
    """The same network twice, on different memory."""
    D, *units = sizes
    network = Network(Architecture((D,), tuple(Dense(n, "sigmoid") for n in units)), dtype=np.float64)
    network.theta[...] = rng.normal(size=network.theta.size)
    ours = [layer.parameters for layer in network.layers if layer.kind == "fc"]
    return network, Textbook([(each["W"].copy(), each["b"].copy()) for each in ours])


def flat(textbook: Textbook) -> np.ndarray:
    return np.concatenate([part.ravel() for layer in textbook.layers for part in layer])


def error(textbook: Textbook, x: np.ndarray, t: np.ndarray) -> float:
    return 0.5 * float(np.sum((t - textbook.answers(x)[-1]) ** 2))


@given(sizes, st.integers(0, 2**32 - 1))
def test_a_step_is_the_one_down_the_gradient_of_the_general_layers(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    network, textbook = networks([*sizes, 3], rng)
    x, label, eta = rng.normal(size=sizes[0]), np.array([rng.integers(3)]), 0.7
    x[rng.random(len(x)) < 0.3] = 0
    _, Y = network.loss(x[np.newaxis], label, "mse")
    y = textbook.learn(x, np.eye(3)[label[0]], eta)
    np.testing.assert_allclose(y, Y[0], rtol=1e-12)
    np.testing.assert_allclose(flat(textbook), network.theta - eta * network.gradient, rtol=1e-9, atol=1e-12)


@given(sizes, st.integers(0, 2**32 - 1))
def test_a_delta_is_the_numeric_derivative_by_the_sum_of_its_unit(sizes: list[int], seed: int) -> None:
    """delta = -dE/dz = -dE/db, since z = w·x + b."""
    rng = np.random.default_rng(seed)
    _, textbook = networks(sizes, rng)
    x, t, h = rng.normal(size=sizes[0]), rng.random(sizes[-1]), 1e-6
    deltas = textbook.deltas(textbook.answers(x), t)
    assert [len(delta) for delta in deltas] == sizes[1:]
    for (_, b), delta in zip(textbook.layers, deltas, strict=True):
        for unit in range(len(b)):
            ends = []
            for sign in (1, -1):
                b[unit] += sign * h
                ends.append(error(textbook, x, t))
                b[unit] -= sign * h
            assert delta[unit] == pytest.approx(-(ends[0] - ends[1]) / (2 * h), abs=1e-8)


@given(sizes, st.integers(0, 2**32 - 1))
def test_a_step_follows_the_numeric_gradient_of_every_weight(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    _, textbook = networks(sizes, rng)
    x, t, h, eta = rng.normal(size=sizes[0]), rng.random(sizes[-1]), 1e-6, 1e-3
    numeric = []
    for part in (part for layer in textbook.layers for part in layer):
        for at in np.ndindex(part.shape):
            ends = []
            for sign in (1, -1):
                part[at] += sign * h
                ends.append(error(textbook, x, t))
                part[at] -= sign * h
            numeric.append((ends[0] - ends[1]) / (2 * h))
    before = flat(textbook)
    textbook.learn(x, t, eta)
    np.testing.assert_allclose((before - flat(textbook)) / eta, numeric, atol=1e-7)


def test_the_sigmoid_and_its_derivative() -> None:
    z, h = np.linspace(-4, 4, 9), 1e-6
    y = sigmoid(z)
    np.testing.assert_allclose((sigmoid(z + h) - sigmoid(z - h)) / (2 * h), y * (1 - y), atol=1e-9)
    np.testing.assert_allclose(y + sigmoid(-z), 1)
    assert sigmoid(np.array([2.0]))[0] == pytest.approx(0.880797)


def test_the_widths_of_the_layers_are_those_of_their_neighbours() -> None:
    _, textbook = networks([4, 3, 2], np.random.default_rng(1))
    assert [W.shape for W, _ in textbook.layers] == [*pairwise([4, 3, 2])]
