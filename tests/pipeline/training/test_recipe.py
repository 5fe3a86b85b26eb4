"""The recipe, and the defaults that every network begins with."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data.augmentation import AUGMENTATIONS
from pipeline.errors import TrainingError
from pipeline.network.network import Network, objective
from pipeline.network.parser import parse
from pipeline.training.optimizers import OPTIMIZERS
from pipeline.training.recipe import (
    KINDS,
    LEARNING_RATES,
    RECIPES,
    STEPS,
    Preset,
    Recipe,
    default_architecture,
    default_epochs,
    default_learning_rate,
    usual,
)
from pipeline.training.schedules import SCHEDULES


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("INPUT 4 -> FC 2 softmax"),
        Recipe("INPUT 4 -> FC 2", 3, "full", "sgd", 0.5, "steps", "mse", weight_decay=1e-4, validation=0, seed=7),
        Recipe("INPUT 4 -> FC 2", label_smoothing=0.1, average=0.99, augment="elastic", stop_at=0.9),
    ],
)
def test_through_json_and_back(recipe: Recipe) -> None:
    assert Recipe(**json.loads(json.dumps(recipe.to_json()))) == recipe


@pytest.mark.parametrize(("size", "n", "expected"), [(128, 1000, 128), (128, 50, 50), ("full", 1000, 1000), (1, 9, 1)])
def test_examples_in_a_step(size: int | str, n: int, expected: int) -> None:
    assert Recipe("", batch_size=size).examples_in_a_step(n) == expected


def test_the_defaults_are_among_the_choices() -> None:
    assert LEARNING_RATES.keys() == OPTIMIZERS.keys()
    recipe = Recipe("")
    assert recipe.optimizer in OPTIMIZERS
    assert recipe.schedule in SCHEDULES
    assert recipe.learning_rate == LEARNING_RATES[recipe.optimizer]


@pytest.mark.parametrize("preset", RECIPES.values(), ids=RECIPES)
def test_the_named_recipes_are_of_what_there_is(preset: Preset) -> None:
    assert set(preset.augment.values()) <= AUGMENTATIONS.keys()
    for by_kind in (preset.epochs, preset.learning_rate, preset.augment):
        assert by_kind.keys() == {"fnn", "cnn"}
    assert 0 <= preset.stop_at <= 1


def test_a_small_dataset_is_gone_through_more_often() -> None:
    best = RECIPES["best"]
    assert default_epochs("cnn", 600_000, 128, best) == best.epochs["cnn"]
    assert default_epochs("cnn", 640, 128, best) == STEPS / 5
    assert default_epochs("fnn", 100, "full", best) == STEPS


@pytest.mark.parametrize("preset", RECIPES.values(), ids=RECIPES)
@given(st.sampled_from(["fnn", "cnn"]), st.integers(1, 3), st.tuples(*[st.integers(4, 48)] * 2), st.integers(2, 30))
def test_a_default_network_fits_any_picture(
    preset: Preset, kind: str, channels: int, sides: tuple[int, int], labels: int
) -> None:
    text = default_architecture(kind, (channels, *sides), labels, preset)
    assert str(parse(text)) == text
    network = Network(parse(text), (channels, *sides))
    objective(network.layers, "cross-entropy")
    assert network.outputs == labels
    assert any(layer.kind == "conv" for layer in network.layers) == (kind == "cnn")


def test_features_get_an_fnn_and_no_cnn() -> None:
    assert default_architecture("fnn", (7,), 3, RECIPES["best"]).startswith("INPUT 7 -> FC")
    with pytest.raises(TrainingError, match="7 numbers: train fnn instead"):
        default_architecture("cnn", (7,), 3, RECIPES["best"])


@pytest.mark.parametrize(("kind", "n", "batch_size", "epochs"), [
    ("perceptron", 4, 1, 1_000),  # at most
    ("perceptron", 4, "full", 1_000),
    ("perceptron", 1_000, 1, 100),
    ("linear", 1_000_000, 1, 10),
    ("fnn", 54_000, 1, 3),
    ("fnn", 100, 1, 500),
])  # fmt: skip
def test_single_units_and_single_examples_have_epochs_of_their_own(
    kind: str, n: int, batch_size: int | str, epochs: int
) -> None:
    assert default_epochs(kind, n, batch_size, RECIPES["best"]) == epochs


def test_what_is_usual() -> None:
    assert usual("fnn", None) == usual("cnn", 128) == usual("fnn", "full")
    assert usual("fnn", 1) == {**usual("fnn", None), "schedule": "constant"}
    assert usual("linear", None)["schedule"] == usual("linear", 1)["schedule"] == "cosine"
    for kind in KINDS:
        Recipe("INPUT 1 -> FC 1", **usual(kind, None))
    rates = {loss: default_learning_rate("fnn", "sgd", loss, RECIPES["best"]) for loss in ("mse", "cross-entropy")}
    assert rates["mse"] > rates["cross-entropy"] == LEARNING_RATES["sgd"]
