"""What `data check` prints."""

from collections.abc import Collection, Sequence

from rich.console import Console

from pipeline.data import check, duplicates
from pipeline.data.check import Examples
from pipeline.data.dataset import Dataset
from pipeline.data.duplicates import Pairs
from pipeline.data.looks import LOOK
from pipeline.export.suspects import SURE, Suspect
from pipeline.network.notation import times
from pipeline.show import table

MOST = 20  # files, pairs or suspects
MOST_LABELS = 40


def print_examples(console: Console, examples: Examples) -> None:
    """How many there are, of which label and of which size, and what cannot be read."""
    learn, test = check.counts(examples).sum(axis=0)
    about = f"; each is {times(*examples.data.shape)}" if isinstance(examples.data, Dataset) else ""
    console.print(f"{examples.name}: {learn:,} to learn from, {test:,} to test on{about}", soft_wrap=True)
    _print_counts(console, examples)
    if not isinstance(examples.data, Dataset):
        _print_sizes(console, examples)
        _print_unreadable(console, examples.unreadable)
    for line in check.remarks(examples):
        console.print(line, soft_wrap=True)


def print_duplicates(console: Console, examples: Examples) -> None:
    """How many there are and where, and the pairs most worth looking at."""
    found = {"the same": duplicates.exact(examples.looks)}
    if examples.looks.dtype == LOOK:
        near = duplicates.near(examples.looks)
        found["nearly the same"] = near.pairs
        if not near.complete:
            console.print(
                "Too many pictures look alike to compare them all: what is nearly the same was not looked for."
            )
    rows = []
    for name, pairs in found.items():
        places = check.places(examples, pairs)
        rows.append((name, *(f"{n:,}" for n in (places.across, places.train, places.test, places.relabelled))))
    columns = ("pairs of examples", "train and test", "within train", "within test", "of all, with two labels")
    _print(console, "duplicates", columns, rows, text=columns[:1])
    for name, pairs in found.items():
        _print_pairs(console, examples, name, pairs)


def print_suspects(console: Console, examples: Examples, found: Sequence[Suspect]) -> None:
    """Those that the model is surest of."""
    rows = [
        (examples.names[s.at], examples.labels[examples.numbers[s.at]], s.answer, f"{s.probability:.2%}")
        for s in found[:MOST]
    ]
    columns = ("example", "its label", "the model says", "probability")
    _print(
        console,
        _title(f"of another label, says the model, {SURE:.0%} sure or more", len(found)),
        columns,
        rows,
        columns[:3],
    )


def _print_counts(console: Console, examples: Examples) -> None:
    """All labels; of very many the rarest and the commonest."""
    rows = [(label, *pair) for label, pair in zip(examples.labels, check.counts(examples).tolist(), strict=True)]
    title = "examples of each label"
    if len(rows) > MOST_LABELS:
        title = f"examples of {len(rows):,} labels: the {MOST} rarest, then the {MOST} commonest"
        rows.sort(key=lambda row: row[1])
        rows = [*rows[:MOST], *rows[-MOST:]]
    shown = [(label, f"{learn:,}", f"{test:,}") for label, learn, test in rows]
    _print(console, title, ("label", "train", "test"), shown, text=("label",))


def _print_sizes(console: Console, examples: Examples) -> None:
    kinds = ("smallest", "largest", "commonest")
    rows = [
        (what, f"{width} x {height}", f"{count:,}", name)
        for what, ((width, height), count, name) in zip(kinds, check.sizes(examples), strict=True)
    ]
    columns = ("pictures", "width x height", "how many", "such as")
    _print(console, "sizes of the files as they are", columns, rows, text=("pictures", "such as"))


def _print_unreadable(console: Console, lines: Sequence[str]) -> None:
    if lines:
        console.print(_title("cannot be read", len(lines)), style="bold")
    for line in lines[:MOST]:
        console.print(f"  {line}", soft_wrap=True)


def _print_pairs(console: Console, examples: Examples, name: str, pairs: Pairs) -> None:
    rows = [
        [text for at in pair for text in (examples.names[at], examples.labels[examples.numbers[at]])]
        for pair in pairs[check.worst(examples, pairs)][:MOST]
    ]
    if rows:
        _print(console, _title(name, len(pairs)), ("one", "its label", "the other", "the other's label"), rows)


def _title(what: str, count: int) -> str:
    return f"{what}: {count:,}" + (f", the first {MOST} of them" if count > MOST else "")


def _print(
    console: Console,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    text: Collection[str] | None = None,
) -> None:
    """A table under its title, which a narrow table would wrap. text: the columns of words; by default all."""
    console.print(title, style="bold", soft_wrap=True)
    if rows:
        console.print(table("", columns, rows, columns if text is None else text))
