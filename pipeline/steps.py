"""The steps from labelled images to a published model. The commands of `cli` call them, one by one or in a row."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from rich.console import Console

from pipeline import files
from pipeline.data import folder, sources
from pipeline.data.dataset import Dataset, Pictures, Task
from pipeline.errors import DataError, StoreError
from pipeline.evaluation import regression
from pipeline.evaluation.metrics import Metrics, by_label, measure
from pipeline.evaluation.regression import RegressionMetrics
from pipeline.export import parity, store
from pipeline.export.layers import OUTPUTS, explain_graph, model_graph
from pipeline.export.manifest import manifest
from pipeline.export.preprocessing import preprocessing, preprocessor
from pipeline.network.layer import Array
from pipeline.network.network import Network
from pipeline.network.notation import Shape
from pipeline.network.parser import parse
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.examples import examples
from pipeline.training.loop import Watcher, fit
from pipeline.training.profile import Profile
from pipeline.training.run import Job, Run

SIDES: dict[Pictures, int] = {"ink": 28, "photo": 32}  # pixels, where the architecture does not say


def load(
    source: str,
    data_dir: str | None,
    pictures: Pictures | None,
    shape: Shape | None,
    seed: int,
    console: Console,
    target: str | None = None,
    task: Task = "classification",
) -> Dataset:
    """The dataset, its pictures (if it is a folder of them) brought to `shape` by the network's own preprocessing.

    target, task: of a table, as `pipeline.data.sources.load` takes them.
    """
    preprocess = None
    if sources.kind(source) == "folder":
        pictures = pictures or "photo"
        if shape is None or len(shape) != 3:
            shape = (1 if folder.looks_grey(Path(source)) else 3, SIDES[pictures], SIDES[pictures])
        preprocess = preprocessor(preprocessing(pictures, shape).SerializeToString())
    folder_of_data = Path(data_dir) if data_dir else None
    return sources.load(source, folder_of_data, seed, preprocess, pictures, console, target, task)


def reload(job: Job, console: Console) -> Dataset:
    """The dataset of a finished run once more. DataError if it is not what the run was trained on."""
    seed, pictures = job.recipe.seed, cast(Pictures | None, job.pictures)
    dataset = load(job.source, job.data_dir, pictures, job.shape, seed, console, job.target, job.task)
    if dataset.sha256 != job.dataset["sha256"]:
        raise DataError(
            f"{job.source}: the data has changed since this run: expected SHA-256 {job.dataset['sha256'][:12]}…,"
            f" got {dataset.sha256[:12]}…; bring the old data back, or train again"
        )
    return dataset


def train(
    run: Run,
    dataset: Dataset,
    workers: int,
    watchers: Sequence[Watcher] = (),
    profile: Profile | None = None,
    tell: Callable[[str], object] = print,
) -> Network:
    """Train the run's network on its dataset, from the newest checkpoint on if there is one, and keep its parameters.

    tell: is told of checkpoints that are damaged, and where the training goes on.
    """
    recipe = run.job.recipe
    network, data = Network(parse(recipe.architecture), dataset.shape), examples(dataset, recipe)
    with run.writing():
        start = _start(run, tell)
        fit(network, dataset.shape, data, recipe, workers, watchers, profile, start)
        run.save(network)
    return network


def _start(run: Run, tell: Callable[[str], object]) -> Checkpoint | None:
    """Where to go on; what was noted after that is forgotten, and so is what was made of it."""
    start = run.checkpoints.newest(tell)
    if start or run.history:
        history = start.place.history if start else []
        run.write_history(history)
        at = f"epoch {len(history) + 1}, after {start.place.step:,} of its steps" if start else "the beginning"
        tell(f"going on from {at}")
    for name in ("metrics.json", "export/parity.json"):
        (run.folder / name).unlink(missing_ok=True)
    return start


def evaluate(run: Run, dataset: Dataset) -> Metrics | RegressionMetrics:
    """Open the test set, once: metrics.json and report/."""
    from pipeline.evaluation.report import write_report  # matplotlib: half of the start of every other command

    network = run.network()
    Y, metrics = answers(run, network, dataset)
    with run.writing():
        run.write_json("metrics.json", metrics.to_json())
        write_report(run, network, dataset, Y, metrics)
    return metrics


def answers(run: Run, network: Network, dataset: Dataset) -> tuple[Array, Metrics | RegressionMetrics]:
    """What the network answers for the test set, [N,K] or the numbers [N,1], and what they measure."""
    Y, test = network.predict(dataset.test.X), dataset.test
    if dataset.task == "classification":
        Y = by_label(Y)
        return Y, measure(Y, test.labels)
    w, b = regression.best_unit(dataset, run.job.recipe)
    return Y, regression.measure(Y[:, 0], test.labels, test.X @ w + b)


def export(run: Run, dataset: Dataset) -> parity.Parity:
    """The ONNX files into export/, if NumPy and onnxruntime agree on the whole test set; ExportError if not."""
    network, job = run.network(), run.job
    output = OUTPUTS[job.task]
    graphs = {
        "model": model_graph(network, job.labels, output),
        "explain": explain_graph(network, job.labels, output),
    }
    if dataset.pictures:
        graphs["preprocess"] = preprocessing(dataset.pictures, job.shape)
    agreed = parity.check(
        network.predict(dataset.test.X), graphs["model"].SerializeToString(), dataset.test.X, job.task
    )
    with run.writing():
        (run.folder / "export").mkdir(exist_ok=True)
        for name, graph in graphs.items():
            files.write(run.folder / "export" / f"{name}.onnx", graph.SerializeToString())
        run.write_json("export/parity.json", {"difference": agreed.difference, "samples": agreed.samples})
    return agreed


def publish(run: Run, root: Path) -> int:
    """The run's files as the next version of its model in the store at `root`; returns the version."""
    run.read_json("metrics.json"), run.read_json("export/parity.json")  # said before anything is touched

    def fill(home: Path, version: int) -> None:
        for part in ("export", "report"):
            for path in sorted((run.folder / part).iterdir()):
                target = home / path.name if part == "export" else home / part / path.name
                if path.suffix != ".json":
                    target.parent.mkdir(exist_ok=True)
                    target.write_bytes(path.read_bytes())
        (home / "manifest.json").write_text(
            json.dumps(manifest(run, version, home), indent=2, ensure_ascii=False) + "\n"
        )

    return store.publish(root, run.job.name, fill)


def published(run: Run, root: Path) -> int | None:
    """The version in the store at `root` that this run has become; None if it has not.

    By name and by content: runs elsewhere may be called the same. Versions that are damaged are not this one.
    """
    model = run.folder / "export" / "model.onnx"
    if not run.trained or not model.exists():
        return None
    mine = (run.folder.name, files.sha256(model))
    for version in reversed(store.versions(root, run.job.name)):
        with suppress(StoreError, KeyError, TypeError):
            manifest = store.manifest(root, run.job.name, version)
            if (manifest["training"]["run"], manifest["files"]["model.onnx"]) == mine:
                return version
    return None
