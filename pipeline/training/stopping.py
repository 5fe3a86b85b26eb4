"""When a training is over."""

from pipeline.training.checkpoint import History
from pipeline.training.recipe import Recipe


def ended(history: History, recipe: Recipe) -> bool:
    """Whether a training with these epochs behind it is over: all done, good enough, or no better for too long.

    A perceptron's is over with the first epoch without an error: it has stopped changing.
    """
    if not history or len(history) == recipe.epochs:
        return bool(history)
    if recipe.loss == "perceptron" and history[-1]["train_accuracy"] == 1:  # nothing was moved in a whole pass
        return True
    reached = recipe.stop_at and history[-1].get("validation_accuracy", 0) >= recipe.stop_at
    return bool(reached or (recipe.patience and epochs_since_best(history) >= recipe.patience))


def epochs_since_best(history: History) -> int:
    """How many epochs ago the validation loss was lowest. History must have a line."""
    losses = [line["validation_loss"] for line in history]
    return len(losses) - 1 - losses.index(min(losses))
