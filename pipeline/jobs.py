"""From what the command line was given to a job: the dataset loaded, every default filled in, the network checked."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline import show, steps
from pipeline.data import sources
from pipeline.data.dataset import Dataset, Pictures
from pipeline.errors import RunError, TrainingError
from pipeline.export.store import check_name
from pipeline.network.network import Network, objective
from pipeline.network.parser import parse
from pipeline.training import shards
from pipeline.training.recipe import RECIPES, Recipe, default_architecture, default_epochs, default_learning_rate
from pipeline.training.run import Job, Run, describe


def prepare(
    kind: str,
    name: str,
    dataset: str,
    data_dir: str | None,
    pictures: Pictures | None,
    architecture: str | None,
    recipe: str,
    epochs: int | None,
    learning_rate: float | None,
    augment: str | None,
    average: float | None,
    stop_at: float | None,
    **given: Any,
) -> tuple[Dataset, Job]:
    """The dataset, and the job with every default filled in."""
    check_name(name)
    shape = parse(architecture).shape if architecture else None
    loaded = steps.load(dataset, data_dir, pictures, shape, given["seed"], show.console(stderr=True))
    held_out = round(given["validation"] * len(loaded.train))
    preset = RECIPES[recipe]
    filled = Recipe(
        architecture=str(parse(architecture or default_architecture(kind, loaded.shape, len(loaded.labels), preset))),
        epochs=epochs or default_epochs(kind, len(loaded.train) - held_out, given["batch_size"], preset),
        learning_rate=learning_rate or default_learning_rate(kind, given["optimizer"], preset),
        augment=augment or (preset.augment[kind] if loaded.pictures == "ink" else "none"),
        average=preset.average if average is None else average,
        stop_at=preset.stop_at if stop_at is None else stop_at,
        **given,
    )
    # An absolute path, so that the run can be evaluated again from anywhere.
    source = dataset if sources.kind(dataset) in ("digits", "mnist") else str(Path(dataset).resolve())
    place = str(Path(data_dir).resolve()) if data_dir else None
    return loaded, Job(name, kind, source, place, loaded.pictures, filled, describe(loaded, held_out))


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
    if network.outputs != len(dataset.labels):
        raise TrainingError(
            f"the network ends with {network.outputs} outputs, but {dataset.name} has {len(dataset.labels)} labels:"
            f" end the architecture with “FC {len(dataset.labels)} softmax”"
        )
    if recipe.augment != "none" and len(dataset.shape) != 3:
        raise TrainingError(
            f"--augment {recipe.augment} moves pictures, but an example of {dataset.name} is"
            f" {dataset.shape[0]} numbers: leave it out"
        )
    if recipe.patience and not recipe.validation:
        raise TrainingError("--patience waits for a lower validation loss: it needs a --validation above 0")
    if step := next((layer for layer in network.layers if layer.kind == "step"), None):
        raise TrainingError(f"{step.name}: the step has a gradient of 0 everywhere, so nothing before it can learn")
    return network


def workers(job: Job) -> int:
    """As many as can be busy: the cores this process may use, and no more than a batch has shards."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, shards.count(job.recipe.examples_in_a_step(job.dataset["train"])))
