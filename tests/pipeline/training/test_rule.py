"""Trainings that the textbooks write down: by the rule, and to the same end as the general way."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import sources, truth
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.network.perceptron import Unit
from pipeline.network.textbook import Textbook
from pipeline.training import loop
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.loop import Progress, Watcher, fit
from pipeline.training.recipe import Recipe
from pipeline.training.rule import rule

MNIST = Path(__file__).resolve().parents[4] / "shared" / "data" / "mnist"
SGD = Recipe("", 20, 1, "sgd", 0.5, "constant", "mse", validation=0)
PERCEPTRON = replace(SGD, architecture="INPUT 2 -> FC 1 step", learning_rate=1.0, loss="perceptron", epochs=100)
LINEAR = replace(SGD, architecture="INPUT 2 -> SCALE -> FC 1", learning_rate=0.1)
SIGMOIDS = replace(SGD, architecture="INPUT 2 -> FC 3 sigmoid -> FC 2 sigmoid")


def trained(recipe: Recipe, labels: np.ndarray, X: np.ndarray, workers: int = 1) -> tuple[Network, list[dict]]:
    network = Network(parse(recipe.architecture))
    data = {"X": X, "labels": labels, "learn": np.arange(len(X)), "look": np.arange(0)}
    return network, fit(network, X.shape[1:], data, recipe, workers)


def table(name: str) -> tuple[np.ndarray, np.ndarray]:
    data = truth.load(name)
    return data.train.labels, data.train.X


@pytest.mark.parametrize(("recipe", "kind"), [(PERCEPTRON, Unit), (LINEAR, Unit), (SIGMOIDS, Textbook)])
def test_what_has_a_rule(recipe: Recipe, kind: type) -> None:
    network = Network(parse(recipe.architecture))
    assert isinstance(rule(network, recipe), kind)
    for other in ({"batch_size": 2}, {"optimizer": "adam"}, {"average": 0.9}, {"weight_decay": 0.1}):
        assert rule(network, replace(recipe, **other)) is None


@pytest.mark.parametrize(
    ("text", "loss"),
    [
        ("INPUT 2 -> FC 3 relu -> FC 2 sigmoid", "mse"),
        ("INPUT 2 -> FC 3 sigmoid -> FC 2", "mse"),
        ("INPUT 2 -> FC 3 sigmoid -> DROPOUT 0.5 -> FC 2 sigmoid", "mse"),
        ("INPUT 2 -> FC 3 sigmoid -> FC 2 sigmoid", "cross-entropy"),
        ("INPUT 2 -> FC 3 sigmoid -> FC 1 step", "perceptron"),
        ("INPUT 2 -> FC 2", "mse"),
        ("INPUT 1x8x8 -> CONV 2@3x3 sigmoid -> FC 2 sigmoid", "mse"),
    ],
)
def test_what_has_none(text: str, loss: str) -> None:
    assert rule(Network(parse(text)), replace(SGD, architecture=text, loss=loss)) is None


@pytest.mark.parametrize("recipe", [PERCEPTRON, LINEAR, SIGMOIDS], ids=["perceptron", "linear", "sigmoids"])
def test_the_rule_and_the_general_way_come_to_the_same(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, X = table("or")
    labels = labels.astype(np.float32) if recipe is LINEAR else labels
    network, history = trained(recipe, labels, X)
    monkeypatch.setattr(loop, "rule", lambda *_: None)
    general, told = trained(recipe, labels, X)
    np.testing.assert_allclose(network.theta, general.theta, rtol=1e-4, atol=1e-5)
    for line, other in zip(history, told, strict=True):
        assert line["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4, abs=1e-6)
        assert line.get("train_accuracy") == other.get("train_accuracy")


@pytest.mark.parametrize("name", ["and", "or", "nand"])
@pytest.mark.parametrize("batch_size", [1, 2, "full"])
def test_a_perceptron_stops_with_the_first_pass_without_an_error(name: str, batch_size: int | str) -> None:
    labels, X = table(name)
    network, history = trained(replace(PERCEPTRON, batch_size=batch_size), labels, X)
    assert network.predict(X)[:, 0].tolist() == labels.tolist()
    assert [line["train_accuracy"] == 1 for line in history] == [False] * (len(history) - 1) + [True]
    assert 1 < len(history) < 100


def test_on_xor_it_goes_on_to_the_end() -> None:
    labels, X = table("xor")
    _, history = trained(PERCEPTRON, labels, X)
    assert len(history) == PERCEPTRON.epochs
    assert max(line["train_accuracy"] for line in history) < 1


def test_a_regression_has_a_loss_and_no_accuracy() -> None:
    labels, X = table("or")
    _, history = trained(LINEAR, labels.astype(np.float32), X)
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert "train_accuracy" not in history[-1]


def test_one_worker_does_it_and_the_bits_are_the_same() -> None:
    labels, X = table("xor")
    networks = [trained(SIGMOIDS, labels, X, workers)[0] for workers in (1, 2)]
    assert networks[0].theta.tobytes() == networks[1].theta.tobytes()


def test_augmentation_and_label_smoothing_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    X, labels = rng.integers(0, 256, (6, 1, 8, 8), np.uint8), np.arange(6) % 2
    text = "INPUT 64 -> FC 4 sigmoid -> FC 2 sigmoid"
    plain = replace(SGD, architecture=text, epochs=2)

    def theta(recipe: Recipe) -> np.ndarray:
        network = Network(parse(text), X.shape[1:])
        data = {"X": X, "labels": labels, "learn": np.arange(6), "look": np.arange(0)}
        fit(network, X.shape[1:], data, recipe, 1)
        return network.theta

    for other in ({"augment": "affine"}, {"label_smoothing": 0.3}):
        changed = theta(replace(plain, **other))
        assert not np.allclose(changed, theta(plain))
        with monkeypatch.context() as patch:
            patch.setattr(loop, "rule", lambda *_: None)
            np.testing.assert_allclose(theta(replace(plain, **other)), changed, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_textbook_learns_mnist_in_one_epoch(need: Callable[..., None]) -> None:
    """Past 95 % on images that it has not seen."""
    need("MNIST")
    data = sources.load("mnist", MNIST)
    recipe = replace(SIGMOIDS, architecture="INPUT 784 -> FC 300 sigmoid -> FC 10 sigmoid", epochs=1)
    network = Network(parse(recipe.architecture), data.shape)
    arrays = {"X": data.train.X, "labels": data.train.labels, "learn": np.arange(60_000), "look": np.arange(0)}
    fit(network, data.shape, arrays, recipe, 1)
    assert np.mean(network.predict(data.test.X).argmax(axis=1) == data.test.labels) > 0.95


class Stop(Watcher):
    """Ends a training after some steps, and keeps where it stood."""

    def __init__(self, after: int) -> None:
        self.after = after

    def stepped(self, progress: Progress, checkpoint: Callable[[], Checkpoint]) -> None:
        self.after -= 1
        if self.after == 0:
            self.kept = checkpoint()
            raise KeyboardInterrupt


@pytest.mark.parametrize("recipe", [PERCEPTRON, LINEAR, SIGMOIDS], ids=["perceptron", "linear", "sigmoids"])
def test_it_goes_on_from_a_checkpoint_to_the_same_bits(recipe: Recipe) -> None:
    labels, X = table("xor")
    labels = labels.astype(np.float32) if recipe is LINEAR else labels
    whole, history = trained(recipe, labels, X)
    stop = Stop(after=30)
    data = {"X": X, "labels": labels, "learn": np.arange(len(X)), "look": np.arange(0)}
    with pytest.raises(KeyboardInterrupt):
        fit(Network(parse(recipe.architecture)), X.shape[1:], data, recipe, 1, [stop])
    again = Network(parse(recipe.architecture))
    told = fit(again, X.shape[1:], data, recipe, 1, start=Checkpoint.decode(stop.kept.encode()))
    assert again.theta.tobytes() == whole.theta.tobytes()
    assert [line["train_loss"] for line in told] == [line["train_loss"] for line in history]
