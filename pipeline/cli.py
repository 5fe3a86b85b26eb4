"""The command line: one command is one function that parses, calls and prints."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from pipeline import jobs, options, show, show_check, steps
from pipeline.data import check as data_check
from pipeline.data import sources
from pipeline.errors import DataError, Interrupted
from pipeline.evaluation.metrics import Metrics
from pipeline.export import store as models_store
from pipeline.export.answer import answer
from pipeline.export.suspects import suspects, unfit
from pipeline.network.notation import times
from pipeline.training.profile import Profile
from pipeline.training.run import Job, Run

KINDS = ("fnn", "cnn")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@options.debug
def cli() -> None:
    """From labelled images to a published model."""


@cli.command()
@options.data_dir
@options.debug
def datasets(data_dir: str | None) -> None:
    """List what can be trained on."""
    entries = sources.listing(Path(data_dir) if data_dir else None)
    rows: list[tuple[object, ...]] = [
        (e.name, e.about, times(*e.shape), f"{e.train:,}", f"{e.test:,}", len(e.labels), e.place) for e in entries
    ]
    rows.append(("FOLDER", "pictures, one subfolder a label; or train/ and test/", "any", "", "", "", "yours"))
    rows.append(("FILE.npz", "arrays X and y; or X_train, y_train, X_test, y_test", "any", "", "", "", "yours"))
    columns = ("dataset", "what it is", "example", "train", "test", "labels", "where it is")
    show.console().print(show.table("", columns, rows, text=("dataset", "what it is", "example", "where it is")))


@cli.command()
@click.argument("name", type=click.Choice(["mnist", "fashion-mnist"]))
@options.data_dir
@options.debug
def fetch(name: str, data_dir: str | None) -> None:
    """Download a dataset, verified, into the data folder."""
    folder = sources.fetch(name, Path(data_dir) if data_dir else None, show.console(stderr=True))
    print(f"{name} is in {folder}")


@cli.group()
@options.debug
def data() -> None:
    """Look at a dataset before anything is trained on it."""


@data.command()
@click.argument("dataset", metavar="NAME|FOLDER|FILE.npz")
@options.data_dir
@click.option("--model", help="Of the store: also list what it is sure is mislabelled.")
@options.seed
@options.store
@options.debug
def check(dataset: str, data_dir: str | None, model: str | None, seed: int, store: Path) -> None:
    """Count labels and sizes, and find duplicates, unreadable files and suspects."""
    version = models_store.current(store, model) if model else None
    console, progress = show.console(), show.console(stderr=True)
    examples = data_check.load(dataset, Path(data_dir) if data_dir else None, seed, progress)
    show_check.print_examples(console, examples)
    show_check.print_duplicates(console, examples)
    if model is None or version is None:
        return
    home, manifest = models_store.folder(store, model, version), models_store.manifest(store, model, version)
    if problem := unfit(manifest, examples):
        console.print(f"{home}: {problem}: no suspects were looked for", soft_wrap=True)
    else:
        show_check.print_suspects(console, examples, suspects(home, manifest, examples, progress))


@cli.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--architecture", metavar="TEXT", help="“INPUT 1x28x28 -> …”; see docs/notation.md.  [default: by data]")
@click.option("--name", help="Of the model in the store.  [default: fnn or cnn]")
@options.training
def train(kind: str, name: str | None, **given: Any) -> None:
    """Train a network, evaluate it, export it and publish it."""
    _train(kind, name or kind, **given)


@cli.command()
@options.training
def run(**given: Any) -> None:
    """Do everything for both networks: the FNN and the CNN."""
    for kind in KINDS:
        _train(kind, kind, architecture=None, **given)


def _train(
    kind: str, name: str, store: Path, runs: Path, publish: bool, workers: int | None, profile: bool, **given: Any
) -> None:
    dataset, job = jobs.prepare(kind, name, **given)
    network = jobs.checked(job.recipe, dataset)
    console = show.console()
    console.print(
        f"{job.dataset['name']}: {job.dataset['train']:,} to train, {job.dataset['validation']:,} to validate,"
        f" {job.dataset['test']:,} to test; {len(job.labels)} labels"
    )
    console.print(show.network_table(network))
    made = Run.create(runs, job)
    console.print(f"run {made.folder}", soft_wrap=True)
    with show.training(console, made, job.recipe) as watcher, _interruptible(watcher, made):
        clocks = Profile() if profile else None
        steps.train(made, dataset, workers or jobs.workers(job), watcher, clocks)
    if clocks:
        show.print_profile(console, clocks)
    _print_metrics(steps.evaluate(made, dataset), job)
    agreed = steps.export(made, dataset)
    print(f"parity: NumPy and onnxruntime differ by at most {agreed.difference:.1e} on {agreed.samples:,} samples")
    if publish:
        version = steps.publish(made, store)
        console.print(f"published {store / name / str(version)}", soft_wrap=True)


@contextmanager
def _interruptible(watcher: show.Training, run: Run) -> Iterator[None]:
    """Ctrl-C ends the training after the step under way; a second one ends it at once."""

    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        if watcher.interrupted:
            raise KeyboardInterrupt
        watcher.interrupted = True

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted: the network as it stands is kept in {run.folder}; go on with it by `pipeline evaluate`,"
            f" `export` and `publish {run.folder}`"
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)


def _print_metrics(metrics: Metrics, job: Job) -> None:
    console = show.console()
    console.print(show.confusion_table(metrics.confusion, job.labels))
    wrong = round((1 - metrics.accuracy) * metrics.samples)
    console.print(
        f"test: accuracy {metrics.accuracy:.2%} ({wrong:,} mistakes in {metrics.samples:,}), loss {metrics.loss:.4f}"
    )


@cli.command()
@options.run_folder
@options.debug
def evaluate(folder: Path) -> None:
    """Open the test set for a finished RUN, and write its report."""
    run = Run(folder)
    _print_metrics(steps.evaluate(run, steps.reload(run.job, show.console(stderr=True))), run.job)
    print(f"report: {folder / 'report' / 'index.html'}")


@cli.command()
@options.run_folder
@options.debug
def export(folder: Path) -> None:
    """Write the ONNX files of a finished RUN, if they pass the parity gate."""
    run = Run(folder)
    agreed = steps.export(run, steps.reload(run.job, show.console(stderr=True)))
    print(f"parity: NumPy and onnxruntime differ by at most {agreed.difference:.1e} on {agreed.samples:,} samples")
    print(f"exported to {folder / 'export'}")


@cli.command()
@options.run_folder
@options.store
@options.debug
def publish(folder: Path, store: Path) -> None:
    """Publish an evaluated and exported RUN as the next version of its model."""
    run = Run(folder)
    version = steps.publish(run, store)
    print(f"published {store / run.job.name / str(version)}")


@cli.command()
@options.store
@options.debug
def models(store: Path) -> None:
    """List the store: every version, and which of them is current."""
    rows = []
    for name in models_store.names(store):
        current = models_store.current(store, name)
        for version in models_store.versions(store, name):
            summary = models_store.summary(store, name, version)
            rows.append((name, version, "current" if version == current else "", *summary))
    columns = ("model", "version", "", "accuracy", "parameters", "size", "created")
    show.console().print(show.table("", columns, rows, text=("model", "")))


@cli.command()
@click.argument("name")
@click.argument("version", metavar="VERSION|newest")
@options.store
@options.debug
def promote(name: str, version: str, store: Path) -> None:
    """Serve VERSION of the model NAME by default; `newest` goes back to following the newest."""
    if version != "newest" and not models_store.VERSION.fullmatch(version):
        raise click.BadParameter(f"expected the number of a version, or “newest”, got “{version}”")
    models_store.promote(store, name, None if version == "newest" else int(version))
    print(f"{name}: version {models_store.current(store, name)} is current")


@cli.command()
@click.argument("name")
@click.argument("images", nargs=-1, required=True, type=options.PATH)
@click.option("--version", type=click.IntRange(1), help="[default: the current one]")
@click.option("--top-k", type=click.IntRange(1), default=3, show_default=True, help="How many labels to show.")
@options.store
@options.debug
def predict(name: str, images: tuple[Path, ...], version: int | None, top_k: int, store: Path) -> None:
    """Answer for image files, without the service."""
    version = version or models_store.current(store, name)
    folder, labels = models_store.folder(store, name, version), models_store.labels(store, name, version)
    rows, problems = [], []
    for path in images:
        try:
            best = answer(folder, labels, path)[:top_k]
        except DataError as error:
            problems.append(str(error))
            continue
        rows.append((path, *(f"{label} {probability:.1%}" for label, probability in best)))
    shown = max((len(row) - 1 for row in rows), default=0)
    if rows:
        columns = ("image", "answer", *[f"{n}." for n in range(2, shown + 1)])
        show.console().print(show.table("", columns, rows, text=columns))
    if problems:
        raise DataError("; ".join(problems))
