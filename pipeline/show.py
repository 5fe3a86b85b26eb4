"""What the commands print: tables, and the progress of a training."""

import io
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from rich.console import Console
from rich.control import Control
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.network.network import Network
from pipeline.network.notation import times
from pipeline.training import loop
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.environment import blas
from pipeline.training.loop import Watcher
from pipeline.training.profile import Line, Profile, best_product
from pipeline.training.recipe import Recipe

PLAIN_WIDTH = 120  # characters, where the output is not a terminal
PAUSE = 10.0  # seconds between two plain lines within an epoch
MOST_LINES = 30  # of epochs that stay on the screen
WIDEST = 20  # labels that a confusion table has room for


class Logged(Console):
    """A console whose words can go into a file as well, each with its time."""

    journal: TextIO | None = None

    @contextmanager
    def into(self, path: Path) -> Iterator[None]:
        """While the block lasts, what is printed is appended to the file; and so is how it ends, if it fails."""
        with path.open("a", buffering=1, encoding="utf-8") as self.journal:
            try:
                yield
            except BaseException as error:
                self.note(f"{type(error).__name__}: {error}")
                raise
            finally:
                self.journal = None

    def print(self, *objects: Any, **options: Any) -> None:
        """Show them, and note them."""
        super().print(*objects, **options)
        words = [thing for thing in objects if not isinstance(thing, Control)]  # by which a live bar is drawn anew
        if self.journal and words:
            self.note(*words)

    def note(self, *objects: Any) -> None:
        """Into the log alone."""
        text = io.StringIO()
        Console(file=text, highlight=False, markup=False, emoji=False, width=PLAIN_WIDTH).print(
            *objects, soft_wrap=isinstance(objects[0], str)
        )
        for line in text.getvalue().splitlines():
            print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {line}".rstrip(), file=self.journal)


def console(stderr: bool = False) -> Logged:
    """The console to print to: as wide as the terminal, or PLAIN_WIDTH where there is none."""
    # No markup and no emoji: names of files and labels are shown as they are.
    plain = Logged(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not plain.is_terminal:
        plain.width = PLAIN_WIDTH
    return plain


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], text: Collection[str]) -> Table:
    """A table; the columns named in `text` are words, the others numbers."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        made.add_column(column, justify="left" if column in text else "right", overflow="fold")
    for row in rows:
        made.add_row(*map(str, row))
    return made


def network_table(network: Network) -> Table:
    """Layer, output shape, parameters."""
    rows: list[tuple[str, str, str]] = [
        (layer.name, times(*layer.shape), f"{layer.size:,}" if layer.size else "") for layer in network.layers
    ]
    rows.append(("total", "", f"{network.theta.size:,}"))
    return table(str(network.architecture), ("layer", "output shape", "parameters"), rows, text=("layer",))


def confusion_table(confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> Table:
    """What was answered for each true label; with many labels, the commonest mistakes alone."""
    if len(labels) <= WIDEST:
        rows = [(label, *(n or "·" for n in line)) for label, line in zip(labels, confusion, strict=True)]
        return table("true label down, answer across", ("", *labels), rows, text=("",))
    counts = np.array(confusion)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:WIDEST]
    pairs = [divmod(int(at), len(labels)) for at in order if counts.flat[at]]
    return table(
        "the commonest mistakes",
        ("true label", "answer", "how often"),
        [(labels[t], labels[a], counts[t, a]) for t, a in pairs],
        text=("true label", "answer"),
    )


def print_profile(console: Console, profile: Profile) -> None:
    """Seconds, share, and GFLOP/s of every part of the parent's steps, against the machine's peak."""
    peak, lines = best_product(), dict(profile.lines)
    whole = lines.pop("all").forward
    counted = sum(line.forward + line.backward for line in lines.values())
    lines["loss, validation, the rest"] = Line(forward=whole - counted)
    rows = []
    for name, line in lines.items():
        speeds = [f"{speed:.1f}" if speed else "" for speed in line.speeds]
        parts = [f"{speed / peak:.0%}" if speed else "" for speed in line.speeds]
        seconds = [f"{value:.2f}" if value else "" for value in (line.forward, line.backward)]
        share = f"{(line.forward + line.backward) / whole:.0%}"
        rows.append((name, seconds[0], speeds[0], parts[0], seconds[1], speeds[1], parts[1], share))
    columns = ("part", "forward s", "GFLOP/s", "of peak", "backward s", "GFLOP/s", "of peak", "share")
    console.print(table("where the time went, in one of the processes", columns, rows, text=("part",)))
    console.print(f"all: {whole:.1f} s; the peak of its core is {peak:.0f} GFLOP/s ({blas()})", soft_wrap=True)


def epoch_line(line: dict[str, float], epochs: int) -> str:
    """One line for one epoch of the history."""
    speed = f"{line['images_per_second']:,.0f} images/s, {line['seconds']:.1f} s"
    text = f"epoch {line['epoch']}/{epochs}: {_measured(line, 'train')}, {speed}"
    return f"{text}; validation {_measured(line, 'validation')}" if "validation_loss" in line else text


def _measured(line: dict[str, float], split: str) -> str:
    """Loss, and accuracy where labels are answered."""
    accuracy = line.get(f"{split}_accuracy")
    return f"loss {line[f'{split}_loss']:.4f}" + ("" if accuracy is None else f", accuracy {accuracy:.2%}")


class Training(Watcher):
    """Shows a training: a live bar on a terminal, plain lines anywhere else."""

    def __init__(self, console: Console, recipe: Recipe, bar: Progress | None) -> None:
        self.console, self.recipe, self.bar = console, recipe, bar
        self.start = self.epoch_start = self.last = time.monotonic()
        self.before: int | None = None  # steps that were taken before this process began
        self.examples_before = 0
        self.task = bar.add_task("", total=None, loss="", accuracy="", speed="") if bar else None

    def stepped(self, progress: loop.Progress, checkpoint: Callable[[], Checkpoint]) -> None:
        """After each step."""
        now = time.monotonic()
        done = progress.epoch * progress.steps + progress.step + 1
        if self.before is None:
            self.before, self.examples_before = done - 1, progress.examples * progress.step // (progress.step + 1)
        if now - self.last < (0.2 if self.bar else PAUSE):
            return
        self.last = now
        accuracy = "" if progress.accuracy is None else f"accuracy {progress.accuracy:.2%}"
        speed = f"{(progress.examples - self.examples_before) / (now - self.epoch_start):,.0f} images/s"
        if self.bar and self.task is not None:
            self.bar.update(
                self.task,
                description=f"epoch {progress.epoch + 1}/{self.recipe.epochs}",
                completed=done,
                total=self.recipe.epochs * progress.steps,
                loss=f"loss {progress.loss:.4f}",
                accuracy=accuracy,
                speed=speed,
            )
            return
        left = (now - self.start) / (done - self.before) * (self.recipe.epochs * progress.steps - done)
        self.console.print(
            f"epoch {progress.epoch + 1}/{self.recipe.epochs}, step {progress.step + 1}/{progress.steps}:"
            f" loss {progress.loss:.4f}, {accuracy and accuracy + ', '}{speed}, {left:.0f} s left"
        )

    def finished_epoch(self, line: dict[str, float]) -> None:
        """After an epoch: one line that stays, of many epochs for MOST_LINES of them."""
        self.epoch_start, self.examples_before = time.monotonic(), 0
        if line["epoch"] % -(-self.recipe.epochs // MOST_LINES) == 0 or line["epoch"] == self.recipe.epochs:
            self.console.print(epoch_line(line, self.recipe.epochs))


@contextmanager
def training(console: Console, recipe: Recipe) -> Iterator[Training]:
    """Shows the training that goes on inside."""
    if not console.is_terminal:
        yield Training(console, recipe, None)
        return
    fields = [TextColumn(f"{{task.fields[{name}]}}") for name in ("loss", "accuracy", "speed")]
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(20), *fields]
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, refresh_per_second=5) as bar:
        yield Training(console, recipe, bar)
