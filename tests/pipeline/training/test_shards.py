"""Shards: their gradients add up to that of the batch, and to the same bits whoever computed them."""

import multiprocessing
import threading
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training import shards
from pipeline.training.recipe import Recipe
from pipeline.training.team import Arrays, Team, alone

TEXT = "INPUT 1x5x5 -> CONV 2@3x3 relu -> POOL max 2x2 -> FC 6 tanh -> FC 3 softmax"
WITH_DROPOUT = TEXT.replace("-> FC 3", "-> DROPOUT 0.5 -> FC 3")
rng = np.random.default_rng(1)
N = 3_000
CONTEXT = multiprocessing.get_context("fork")  # no process is made with it, only what they meet with
DATA = {"X": rng.integers(0, 256, (N, 1, 5, 5), np.uint8), "labels": rng.integers(0, 3, N)}


def network(text: str) -> Network:
    made = Network(parse(text))
    made.initialise(np.random.default_rng(2))
    return made


def meeting(text: str, batch_size: int, **options: object) -> tuple[Arrays, Recipe]:
    recipe = Recipe(text, batch_size=batch_size, **options)
    return DATA | shards.meeting_place(network(text), N, recipe), recipe


def chance(*place: int) -> np.random.Generator:
    return np.random.default_rng([3, *place])


@pytest.mark.parametrize(
    ("size", "count"),
    [(1, 1), (31, 1), (32, 2), (64, 2), (65, 2), (128, 2), (129, 3), (1_024, 16), (1_025, 16), (60_000, 16)],
)
def test_how_many(size: int, count: int) -> None:
    assert shards.count(size, parse(TEXT)) == count


@pytest.mark.parametrize(("size", "count"), [(1, 1), (64, 2), (128, 2), (256, 2), (257, 3), (2_049, 16)])
def test_shards_of_rows_are_larger(size: int, count: int) -> None:
    assert shards.count(size, parse("INPUT 25 -> FC 3 softmax")) == count


@pytest.mark.parametrize("size", [1, 5, 31, 32, 64, 65, 128, 200, 1_025, 3_000])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_sum_is_the_gradient_of_the_whole_batch(size: int, smoothing: float) -> None:
    arrays, recipe = meeting(TEXT, size, label_smoothing=smoothing)
    batch = np.random.default_rng(4).permutation(N)[:size]
    gradients, loss, right = shards.Shards(alone(arrays), network(TEXT), recipe).gradients(batch, chance)
    whole = network(TEXT)
    expected, Y = whole.loss(DATA["X"][batch], DATA["labels"][batch], "cross-entropy", smoothing=smoothing)
    assert gradients.shape == (shards.count(size, whole.architecture), whole.theta.size)
    np.testing.assert_allclose(gradients.sum(axis=0), whole.gradient, atol=1e-6)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert right == np.count_nonzero(Y.argmax(axis=1) == DATA["labels"][batch])


def test_a_smaller_batch_forgets_the_shards_of_the_larger_one() -> None:
    arrays, recipe = meeting(TEXT, 200)
    maker, batch, whole = shards.Shards(alone(arrays), network(TEXT), recipe), np.arange(70), network(TEXT)
    for _ in range(2):
        maker.gradients(np.arange(200), chance)
    gradients, loss, _ = maker.gradients(batch, chance)
    expected, _ = whole.loss(DATA["X"][batch], DATA["labels"][batch], "cross-entropy")
    np.testing.assert_allclose(gradients.sum(axis=0), whole.gradient, atol=1e-6)
    assert loss == pytest.approx(expected, rel=1e-5)


def together(size: int, text: str, batches: list[np.ndarray], batch_size: int) -> list[tuple[bytes, float, int]]:
    """What a team of `size` finds for batches one after the other; its workers are threads, and all find the same."""
    arrays, recipe = meeting(text, batch_size)
    semaphores = [[CONTEXT.Semaphore(0), CONTEXT.Semaphore(0)] for _ in range(size)]
    found: list[list[tuple[bytes, float, int]]] = [[] for _ in range(size)]

    def work(rank: int) -> None:
        team = Team(rank, size, arrays, semaphores)
        mine = shards.Shards(team, network(text), recipe)
        for step, batch in enumerate(batches):
            gradients, loss, right = mine.gradients(batch, partial(chance, step))
            found[rank].append((gradients.tobytes(), loss, right))
            team.meet()

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found[0]) == len(batches)
    assert all(other == found[0] for other in found)
    return found[0]


@given(st.integers(2, 5), st.integers(1, 700), st.sampled_from([TEXT, WITH_DROPOUT]), st.data())
def test_the_same_bits_for_any_number_of_workers(size: int, batch_size: int, text: str, data: st.DataObject) -> None:
    """With a last batch that is smaller than the others, as at the end of an epoch."""
    rest = data.draw(st.integers(1, batch_size))
    order = np.random.default_rng(batch_size).permutation(N)
    batches = [order[:batch_size], order[-batch_size:], order[:rest]]
    assert together(size, text, batches, batch_size) == together(1, text, batches, batch_size)


def test_chance_belongs_to_the_shard() -> None:
    """Each shard drops out other values, and the same ones when it is computed again."""
    arrays, recipe = meeting(WITH_DROPOUT, 128)
    arrays["X"], arrays["labels"] = np.repeat(DATA["X"][:1], N, axis=0), np.zeros(N, int)
    maker = shards.Shards(alone(arrays), network(WITH_DROPOUT), recipe)
    batch = np.arange(128)
    first = maker.gradients(batch, chance)[0].copy()
    assert (first[0] != first[1]).any()
    np.testing.assert_array_equal(maker.gradients(batch, chance)[0], first)


@pytest.mark.parametrize(
    ("text", "augment", "asked"),
    [(TEXT, "none", []), (WITH_DROPOUT, "none", [0, 1, 2]), (TEXT, "affine", [0, 1, 2])],
    ids=["neither", "dropout", "augmentation"],
)
def test_chance_is_asked_for_where_it_is_needed(text: str, augment: str, asked: list[int]) -> None:
    arrays, recipe = meeting(text, 150, augment=augment)
    places: list[int] = []

    def noted(place: int) -> np.random.Generator:
        places.append(place)
        return chance(place)

    shards.Shards(alone(arrays), network(text), recipe).gradients(np.arange(150), noted)
    assert places == asked


def test_augmentation_moves_what_is_learned_from_and_not_the_data() -> None:
    before, found = DATA["X"].copy(), []
    for augment in ("none", "affine"):
        arrays, recipe = meeting(TEXT, 50, augment=augment)
        maker = shards.Shards(alone(arrays), network(TEXT), recipe)
        found.append(maker.gradients(np.arange(50), chance)[0].copy())
    assert (found[0] != found[1]).any()
    np.testing.assert_array_equal(DATA["X"], before)


def test_the_gradients_are_those_that_the_team_shares() -> None:
    arrays, recipe = meeting(TEXT, 150)
    gradients, _, _ = shards.Shards(alone(arrays), network(TEXT), recipe).gradients(np.arange(150), chance)
    assert np.shares_memory(gradients, arrays["shard_gradients"])
