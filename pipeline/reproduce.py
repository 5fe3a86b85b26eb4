"""Trains a published version again, from what its manifest says, and compares what comes out, byte for byte."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline import files, steps
from pipeline.data import sources
from pipeline.data.dataset import Dataset
from pipeline.errors import DataError, StoreError
from pipeline.export import store as models_store
from pipeline.training.recipe import Recipe
from pipeline.training.run import Job, Run, describe


@dataclass(frozen=True)
class Compared:
    """One file: its SHA-256 in the manifest, and that of what was made again."""

    name: str
    published: str
    again: str

    @property
    def same(self) -> bool:
        """Whether they are the same, byte for byte."""
        return self.published == self.again


def prepare(
    store: Path, name: str, version: int, source: str | None, data_dir: str | None, console: Console
) -> tuple[Dataset, Job, Job]:
    """The dataset, the job to be done now, and the job as the manifest remembers it.

    source: where the data is; by default the dataset of the name that the manifest says. Raises DataError if it is not
    to be found, or not what the version was trained on; StoreError if the manifest does not say enough.
    """
    manifest = models_store.manifest(store, name, version)
    try:
        training, facts = manifest["training"], manifest["training"]["dataset"]
        told = {each.name: training[each.name] for each in fields(Recipe) if each.name in training}
        recipe = Recipe(**{"architecture": manifest["architecture"], **told})
        source, pictures, shape = (
            source or _named(facts["name"]),
            facts["pictures"],
            tuple(manifest["input"]["shape"][1:]),
        )
        target, task = facts.get("target"), manifest["task"]
        dataset = steps.load(source, data_dir, pictures, shape, recipe.seed, console, target, task)
        _check(source, dataset, facts["sha256"])
        kind = training.get("kind") or ("cnn" if "CONV" in recipe.architecture else "fnn")
        job = Job(name, kind, source, data_dir, pictures, recipe, describe(dataset, facts["validation"]))
        before = Job(name, kind, source, data_dir, pictures, recipe, job.dataset, **_where(training))
    except (KeyError, TypeError) as error:
        raise StoreError(
            f"{store / name / str(version)}: its manifest does not say enough to train it again ({error!r} is missing)"
        ) from error
    return dataset, job, before


def _where(training: dict[str, Any]) -> dict[str, Any]:
    return {"versions": training["versions"], "environment": training.get("environment", {})}


def _named(name: str) -> str:
    if name not in sources.NAMES:
        raise DataError(
            f"the version was trained on “{name}”, which is no dataset's name: say where it is, by --dataset"
        )
    return name


def _check(source: str, dataset: Dataset, sha256: str) -> None:
    if dataset.sha256 != sha256:
        raise DataError(
            f"{source}: expected the data that the version was trained on, SHA-256 {sha256[:12]}…, got"
            f" {dataset.sha256[:12]}…: say where that is, by --dataset or --data-dir"
        )


def compare(run: Run, store: Path, version: int) -> list[Compared]:
    """The ONNX files of an exported run beside those of the published version."""
    published = models_store.manifest(store, run.job.name, version)["files"]
    names = sorted(name for name in published if name.endswith(".onnx"))
    return [Compared(name, published[name], files.sha256(run.folder / "export" / name)) for name in names]
