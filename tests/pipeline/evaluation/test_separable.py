"""Whether two labels can be parted, and the words for it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data import truth
from pipeline.data.dataset import Split
from pipeline.evaluation.separable import separable, verdict


@pytest.mark.parametrize(("name", "can"), [("and", True), ("or", True), ("nand", True), ("xor", False)])
def test_truth_tables(name: str, can: bool) -> None:
    train = truth.load(name).train
    assert separable(train.X, train.labels) == can


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([1.0, 1e5, 1e-5]))
def test_points_on_two_sides_of_a_plane_can_be_parted_and_with_their_mirror_images_not(
    seed: int, D: int, size: float
) -> None:
    rng = np.random.default_rng(seed)
    w = rng.normal(size=D)
    X = rng.normal(size=(20, D))
    X += np.outer(np.sign(X @ w) * 0.1, w / np.linalg.norm(w))  # a gap
    labels = (X @ w > 0).astype(int)
    assert separable(size * X + 3 * size, labels)
    both = np.concatenate([X, X])
    assert not separable(both, np.concatenate([labels, 1 - labels])), "each point has both labels"


def test_a_point_between_two_of_the_other_label_cannot_be_parted() -> None:
    assert not separable(np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 0]))
    assert separable(np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 1]))


def history(*accuracies: float) -> list[dict[str, float]]:
    return [{"train_accuracy": accuracy} for accuracy in accuracies]


def test_the_words() -> None:
    assert verdict(truth.load("or"), history(0.5, 1)).startswith("pass 2 went without an error")
    assert "a straight line exists that parts “0” from “1”" in verdict(truth.load("or"), history(0.5, 0.75))
    assert verdict(truth.load("xor"), history(0.5)).startswith("xor is not linearly separable: no straight line has")
    xor = truth.load("xor")
    solid = replace(xor, train=Split(np.pad(xor.train.X, ((0, 0), (0, 1))), xor.train.labels))
    assert "no plane has" in verdict(solid, history(0.5))
