"""Shows how far a long step is: a live bar on a terminal, now and then a plain line anywhere else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

Report = Callable[[int, int | None], None]  # (done so far, of how many: None when nobody knows)
PAUSE = 5.0  # seconds between plain lines


def say(console: Console, line: str) -> None:
    """Prints one line as it is: the name of a file is no markup, not to be wrapped, and may not be UTF-8."""
    console.print(line.encode("utf-8", "replace").decode(), markup=False, highlight=False, soft_wrap=True)


def ignore(done: int, total: int | None) -> None:
    """The report that shows nothing."""


@contextmanager
def progress(console: Console, title: str, unit: str = "bytes") -> Iterator[Report]:
    """Gives the function to call with (done, total), as often as one likes; `unit` is what is counted."""
    if not console.is_terminal:
        yield _lines(console, title, unit)
        return
    count: ProgressColumn = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), count, TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(console: Console, title: str, unit: str) -> Report:
    last = time.monotonic()

    def report(done: int, total: int | None) -> None:
        nonlocal last
        if done == total or time.monotonic() - last >= PAUSE:
            last = time.monotonic()
            say(console, f"{title}: {done:,}{f' of {total:,}' if total else ''} {unit}")

    return report
