"""The training: that it learns, that chance is the seed's alone, and how it ends when it must."""

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from pipeline.data import digits
from pipeline.data.split import hold_out
from pipeline.errors import TrainingError
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training import team
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.loop import History, Progress, Watcher, fit
from pipeline.training.recipe import Recipe
from pipeline.training.team import Arrays

rng = np.random.default_rng(1)
KEYS = ["epoch", "seconds", "images_per_second", "learning_rate", "train_loss", "train_accuracy"]
VALIDATION = ["validation_loss", "validation_accuracy"]
TINY = "INPUT 1x5x5 -> CONV 2@3x3 relu -> DROPOUT 0.2 -> FC 3 softmax"
X, LABELS = rng.integers(0, 256, (300, 1, 5, 5), np.uint8), rng.integers(0, 3, 300)
DATA = {"X": X, "labels": LABELS, "learn": np.arange(260), "look": np.arange(260, 300)}
LEARNT, SEEN = (X[:260], LABELS[:260]), (X[260:], LABELS[260:])
XOR = {
    "X": np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32),
    "labels": np.array([0, 1, 1, 0]),
    "learn": np.arange(4),
    "look": np.empty(0, int),
}


class Steps(Watcher):
    """Notes every step."""

    def __init__(self) -> None:
        self.seen: list[Progress] = []

    def stepped(self, progress: Progress, checkpoint: Callable[[], Checkpoint]) -> None:
        self.seen.append(progress)


def trained(
    recipe: Recipe, data: Arrays = DATA, workers: int = 1, watcher: Watcher | None = None
) -> tuple[Network, History]:
    example = data["X"].shape[1:]
    network = Network(parse(recipe.architecture), example)
    return network, fit(network, example, data, recipe, workers, [watcher] if watcher else [])


@pytest.fixture(scope="module")
def handwriting() -> Arrays:
    """The digits, a tenth of them held out."""
    train = digits.load().train
    learn, look = hold_out(train.labels, 0.1, np.random.default_rng(1))
    return {"X": train.X, "labels": train.labels, "learn": learn, "look": look}


def looked_at(data: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """The examples and labels of the validation split."""
    return data["X"][data["look"]], data["labels"][data["look"]]


# ---------------------------------------------------------------- it learns
@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("INPUT 64 -> FC 40 relu -> FC 10 softmax", {}),
        ("INPUT 1x8x8 -> CONV 8@3x3 same relu -> POOL max 2x2 -> FC 10 softmax", {"learning_rate": 0.01}),
        (
            "INPUT 64 -> FC 40 sigmoid -> FC 10 sigmoid",
            {"loss": "mse", "batch_size": 1, "optimizer": "sgd", "learning_rate": 0.5, "epochs": 3},
        ),
        ("INPUT 64 -> FC 40 tanh -> FC 10 sigmoid", {"optimizer": "momentum", "learning_rate": 0.02}),
        ("INPUT 64 -> FC 40 relu -> FC 10 softmax", {"optimizer": "nesterov", "learning_rate": 0.05}),
        ("INPUT 64 -> FC 40 relu -> FC 10 softmax", {"average": 0.95, "label_smoothing": 0.02, "weight_decay": 0.01}),
    ],
)
def test_handwriting(handwriting: Arrays, text: str, options: dict[str, object]) -> None:
    recipe = Recipe(text, **{"epochs": 8, "batch_size": 32, "learning_rate": 0.003, **options})
    network, history = trained(recipe, handwriting)
    assert history[-1]["validation_accuracy"] > 0.9
    assert history[-1]["train_loss"] < history[0]["train_loss"] / 2
    images, labels = looked_at(handwriting)
    right = np.mean(network.predict(images).argmax(axis=1) == labels)
    assert history[-1]["validation_accuracy"] == right, "the network is left as the history says"


def test_the_textbooks_network_learns_xor() -> None:
    """Sigmoids, squared error, one example at a time: what a single unit cannot separate."""
    text = "INPUT 2 -> FC 4 sigmoid -> FC 2 sigmoid"
    recipe = Recipe(text, 1500, 1, "sgd", 2.0, "constant", "mse", validation=0, seed=1)
    network, history = trained(recipe, XOR)
    assert network.predict(XOR["X"]).argmax(axis=1).tolist() == [0, 1, 1, 0]
    assert history[-1]["train_accuracy"] == 1


# ---------------------------------------------------------------- what a step is
@pytest.mark.parametrize(("size", "steps", "last"), [("full", 1, 260), (1, 260, 1), (100, 3, 60), (1_000, 1, 260)])
def test_batch_stochastic_and_in_between(size: int | str, steps: int, last: int) -> None:
    watcher = Steps()
    trained(Recipe(TINY, epochs=2, batch_size=size), watcher=watcher)
    assert [(p.epoch, p.step) for p in watcher.seen] == [(e, s) for e in range(2) for s in range(steps)]
    assert {p.steps for p in watcher.seen} == {steps}
    examples = [0, *(p.examples for p in watcher.seen[:steps])]
    assert examples[-1] == 260
    assert examples[-1] - examples[-2] == last


def test_a_step_of_batch_gradient_descent_is_the_formula() -> None:
    text = "INPUT 25 -> FC 4 tanh -> FC 3 softmax"
    once = Recipe(text, 1, "full", "sgd", 0.5, "constant")
    network, _ = trained(once)
    before = Network(parse(text), (1, 5, 5))
    before.initialise(np.random.default_rng([once.seed, 0]))
    before.loss(*LEARNT, "cross-entropy", np.random.default_rng(1))
    np.testing.assert_allclose(network.theta, before.theta - 0.5 * before.gradient, atol=1e-6)


def test_weight_decay_draws_the_weights_in() -> None:
    recipe = Recipe("INPUT 25 -> FC 3 softmax", epochs=3, learning_rate=0.01, schedule="constant")
    free, drawn_in = (trained(replace(recipe, weight_decay=rate))[0].layers[1].parameters for rate in (0, 10))
    assert np.abs(drawn_in["W"]).sum() < np.abs(free["W"]).sum() * 0.8


def test_the_average_answers_in_the_place_of_the_weights(handwriting: Arrays) -> None:
    recipe = Recipe("INPUT 64 -> FC 10 softmax", epochs=3, learning_rate=0.05, schedule="constant")
    (last, lines), (average, averaged) = (trained(replace(recipe, average=beta), handwriting) for beta in (0.0, 0.9))
    assert [line["train_loss"] for line in averaged] == [line["train_loss"] for line in lines], "the steps are the same"
    assert (average.theta != last.theta).any()
    value, _ = average.loss(*looked_at(handwriting), "cross-entropy")
    assert averaged[-1]["validation_loss"] == pytest.approx(value, rel=1e-5)


def test_the_schedule_moves_the_learning_rate() -> None:
    _, history = trained(Recipe(TINY, epochs=4, batch_size=65, learning_rate=0.1, schedule="steps"))
    assert [line["learning_rate"] for line in history] == pytest.approx([0.1, 0.1, 0.01, 0.001])


# ---------------------------------------------------------------- what it tells
def test_the_lines_of_the_history() -> None:
    _, history = trained(Recipe(TINY, epochs=2))
    assert [list(line) for line in history] == [KEYS + VALIDATION] * 2
    assert [line["epoch"] for line in history] == [1, 2]
    for line in history:
        assert 0 <= line["train_accuracy"] <= 1
        assert 0 <= line["validation_accuracy"] <= 1
        assert line["images_per_second"] > 0


def test_without_a_validation_split_nothing_is_said_of_it() -> None:
    _, history = trained(Recipe("INPUT 2 -> FC 2 softmax", epochs=1), XOR)
    assert list(history[0]) == KEYS


def test_the_means_are_those_of_the_epoch() -> None:
    """With steps of size 0 the network stays as it is, so that the epoch's means can be computed at once."""
    recipe = Recipe("INPUT 25 -> FC 3 softmax", epochs=1, batch_size=37, learning_rate=0.0)
    watcher = Steps()
    network, (line,) = trained(recipe, watcher=watcher)
    value, Y = network.loss(*LEARNT, "cross-entropy", rng)
    assert line["train_loss"] == pytest.approx(value, rel=1e-5)
    assert line["train_accuracy"] == pytest.approx(np.mean(Y.argmax(axis=1) == LEARNT[1]))
    assert watcher.seen[-1].loss == line["train_loss"]
    value, Y = network.loss(*SEEN, "cross-entropy", rng)
    assert line["validation_loss"] == pytest.approx(value, rel=1e-5)
    assert line["validation_accuracy"] == pytest.approx(np.mean(Y.argmax(axis=1) == SEEN[1]))


# ---------------------------------------------------------------- chance
def theta(recipe: Recipe, workers: int = 1) -> bytes:
    return trained(recipe, workers=workers)[0].theta.tobytes()


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    assert theta(Recipe(TINY, epochs=2, seed=5)) == theta(Recipe(TINY, epochs=2, seed=5))
    assert theta(Recipe(TINY, epochs=2, seed=5)) != theta(Recipe(TINY, epochs=2, seed=6))


def test_every_epoch_goes_through_the_examples_in_a_new_order() -> None:
    watcher = Steps()
    trained(Recipe("INPUT 25 -> FC 3 softmax", epochs=3, batch_size=100, learning_rate=0.0), watcher=watcher)
    first, last = ([p.loss for p in watcher.seen if p.step == step] for step in (0, 2))
    assert len(set(first)) == 3, "of other examples"
    assert last == pytest.approx([last[0]] * 3), "of all of them in the end"


def test_the_same_bits_for_any_number_of_workers() -> None:
    options = {"augment": "affine", "label_smoothing": 0.1, "weight_decay": 0.01, "average": 0.9}
    recipe = Recipe(TINY, epochs=2, batch_size=150, **options)
    alone, history = trained(recipe)
    for workers in (2, 3):
        network, lines = trained(recipe, workers=workers)
        assert network.theta.tobytes() == alone.theta.tobytes()
        assert [line["validation_loss"] for line in lines] == [line["validation_loss"] for line in history]
    assert multiprocessing.active_children() == []


def test_the_same_bits_however_many_threads_blas_was_given(handwriting: Arrays) -> None:
    recipe = Recipe("INPUT 64 -> FC 300 relu -> FC 100 relu -> FC 10 softmax", epochs=2)
    bits = set()
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            bits.add(trained(recipe, handwriting)[0].theta.tobytes())
    assert len(bits) == 1


# ---------------------------------------------------------------- how it ends when it must
class At(Watcher):
    """Does something at the third step."""

    def __init__(self, act: object) -> None:
        self.act = act

    def stepped(self, progress: Progress, checkpoint: Callable[[], Checkpoint]) -> None:
        if progress.step == 2:
            self.act()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_loss_that_is_no_number_ends_it_with_advice(workers: int) -> None:
    recipe = Recipe("INPUT 25 -> FC 3", 3, 100, "sgd", 1e30, "constant", "mse")
    with pytest.raises(TrainingError, match=r"loss became (nan|inf) at step \d of epoch \d.*try --learning-rate 0\.1 "):
        trained(recipe, workers=workers)
    assert multiprocessing.active_children() == []


@pytest.mark.timeout(60)
def test_a_worker_that_is_killed_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "PATIENCE", 0.05)
    kill = At(lambda: os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL))
    with pytest.raises(TrainingError, match=r"worker process ended with exit code -9 .* go on with --resume"):
        trained(Recipe(TINY, epochs=1_000, batch_size=65), workers=3, watcher=kill)
    assert multiprocessing.active_children() == []


def test_ctrl_c_reaches_the_workers_and_they_leave_it_to_the_parent() -> None:
    recipe = Recipe(TINY, epochs=2, batch_size=65)
    interrupt = At(lambda: os.kill(multiprocessing.active_children()[0].pid, signal.SIGINT))
    network, _ = trained(recipe, workers=2, watcher=interrupt)
    assert network.theta.tobytes() == theta(recipe)


@pytest.mark.timeout(60)
def test_whatever_the_watcher_raises_ends_the_workers_too() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(Recipe(TINY, epochs=1_000, batch_size=65), workers=2, watcher=At(interrupt))
    assert multiprocessing.active_children() == []


def test_the_shared_memory_has_no_name_while_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that not even a killed training leaves it behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []
    trained(Recipe(TINY, epochs=1, batch_size=65), workers=2, watcher=At(lambda: seen.extend(tmp_path.iterdir())))
    assert seen == []
