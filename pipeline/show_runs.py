"""What `pipeline runs` prints: the run folders, one of them in full, and several beside one another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.evaluation.page import printed
from pipeline.network.notation import times
from pipeline.show import table
from pipeline.training import runs
from pipeline.training.run import Job, Run
from pipeline.training.runs import Summary

History = Sequence[dict[str, float]]
MOST_EPOCHS = 30  # rows of a history
FILES = {
    "config.json": "what was asked for",
    "history.jsonl": "a line for each epoch",
    "log.txt": "what was printed",
    "checkpoints": "where the training stood",
    "tensorboard": "event files",
    "weights.npz": "the parameters",
    "metrics.json": "what the test set said",
    "report/index.html": "the report",
    "export": "the ONNX files",
}


def print_listing(console: Console, root: Path) -> None:
    """A row for each run in the folder; below, what is no run or is damaged."""
    found, damaged = runs.listing(root)
    if found:
        columns = ("run", "model", "kind", "state", "epochs", "validation", "test", "seconds", "started (UTC)")
        text = ("run", "model", "kind", "state", "started (UTC)")
        console.print(table("", columns, [_row(each) for each in found], text))
    for folder, why in damaged.items():
        console.print(printed(f"{folder.name}: damaged: {why}"), soft_wrap=True)
    if not found and not damaged:
        console.print(f"no runs in {root} yet: `pipeline train` makes them", soft_wrap=True)


def _row(run: Summary) -> tuple[object, ...]:
    started = run.started[:16].replace("T", " ")
    accuracies = (percent(run.best), percent(run.test.get("accuracy")) or _r2(run))
    words = map(printed, (run.folder.name, run.name, run.kind, run.state))
    return (*words, epochs(run), *accuracies, f"{run.seconds:,.1f}", started)


def print_run(console: Console, run: Run) -> None:
    """All that is known of a run. RunError if it is damaged."""
    known, job = runs.summary(run), run.job
    console.print(f"{run.folder}: {known.state}, {epochs(known)} epochs", soft_wrap=True)
    console.print(_pairs("configuration", {**runs.configuration(job), "started": job.started}))
    console.print(_pairs("dataset", _dataset(job)))
    console.print(_pairs("environment", runs.environment(job)))
    if run.history:
        console.print(history_table(run.history))
    if known.test:
        console.print(_pairs("test", _test(known)))
    there = {name: about for name, about in FILES.items() if (run.folder / name).exists()}
    console.print(f"files in {run.folder}", soft_wrap=True)  # a title would be folded to the width of its table
    console.print(table("", ("file", "what it is"), [*there.items()], ("file", "what it is")))


def print_comparison(console: Console, found: Sequence[Run]) -> None:
    """A column for each run: the settings that differ, then what came of it. RunError if a run is damaged."""
    known, jobs = [runs.summary(run) for run in found], [run.job for run in found]
    heads = [run.folder.name for run in found]
    rows = [(name, *values) for name, values in runs.differences(jobs).items()]
    same = "all settings are the same"
    console.print(table("settings that differ", ("setting", *heads), rows, ("setting", *heads)) if rows else same)
    figures = [_figures(each, run.history) for each, run in zip(known, found, strict=True)]
    rows = [(name, *(each[name] for each in figures)) for name in figures[0]]
    console.print(table("what came of it, in training after the last epoch", ("figure", *heads), rows, ("figure",)))


def _figures(run: Summary, history: History) -> dict[str, str]:
    """What came of a run, by name; "" for what is not there yet."""
    last = history[-1] if history else {}
    best = f"{percent(run.best)} (epoch {run.best_epoch})" if run.best_epoch else ""
    return {
        "state": run.state,
        "epochs": epochs(run),
        "seconds": f"{run.seconds:,.1f}",
        "training loss": number(last.get("train_loss")),
        "training accuracy": percent(last.get("train_accuracy")),
        "validation loss": number(last.get("validation_loss")),
        "validation accuracy": percent(last.get("validation_accuracy")),
        "best validation": best,
        "test accuracy": percent(run.test.get("accuracy")) or _r2(run),
        "test loss": number(run.test.get("loss")),
        "calibration error": percent(run.test.get("expected_calibration_error")),
    }


def history_table(history: History) -> Table:
    """A row for each epoch; of many, MOST_EPOCHS that are evenly chosen, the first and the last among them."""
    n = len(history)
    chosen = range(n) if n <= MOST_EPOCHS else np.linspace(0, n - 1, MOST_EPOCHS).round().astype(int)
    rows = [_epoch(history[at]) for at in chosen]
    title = f"history: {len(rows)} of {n} epochs, evenly chosen" if len(rows) < n else "history"
    columns = ("epoch", "loss", "accuracy", "validation loss", "accuracy", "learning rate", "images/s", "seconds")
    return table(title, columns, rows, text=())


def _epoch(line: dict[str, float]) -> tuple[object, ...]:
    learned = (number(line.get("train_loss")), percent(line.get("train_accuracy")))
    held_out = (number(line.get("validation_loss")), percent(line.get("validation_accuracy")))
    rate, speed = line.get("learning_rate"), line.get("images_per_second")
    return (
        line["epoch"],
        *learned,
        *held_out,
        "" if rate is None else f"{rate:.2g}",
        "" if speed is None else f"{speed:,.0f}",
        f"{line['seconds']:.1f}",
    )


def _dataset(job: Job) -> dict[str, object]:
    data = job.dataset
    return {
        "name": data["name"],
        "where from": job.source if job.data_dir is None else f"{job.source} in {job.data_dir}",
        "SHA-256": data["sha256"],
        "example": times(*job.shape),
        "pictures": job.pictures or "none",
        "labels": f"{len(job.labels)}: {', '.join(job.labels[:20])}{', …' if len(job.labels) > 20 else ''}",
        **{split: f"{data[split]:,}" for split in ("train", "validation", "test") if split in data},
    }


def _test(run: Summary) -> dict[str, object]:
    found = {
        "examples": f"{run.test['samples']:,.0f}",
        "accuracy": percent(run.test.get("accuracy")) or _r2(run),
        "loss": number(run.test.get("loss")),
        "calibration error": percent(run.test.get("expected_calibration_error")),
        "error of an answer": f"{run.test['rmse']:.4g} (root mean square)" if "rmse" in run.test else "",
    }
    return {name: value for name, value in found.items() if value}


def _r2(run: Summary) -> str:
    return f"R² {run.test['r2']:.4f}" if "r2" in run.test else ""


def _pairs(title: str, rows: Mapping[str, Any]) -> Table:
    return table(title, ("what", "value"), [*rows.items()], text=("what", "value"))


def epochs(run: Summary) -> str:
    """How many are over, of how many."""
    return f"{run.done}/{run.epochs}"


def percent(value: float | None) -> str:
    """A part of 1 in percent; nothing for None."""
    return "" if value is None else f"{value:.2%}"


def number(value: float | None) -> str:
    """A loss; nothing for None."""
    return "" if value is None else f"{value:.4f}"
