"""Does a job, or what is left of it: trains, evaluates, exports, publishes, and says so."""

from dataclasses import dataclass
from pathlib import Path

from pipeline import jobs, show, steps
from pipeline.data.dataset import Dataset
from pipeline.errors import Interrupted
from pipeline.evaluation.metrics import Metrics
from pipeline.evaluation.regression import RegressionMetrics
from pipeline.evaluation.separable import verdict
from pipeline.interruption import interruption
from pipeline.training.events import events
from pipeline.training.profile import Profile
from pipeline.training.recorder import Every, Recorder
from pipeline.training.run import Job, Run


@dataclass(frozen=True)
class Manner:
    """How a job is done; none of it has a say in the result."""

    store: Path
    publish: bool
    workers: int | None
    profile: bool
    checkpoint_every: Every
    tensorboard: bool


def perform(run: Run, dataset: Dataset, console: show.Logged, manner: Manner) -> None:
    """All that is still to be done of a run that this process holds."""
    if manner.publish and (version := steps.published(run, manner.store)):
        console.print(f"nothing left to do: this run is published as {run.job.name}, version {version}")
        return
    if not run.trained:
        train(run, dataset, console, manner)
    if run.job.recipe.loss == "perceptron":
        console.print(verdict(dataset, run.history), soft_wrap=True)
    print_metrics(steps.evaluate(run, dataset), run.job, console)
    agreed = steps.export(run, dataset)
    console.print(
        f"parity: NumPy and onnxruntime differ by at most {agreed.difference:.1e} on {agreed.samples:,} samples"
    )
    if manner.publish:
        home = manner.store / run.job.name / str(steps.publish(run, manner.store))
        console.print(f"published {home}", soft_wrap=True)


def train(run: Run, dataset: Dataset, console: show.Logged, manner: Manner) -> None:
    """The training alone. Interrupted if it is, with a checkpoint of where it stands."""
    clocks = Profile() if manner.profile else None
    recipe, workers = run.job.recipe, manner.workers or jobs.workers(run.job)
    with show.training(console, recipe) as shown, events(run, manner.tensorboard) as writers, interruption.awaited():
        watchers = [shown, *writers, Recorder(run, manner.checkpoint_every, interruption)]
        try:
            steps.train(run, dataset, workers, watchers, clocks, console.print)
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted: {run.folder} keeps where it stands; the same command with --resume goes on from there,"
                f" or `pipeline evaluate`, `export` and `publish {run.folder}` take the network as it is"
            ) from None
    if clocks:
        show.print_profile(console, clocks)


def print_metrics(metrics: Metrics | RegressionMetrics, job: Job, console: show.Logged) -> None:
    """What the test set said."""
    if isinstance(metrics, RegressionMetrics):
        console.print(
            f"test: R² {metrics.r2:.4f}, where least squares in closed form has {metrics.least_squares_r2:.4f}; an"
            f" answer is off by {metrics.rmse:.4g} (root mean square), {metrics.mae:.4g} (mean)",
            soft_wrap=True,
        )
        return
    console.print(show.confusion_table(metrics.confusion, job.labels))
    wrong = round((1 - metrics.accuracy) * metrics.samples)
    loss = "" if job.recipe.loss == "perceptron" else f", loss {metrics.loss:.4f}"
    console.print(f"test: accuracy {metrics.accuracy:.2%} ({wrong:,} mistakes in {metrics.samples:,}){loss}")
