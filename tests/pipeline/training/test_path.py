"""The path of a training."""

import numpy as np
import pytest

from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.loop import fit
from pipeline.training.path import walk
from pipeline.training.recipe import Recipe

X = np.array([[1], [2], [3], [4]], np.float32)
DATA = {"X": X, "labels": np.array([2, 4, 6, 8], np.float32), "learn": np.arange(4), "look": np.arange(0)}


@pytest.mark.parametrize(("batch_size", "steps"), [(1, 4), (3, 2), ("full", 1)])
def test_where_it_stood_before_the_first_step_and_after_each(batch_size: int | str, steps: int) -> None:
    recipe = Recipe("INPUT 1 -> FC 1", 3, batch_size, "sgd", 0.02, "constant", "mse", validation=0)
    path = walk(recipe, (1,), DATA)
    assert path.shape == (3 * steps + 1, 2)
    network = Network(parse(recipe.architecture))
    network.initialise(np.random.default_rng([recipe.seed, 0]))
    np.testing.assert_array_equal(path[0], network.theta)
    fit(network, (1,), DATA, recipe, 1)
    np.testing.assert_array_equal(path[-1], network.theta)
    assert (path[1:] != path[:-1]).any(axis=1).all()


def test_the_whole_batch_goes_straight_down_and_single_examples_do_not() -> None:
    losses = {}
    for batch_size in (1, "full"):
        recipe = Recipe("INPUT 1 -> FC 1", 6, batch_size, "sgd", 0.05, "constant", "mse", validation=0)
        w, b = walk(recipe, (1,), DATA).T
        losses[batch_size] = np.mean((X * w + b - DATA["labels"][:, np.newaxis]) ** 2, axis=0)
    assert (np.diff(losses["full"]) < 0).all()
    assert (np.diff(losses[1]) > 0).any()
