"""The step down: all of theta moves, once, and to the same bits however it is parted."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.buffers import LINE
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training import descent
from pipeline.training.descent import Descent
from pipeline.training.optimizers import OPTIMIZERS
from pipeline.training.recipe import Recipe
from pipeline.training.team import Arrays, Team

TEXT = "INPUT 1x6x6 -> CONV 2@3x3 relu -> FC 5 tanh -> FC 3 softmax"
ETAS = [0.1, 0.05, 0.2, 0.01]


def network(text: str = TEXT, dtype: type[np.floating] = np.float32) -> Network:
    made = Network(parse(text), dtype=dtype)
    made.initialise(np.random.default_rng(1))
    return made


def gradients_of(P: int, shards: int, steps: int = len(ETAS)) -> np.ndarray:
    """[steps,S,P]."""
    return np.random.default_rng(2).normal(size=(steps, shards, P))


def descended(made: Network, recipe: Recipe, gradients: np.ndarray, size: int = 1, part: int | None = None) -> Arrays:
    """The arrays after a step for each of gradients [steps,S,P] by a team of `size`, `part` numbers at a time."""
    arrays = descent.state(made, recipe)
    with pytest.MonkeyPatch.context() as patch:
        if part:
            patch.setattr(descent, "PART", part)
        team = [Descent(Team(rank, size, arrays, []), made, recipe) for rank in range(size)]
        for g, eta in zip(gradients.astype(made.dtype), ETAS, strict=False):
            for worker in team:
                worker.step(g, eta)
    return arrays


@pytest.mark.parametrize(("optimizer", "memory"), [("sgd", 0), ("momentum", 1), ("nesterov", 1), ("adam", 2)])
def test_the_state_before_the_first_step(optimizer: str, memory: int) -> None:
    made = network()
    state = descent.state(made, Recipe(TEXT, optimizer=optimizer))
    assert state["theta"] is made.theta
    assert state["memory"].shape == (memory, made.theta.size)
    assert not state["memory"].any()
    np.testing.assert_array_equal(state["average"], made.theta)
    assert not np.shares_memory(state["average"], made.theta)
    assert {array.dtype for array in state.values()} == {np.dtype(np.float32)}


@given(st.integers(2, 1_000), st.integers(1, 9), st.integers(1, 400))
def test_the_parts_of_all_ranks_are_theta_once(P: int, size: int, part: int) -> None:
    text = f"INPUT {P - 1} -> FC 1"
    made = network(text)
    arrays = descent.state(made, Recipe(text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descent, "PART", part)
        parts = [Descent(Team(rank, size, arrays, []), made, Recipe(text)).parts for rank in range(size)]
    cuts = [(p.start, p.stop) for of_rank in parts for p in of_rank]
    assert cuts[0][0] == 0
    assert cuts[-1][1] == P
    assert all(before[1] == after[0] for before, after in pairwise(cuts))
    assert all(0 < stop - start <= part for start, stop in cuts)
    shares = [sum(p.stop - p.start for p in of_rank) for of_rank in parts]
    assert max(shares) - min(shares) <= LINE, "no worker has more to do than another, but for a line"
    assert all(of_rank[0].start % LINE == 0 for of_rank in parts if of_rank)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 60))
def test_each_number_takes_each_step_once(size: int, shards: int, part: int) -> None:
    made = network()
    before, gradients = made.theta.copy(), gradients_of(made.theta.size, shards)
    arrays = descended(made, Recipe(TEXT, optimizer="sgd"), gradients, size, part)
    expected = before - np.tensordot(ETAS, gradients.sum(axis=1), 1)
    np.testing.assert_allclose(arrays["theta"], expected, atol=1e-5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("shards", [1, 2, 5])
def test_the_same_bits_for_any_team_and_any_parts(optimizer: str, shards: int) -> None:
    recipe = Recipe(TEXT, optimizer=optimizer, weight_decay=0.1, average=0.9)
    gradients = gradients_of(network().theta.size, shards)
    alone = descended(network(), recipe, gradients)
    for size in (1, 2, 3):
        for part in (1, 7, 64, 1_000_000):
            other = descended(network(), recipe, gradients, size, part)
            assert {name: array.tobytes() for name, array in other.items()} == {
                name: array.tobytes() for name, array in alone.items()
            }


def test_the_gradients_are_left_as_they_are() -> None:
    made = network()
    gradients = gradients_of(made.theta.size, 2, steps=1).astype(np.float32)
    before, recipe = gradients.copy(), Recipe(TEXT, weight_decay=0.1, average=0.9)
    Descent(Team(0, 1, descent.state(made, recipe), []), made, recipe).step(gradients[0], 0.1)
    np.testing.assert_array_equal(gradients, before)


@pytest.mark.parametrize("beta", [0.05, 0.2, 0.99])
def test_the_average_follows_theta(beta: float) -> None:
    """average ← b average + (1 - b) theta with b = min(beta, t / (t + 10)), for t = 1, 2, …"""
    made = network(dtype=np.float64)
    theta, gradients = made.theta.copy(), gradients_of(made.theta.size, 2)
    expected = theta.copy()
    for t, (g, eta) in enumerate(zip(gradients, ETAS, strict=True), start=1):
        theta = theta - eta * g.sum(axis=0)
        b = min(beta, t / (t + 10))
        expected = b * expected + (1 - b) * theta
    arrays = descended(made, Recipe(TEXT, optimizer="sgd", average=beta), gradients, 2, 50)
    np.testing.assert_allclose(arrays["average"], expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(arrays["theta"], theta, rtol=1e-10, atol=1e-12)


def test_an_average_is_asked_for() -> None:
    made = network()
    before = made.theta.copy()
    arrays = descended(made, Recipe(TEXT), gradients_of(made.theta.size, 2))
    np.testing.assert_array_equal(arrays["average"], before)
    assert (arrays["theta"] != before).any()


def test_the_average_does_not_touch_theta() -> None:
    gradients = gradients_of(network().theta.size, 2)
    with_it, without = (descended(network(), Recipe(TEXT, average=beta), gradients) for beta in (0.9, 0.0))
    np.testing.assert_array_equal(with_it["theta"], without["theta"])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("part", [3, 1_000_000])
def test_weight_decay_draws_weights_in_and_leaves_biases_alone(optimizer: str, part: int) -> None:
    """Beside the gradient, which is 0 here: it goes into no optimizer's memory."""
    made = network(dtype=np.float64)
    made.theta[...] = 2
    recipe = Recipe(TEXT, optimizer=optimizer, weight_decay=0.5)
    arrays = descended(made, recipe, np.zeros((len(ETAS), 2, made.theta.size)), 2, part)
    shrunk = np.prod([1 - 0.5 * eta for eta in ETAS])
    for layer in made.layers:
        for name, value in layer.parameters.items():
            np.testing.assert_allclose(value, {"W": 2 * shrunk, "b": 2}[name], rtol=1e-12)
    assert not arrays["memory"].any()


def test_the_state_is_what_a_checkpoint_holds() -> None:
    recipe = Recipe("INPUT 2 -> FC 2 softmax", patience=1)
    assert tuple(descent.state(Network(parse(recipe.architecture)), recipe)) == descent.STATE
