"""When a training is over: all epochs done, good enough, or no better for too long."""

from dataclasses import replace

import pytest

from pipeline.training.recipe import Recipe
from pipeline.training.stopping import ended, epochs_since_best

RECIPE = Recipe("INPUT 2 -> FC 2 softmax", epochs=5)


def history(*losses: float, accuracy: float = 0.5) -> list[dict[str, float]]:
    return [{"validation_loss": loss, "validation_accuracy": accuracy} for loss in losses]


@pytest.mark.parametrize(("done", "over"), [(0, False), (1, False), (4, False), (5, True)])
def test_all_epochs_are_done(done: int, over: bool) -> None:
    assert ended([{"train_loss": 1.0}] * done, RECIPE) == over, "with no validation split"


def test_good_enough() -> None:
    recipe = replace(RECIPE, stop_at=0.9)
    assert not ended(history(1, accuracy=0.89), recipe)
    assert ended(history(1, accuracy=0.9), recipe)


@pytest.mark.parametrize(
    ("losses", "since"),
    [([3], 0), ([3, 2], 0), ([2, 3], 1), ([2, 3, 1], 0), ([1, 2, 3, 4], 3), ([1, 1], 1)],
)
def test_no_better_for_too_long(losses: list[float], since: int) -> None:
    assert epochs_since_best(history(*losses)) == since
    for patience in (1, 2, 3, 4):
        assert ended(history(*losses), replace(RECIPE, patience=patience)) == (since >= patience)
    assert not ended(history(*losses), RECIPE), "0 is never"
