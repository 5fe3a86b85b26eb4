"""One unit: its rule, what it can learn, and that it is the step down a gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.network.losses import mean_squared_error, perceptron_criterion
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.network.perceptron import Unit, identity, step

ORDER = [(1, 1), (0, 0), (1, 0), (0, 1)]


def unit(D: int, f: object) -> Unit:
    return Unit(np.zeros(D), np.zeros(1), f)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((1, 0, 0, 0), (0.1, 0.2, -0.2)),  # and: w and b as they come out by hand, with eta = 0.1
        ((1, 0, 1, 1), (0.1, 0.1, 0.0)),  # or
    ],
)
def test_the_rule_by_hand(answers: tuple[int, ...], expected: tuple[float, ...]) -> None:
    one = unit(2, step)
    for _ in range(10):
        for x, t in zip(ORDER, answers, strict=True):
            one.learn(np.array(x, float), np.array([t], float), 0.1)
    np.testing.assert_allclose([*one.w, *one.b], expected, atol=1e-12)
    assert [float(one.answer(np.array(x, float))[0]) for x in ORDER] == list(answers)


def test_a_right_answer_moves_nothing() -> None:
    one = Unit(np.array([2.0, -1.0]), np.array([0.5]), step)
    assert one.learn(np.array([1.0, 1.0]), np.array([1.0]), 1.0) == 1.5, "z, as it was before"
    assert [*one.w, *one.b] == [2.0, -1.0, 0.5]


def test_the_border_belongs_to_0() -> None:
    np.testing.assert_array_equal(step(np.array([-1.0, -0.0, 0.0, 1e-300])), [0, 0, 0, 1])


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.sampled_from(["step", "identity"]))
def test_the_rule_is_the_step_down_the_gradient_of_the_general_layers(seed: int, D: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    text, loss, f = {
        "step": (f"INPUT {D} -> FC 1 step", "perceptron", step),
        "identity": (f"INPUT {D} -> FC 1", "mse", identity),
    }[name]
    network = Network(parse(text), dtype=np.float64)
    network.theta[...] = rng.normal(size=D + 1)
    x, t, eta = rng.normal(size=D), rng.integers(0, 2, 1), 0.3
    one = Unit(network.theta[:D].copy(), network.theta[D:].copy(), f)
    network.loss(x[np.newaxis], t, loss)
    one.learn(x, t.astype(float), eta)
    np.testing.assert_allclose([*one.w, *one.b], network.theta - eta * network.gradient, rtol=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_the_criterion_s_gradient_is_numeric_where_it_has_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    Z, T, h = rng.normal(size=(4, 1)), rng.integers(0, 2, (4, 1)).astype(float), 1e-6
    value, dZ = perceptron_criterion(Z, T, 4)
    assert value == pytest.approx(sum(abs(z) for z, t in zip(Z[:, 0], T[:, 0], strict=True) if (z > 0) != t) / 4)
    for at in range(4):
        moved = Z.copy()
        moved[at] += h if abs(Z[at]) > 2 * h else 0
        numeric = (perceptron_criterion(moved, T, 4)[0] - value) / h
        assert numeric == pytest.approx(dZ[at, 0], abs=1e-6)


def test_the_linear_unit_s_delta_is_that_of_the_squared_error() -> None:
    Y, T = np.array([[3.0]]), np.array([[5.0]])
    assert mean_squared_error(Y, T, 1)[1] == -(T - Y)
