"""The command line: one command is one function that parses, calls and prints."""

from pathlib import Path
from typing import Any

import click

from pipeline import jobs, options, perform, show, show_check, show_runs, steps
from pipeline import reproduce as again
from pipeline.data import check as data_check
from pipeline.data import sources
from pipeline.errors import DataError, ReproductionError
from pipeline.export import store as models_store
from pipeline.export.answer import answer
from pipeline.export.suspects import suspects, unfit
from pipeline.lessons import STATIONS
from pipeline.network.notation import times
from pipeline.training.recipe import KINDS
from pipeline.training.recorder import Every
from pipeline.training.run import Run, answered
from pipeline.training.runs import find

NETWORKS = ("fnn", "cnn")


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
    rows.append(("FILE.csv", "columns of numbers, and one to be answered (--target)", "any", "", "", "", "yours"))
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
@click.option("--name", help="Of the model in the store.  [default: the kind]")
@options.training
def train(kind: str, name: str | None, **given: Any) -> None:
    """Train a network, or a single unit, evaluate it, export it and publish it."""
    _train(kind, name or kind, **given)


@cli.command()
@options.training
def run(**given: Any) -> None:
    """Do everything for both networks: the FNN and the CNN."""
    for kind in NETWORKS:
        _train(kind, kind, architecture=None, **given)


def _train(
    kind: str,
    name: str,
    runs: Path,
    resume: bool,
    store: Path,
    publish: bool,
    workers: int | None,
    profile: bool,
    checkpoint_every: Every,
    tensorboard: bool,
    **asked: Any,
) -> None:
    dataset, job = jobs.prepare(kind, name, **asked)
    network = jobs.checked(job.recipe, dataset)
    run = (jobs.same(runs, job) if resume else None) or Run.create(runs, job)
    console = show.console()
    with run.held(), console.into(run.folder / "log.txt"):
        console.print(
            f"{job.dataset['name']}: {job.dataset['train']:,} to train, {job.dataset['validation']:,} to validate,"
            f" {job.dataset['test']:,} to test; {answered(job)}"
        )
        console.print(show.network_table(network))
        console.print(f"run {run.folder}", soft_wrap=True)
        for line in run.job.differences(job):
            console.print(
                f"this run began with {line}: going on may give other bits than going through", soft_wrap=True
            )
        perform.perform(
            run, dataset, console, perform.Manner(store, publish, workers, profile, checkpoint_every, tensorboard)
        )


@cli.command()
@options.run_folder
@options.debug
def evaluate(folder: Path) -> None:
    """Open the test set for a finished RUN, and write its report."""
    run = Run(folder)
    dataset = steps.reload(run.job, show.console(stderr=True))
    perform.print_metrics(steps.evaluate(run, dataset), run.job, show.console())
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


@cli.group(invoke_without_command=True)
@options.runs
@options.debug
@click.pass_context
def runs(context: click.Context, runs: Path) -> None:
    """List the runs; `show` one of them, or `compare` several."""
    if context.invoked_subcommand is None:
        show_runs.print_listing(show.console(), runs)


@runs.command("show")
@click.argument("name", metavar="RUN")
@options.runs_after
@options.debug
def show_run(name: str, runs: Path) -> None:
    """Show all that is known of RUN, a run folder or its name."""
    show_runs.print_run(show.console(), find(runs, name))


@runs.command()
@click.argument("names", metavar="RUN RUN...", nargs=-1, required=True)
@click.option("--plot", type=options.PATH, default="runs-compared.png", show_default=True, help="Gets the curves.")
@options.runs_after
@options.debug
def compare(names: tuple[str, ...], plot: Path, runs: Path) -> None:
    """Show in what runs differ and what came of each, and draw the curves."""
    from pipeline.evaluation.comparison import write_comparison  # matplotlib: half of the start of every other command

    if len(names) < 2:
        raise click.UsageError(f"expected two runs or more, got one; `pipeline runs show {names[0]}` shows it")
    if plot.suffix.lower() != ".png":
        raise click.BadParameter(f"expected the name of a .png file, got “{plot}”", param_hint="--plot")
    found = [find(runs, name) for name in names]
    show_runs.print_comparison(show.console(), found)
    write_comparison(plot, [run.folder.name for run in found], [run.history for run in found])
    print(f"curves: {plot}")


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
@click.argument("version", type=click.IntRange(1))
@click.option("--dataset", metavar="NAME|FOLDER|FILE.npz", help="Where the data is now.  [default: by its name]")
@options.data_dir
@options.workers
@options.checkpoint_every
@options.store
@options.runs
@options.debug
def reproduce(
    name: str,
    version: int,
    dataset: str | None,
    data_dir: str | None,
    workers: int | None,
    checkpoint_every: Every,
    store: Path,
    runs: Path,
) -> None:
    """Train VERSION of the model NAME again as its manifest says, and compare byte for byte."""
    console = show.console()
    data, job, before = again.prepare(store, name, version, dataset, data_dir, show.console(stderr=True))
    run = Run.create(runs, job)
    with run.held(), console.into(run.folder / "log.txt"):
        console.print(f"run {run.folder}", soft_wrap=True)
        for line in before.differences(job):
            console.print(f"published with {line}: the bytes may differ for that", soft_wrap=True)
        perform.train(run, data, console, perform.Manner(store, False, workers, False, checkpoint_every, False))
        steps.export(run, data)
        compared = again.compare(run, store, version)
        rows = [(file.name, file.published[:16], file.again[:16], "yes" if file.same else "no") for file in compared]
        columns = ("file", "published", "made again", "same bytes")
        console.print(show.table(f"{name}, version {version}", columns, rows, text=columns))
    if differing := [file.name for file in compared if not file.same]:
        raise ReproductionError(
            f"{', '.join(differing)}: expected the bytes that were published, got others; the same bytes need the same"
            " versions of the packages, and the same processor and BLAS"
        )


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


@cli.command()
@click.argument("station", metavar="[STATION|all]", type=click.Choice([*STATIONS, "all"]), required=False)
@click.option("--pictures", type=options.PATH, default="lessons", show_default=True, help="Folder for the pictures.")
@options.debug
def lesson(station: str | None, pictures: Path) -> None:
    """Walk from the perceptron to the CNN: each STATION explains, computes and draws."""
    if station is None:
        show.console().print(
            show.table(
                "", ("station", "what it is about"), list(STATIONS.items()), text=("station", "what it is about")
            )
        )
        print("`pipeline lesson perceptron` runs one of them, `pipeline lesson all` one after the other.")
        return
    from pipeline.lessons.station import tell  # matplotlib: half of the start of every other command

    for name in STATIONS if station == "all" else [station]:
        print(f"\n━━ {name}: {STATIONS[name]}")
        for paragraph in tell(name, pictures):
            print(f"\n{paragraph}")
