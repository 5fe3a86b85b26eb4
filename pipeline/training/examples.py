"""What a training is given of a dataset."""

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.data.split import hold_out
from pipeline.training.recipe import Recipe
from pipeline.training.team import Arrays


def examples(dataset: Dataset, recipe: Recipe) -> Arrays:
    """X and labels of the training set; `learn` and `look`, which of them are to learn from and which to look at."""
    train = dataset.train
    kinds = train.labels if dataset.task == "classification" else np.zeros(len(train), np.int64)
    learn, look = hold_out(kinds, recipe.validation, np.random.default_rng([recipe.seed, 3]))
    return {"X": train.X, "labels": train.labels, "learn": learn, "look": look}
