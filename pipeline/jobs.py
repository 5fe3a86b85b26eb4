"""From what the command line was given to a job: the dataset loaded, every default filled in, the network checked."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import show, steps
from pipeline.data import sources
from pipeline.data.dataset import Dataset, Pictures, Task
from pipeline.errors import DataError, RunError, TrainingError
from pipeline.export.store import check_name
from pipeline.network.network import Network, objective
from pipeline.network.parser import parse
from pipeline.training import shards
from pipeline.training.recipe import (
    DATASETS,
    RECIPES,
    UNITS,
    Preset,
    Recipe,
    default_architecture,
    default_epochs,
    default_learning_rate,
    usual,
)
from pipeline.training.rule import before
from pipeline.training.run import Job, Run, describe


def prepare(
    kind: str,
    name: str,
    dataset: str | None,
    data_dir: str | None,
    target: str | None,
    pictures: Pictures | None,
    architecture: str | None,
    recipe: str,
    **given: Any,
) -> tuple[Dataset, Job]:
    """The dataset, and the job with every default filled in."""
    check_name(name)
    source = dataset or DATASETS.get(kind)
    if source is None:
        raise DataError(f"{kind}: expected a table to learn from: --dataset FILE.csv, and --target COLUMN")
    options = {name: value for name, value in given.items() if value is not None}
    options = {**usual(kind, options.get("batch_size")), **options}
    shape = parse(architecture).shape if architecture else None
    task: Task = "regression" if kind == "linear" else "classification"
    loaded = steps.load(source, data_dir, pictures, shape, options["seed"], show.console(stderr=True), target, task)
    filled = _filled(kind, loaded, architecture, RECIPES[recipe], options)
    # An absolute path, so that the run can be evaluated again from anywhere.
    source = source if source in sources.NAMES else str(Path(source).resolve())
    place = str(Path(data_dir).resolve()) if data_dir else None
    held_out = round(filled.validation * len(loaded.train))
    return loaded, Job(name, kind, source, place, loaded.pictures, filled, describe(loaded, held_out))


def _filled(kind: str, data: Dataset, architecture: str | None, preset: Preset, options: dict[str, Any]) -> Recipe:
    """The recipe: the options that were said or are usual, and by preset and data what is still missing."""
    plain, n = kind in UNITS or options["batch_size"] == 1, len(data.train)
    text = architecture or default_architecture(kind, data.shape, len(data.labels), preset)
    rate = default_learning_rate(kind, options["optimizer"], options["loss"], preset)
    if kind == "linear" and options["optimizer"] == "sgd":
        rate = _rate(Network(parse(text), data.shape), data.train.X)
    by_preset = {
        "epochs": default_epochs(kind, n - round(options["validation"] * n), options["batch_size"], preset),
        "learning_rate": rate,
        "augment": "none" if plain or data.pictures != "ink" else preset.augment[kind],
        "weight_decay": 0.0 if plain or options["optimizer"] != "adam" else preset.weight_decay[kind],
        "average": 0.0 if plain else preset.average,
        "stop_at": 0.0 if plain else preset.stop_at,
    }
    return Recipe(architecture=str(parse(text)), **{**by_preset, **options})


def _rate(network: Network, X: np.ndarray) -> float:
    """The rate at which the step for the largest example x [D] of a linear unit just meets its target: 1 / (1 + x·x).

    At twice that the steps would grow (Widrow and Stearns 1985, Adaptive Signal Processing, chapter 6).
    """
    network.initialise(np.random.default_rng(0))
    network.measure(X, np.arange(len(X)))
    inputs, _ = network.forward(X, layers=before(network))
    return float(1 / (1 + np.square(inputs, dtype=np.float64).sum(axis=1).max()))


def same(runs: Path, job: Job) -> Run | None:
    """The newest run folder below `runs` that was to do the same; None if there is none."""
    for folder in sorted(runs.glob(f"*-{job.name}*"), key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(RunError):
            if Run(folder).job.same_as(job):
                return Run(folder)
    return None


def checked(recipe: Recipe, dataset: Dataset) -> Network:
    """The network, if it can be trained as the recipe says; before a run folder is made for nothing."""
    network = Network(parse(recipe.architecture), dataset.shape)
    objective(network.layers, recipe.loss)
    _check_outputs(network, recipe, dataset)
    if recipe.augment != "none" and len(dataset.shape) != 3:
        raise TrainingError(
            f"--augment {recipe.augment} moves pictures, but an example of {dataset.name} is"
            f" {dataset.shape[0]} numbers: leave it out"
        )
    if recipe.patience and not recipe.validation:
        raise TrainingError("--patience waits for a lower validation loss: it needs a --validation above 0")
    learning = network.layers[:-1] if recipe.loss == "perceptron" else network.layers
    if step := next((layer for layer in learning if layer.kind == "step"), None):
        raise TrainingError(
            f"{step.name}: the step has a gradient of 0 everywhere, so nothing before it can learn; the perceptron's"
            " rule teaches one at the end, with --loss perceptron"
        )
    return network


def _check_outputs(network: Network, recipe: Recipe, dataset: Dataset) -> None:
    """One unit for each label, or one for two labels; one for the numbers of a regression, and no probability."""
    K = len(dataset.labels)
    if network.outputs != K and (network.outputs, K) != (1, 2):
        way_out = (
            "a perceptron tells two apart, train fnn"
            if recipe.loss == "perceptron"
            else f"end the architecture with “FC {K} softmax”"
        )
        raise TrainingError(
            f"the network ends with {network.outputs} outputs, but {dataset.name} has {K} labels: {way_out}"
        )
    if network.outputs == 1 and recipe.label_smoothing:
        raise TrainingError("--label-smoothing shares out among labels: it needs a unit for each of them")
    if dataset.task == "regression" and recipe.loss != "mse":
        raise TrainingError(f"--loss {recipe.loss} is for labels, the numbers of a regression need mse")


def workers(job: Job) -> int:
    """As many as can be busy: the cores this process may use, and no more than a batch has shards."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    in_a_step = job.recipe.examples_in_a_step(job.dataset["train"])
    return min(cores, shards.count(in_a_step, parse(job.recipe.architecture)))
