"""The options of the command line, as the commands share them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click

from pipeline.data.augmentation import AUGMENTATIONS
from pipeline.network.network import LOSSES
from pipeline.training import recorder
from pipeline.training.optimizers import OPTIMIZERS
from pipeline.training.recipe import RECIPES
from pipeline.training.schedules import SCHEDULES

Command = Callable[..., Any]


class BatchSize(click.ParamType[int | str]):
    """A whole number from 1, or “full”."""

    name = "n|full"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """The number, or "full"."""
        if value == "full" or isinstance(value, int):
            return cast(int | str, value)
        if not str(value).isdigit() or int(value) < 1:
            self.fail(f"expected a whole number from 1, or “full”, got “{value}”", param, ctx)
        return int(value)


class Every(click.ParamType[recorder.Every]):
    """A whole number of steps, or a number of seconds with an “s” behind it."""

    name = "steps|seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> recorder.Every:
        """How often."""
        if isinstance(value, recorder.Every):
            return value
        found = re.fullmatch(r"([1-9]\d*)|(\d+(?:\.\d+)?)s", str(value))
        if not found:
            self.fail(f"expected a number of steps, as 500, or of seconds, as 30s; got “{value}”", param, ctx)
        return recorder.Every(int(found[1]), "steps") if found[1] else recorder.Every(float(found[2]), "s")


def together(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order in which they are to be listed."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


PATH = click.Path(path_type=Path)
debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
data_dir = click.option("--data-dir", help="Folder with IDX files.  [default: $NUMSERVE_DATA, else the cache]")
store = click.option(
    "--store", type=PATH, default="models", envvar="NUMSERVE_STORE", show_default=True, help="The model store."
)
runs = click.option(
    "--runs", type=PATH, default="runs", envvar="NUMSERVE_RUNS", show_default=True, help="Where run folders are made."
)


def _runs_before() -> Any:
    """What was said before the name of the subcommand: `pipeline runs --runs FOLDER show`."""
    parent = click.get_current_context().parent
    return parent.params.get("runs") if parent else None


runs_after = click.option("--runs", type=PATH, default=_runs_before, help="Where run folders are.  [default: runs]")
seed = click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
publish = click.option("--publish/--no-publish", default=True, help="Publish when all is well.  [default: yes]")
workers = click.option(
    "--workers", type=click.IntRange(1), help="Processes; the result is the same.  [default: the cores]"
)
checkpoint_every = click.option(
    "--checkpoint-every", type=Every(), default="30s", show_default=True, help="Steps, or seconds with an “s”."
)
training = together(
    click.option("--dataset", metavar="NAME|FOLDER|FILE", help="See datasets.  [default: mnist; perceptron: and]"),
    data_dir,
    click.option("--target", metavar="COLUMN", help="Of a .csv, the column to be answered.  [default: the last]"),
    click.option("--pictures", type=click.Choice(["ink", "photo"]), help="What a folder holds.  [default: photo]"),
    click.option(
        "--recipe",
        type=click.Choice(list(RECIPES)),
        default="best",
        show_default=True,
        help="For what is not said.",
    ),
    click.option("--epochs", type=click.IntRange(1), help="Times through the data.  [default: by recipe and data]"),
    click.option("--batch-size", type=BatchSize(), help="1 is SGD, “full” is BGD.  [default: 128; units: 1]"),
    click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), help="[default: adam; units: sgd]"),
    click.option(
        "--learning-rate",
        type=click.FloatRange(0, min_open=True),
        help="The highest.  [default: by recipe, optimizer and loss]",
    ),
    click.option(
        "--schedule",
        type=click.Choice(list(SCHEDULES)),
        help="[default: one-cycle; linear: cosine; perceptron, or one example at a time: constant]",
    ),
    click.option(
        "--loss", type=click.Choice(LOSSES), help="[default: cross-entropy; perceptron: its own; linear: mse]"
    ),
    click.option("--label-smoothing", type=click.FloatRange(0, 1, max_open=True), default=0.0, show_default=True),
    click.option("--augment", type=click.Choice(list(AUGMENTATIONS)), help="[default: by recipe for ink, else none]"),
    click.option("--weight-decay", type=click.FloatRange(0), help="[default: by recipe and optimizer]"),
    click.option(
        "--average",
        type=click.FloatRange(0, 1, max_open=True),
        help="Beta of the moving average of the weights; 0 is none.  [default: by recipe]",
    ),
    click.option(
        "--stop-at",
        type=click.FloatRange(0, 1),
        help="Stop once this part of the validation split is answered right; 0 is never.  [default: by recipe]",
    ),
    click.option(
        "--patience",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Stop after so many epochs without a lower validation loss, and keep the best weights; 0 is never.",
    ),
    click.option(
        "--validation",
        type=click.FloatRange(0, 1, max_open=True),
        help="The part of the training set to hold out.  [default: 0.1; units: 0]",
    ),
    seed,
    workers,
    click.option("--profile", is_flag=True, help="Show what each layer takes, against what the machine can do."),
    click.option(
        "--resume/--no-resume",
        envvar="NUMSERVE_RESUME",
        default=False,
        help="Go on with the newest run that was to do the same, if there is one.  [default: no]",
    ),
    checkpoint_every,
    click.option("--tensorboard", is_flag=True, help="Write event files; needs the extra numserve[tensorboard]."),
    store,
    runs,
    publish,
    debug,
)
run_folder = click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, exists=True, file_okay=False))
