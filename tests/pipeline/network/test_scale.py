"""SCALE: measured on what is learned from, never learned."""

import numpy as np
import pytest

from pipeline.errors import ArchitectureError
from pipeline.network.network import Network
from pipeline.network.parser import parse

X = np.array([[1, 100, 7], [3, 300, 7], [5, 800, 7], [1e6, 1e6, 1e6]], np.float32)
LEARN = np.array([0, 1, 2])


def test_what_is_learned_from_has_mean_0_and_deviation_1() -> None:
    network = Network(parse("INPUT 3 -> SCALE -> FC 2 softmax"))
    network.initialise(np.random.default_rng(0))
    network.measure(X, LEARN)
    Y, _ = network.layers[1].forward(X[LEARN])
    np.testing.assert_allclose(Y.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(Y.std(axis=0), [1, 1, 0], atol=1e-6)


def test_it_is_kept_with_the_parameters_and_no_step_moves_it() -> None:
    network = Network(parse("INPUT 3 -> SCALE -> FC 2 softmax"))
    network.initialise(np.random.default_rng(0))
    network.measure(X, LEARN)
    np.testing.assert_allclose(network.theta[:3], [3, 400, 7], rtol=1e-6)
    network.learn_into(np.full_like(network.theta, np.nan))
    network.loss(X[LEARN], np.array([0, 1, 0]), "cross-entropy")
    assert not network.gradient[:6].any()
    assert network.gradient[6:].any()
    assert not network.weights()[:6].any(), "no weight decay either"


def test_without_a_scale_nothing_is_measured() -> None:
    network = Network(parse("INPUT 3 -> FC 2 softmax"))
    network.measure(X, LEARN)
    assert not network.theta.any()


@pytest.mark.parametrize(
    "text", ["INPUT 3 -> FC 2 -> SCALE -> FC 2 softmax", "INPUT 1x2x2 -> SCALE -> FC 2 softmax", "INPUT 4 -> SCALE"]
)
def test_it_stands_after_the_input_and_takes_plain_numbers(text: str) -> None:
    with pytest.raises(ArchitectureError, match="SCALE brings plain numbers"):
        Network(parse(text), example=(1, 2, 2) if "1x2x2" in text or "INPUT 4" in text else None)
