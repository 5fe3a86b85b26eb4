"""From what somebody calls a dataset to the dataset: a known name, a folder or a file."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from pipeline.data import arrays, digits, folder, mnist, table, truth
from pipeline.data.building import Preprocess
from pipeline.data.dataset import Dataset, Pictures, Task
from pipeline.data.progress import progress, say
from pipeline.errors import DataError

Kind = Literal["digits", "mnist", "truth", "idx", "folder", "arrays", "table"]
NAMES = (digits.NAME, *mnist.SOURCES, *truth.TABLES)

FILES: dict[str, Kind] = {".npz": "arrays", ".csv": "table"}


def load(
    source: str,
    data_dir: Path | None = None,
    seed: int = 0,
    preprocess: Preprocess | None = None,
    pictures: Pictures | None = None,
    console: Console | None = None,
    target: str | None = None,
    task: Task = "classification",
) -> Dataset:
    """The dataset that `source` names: digits, mnist, fashion-mnist, a truth table, a folder, a .npz or a .csv file.

    The pixels of a folder are in the cache that is in `pictures_folder`, mapped from there.

    data_dir: where the four IDX files are, or are downloaded to; `data_folder` says the default.
    seed: decides the test set of a folder or file that has none of its own.
    preprocess: what makes pixels of a picture, needed for a folder of pictures (see `kind`) and for no other.
    pictures: what kind they are in a folder or file, else "photo" in a folder and a guess in a file.
    console: gets the progress and the names of files left out; stderr by default.
    target: the column of a .csv that is to be answered; task: "regression" if its numbers are to be met.
    Raises DataError when there is no such dataset or it is damaged, DownloadError when it cannot be downloaded.
    """
    console = console or Console(stderr=True)
    found = kind(source)
    if found != "table" and (task == "regression" or target is not None):
        raise DataError(f"{source}: expected a .csv file, of which one column is to be answered: see --target")
    match found:
        case "truth":
            return truth.load(source)
        case "table":
            return table.load(Path(source), seed, target, task)
        case "digits":
            return digits.load()
        case "mnist":
            return mnist.load(source, _existing(data_dir), console)
        case "idx":
            return mnist.load_folder(Path(source), pictures)
        case "arrays":
            return arrays.load(Path(source), seed, pictures)
        case "folder":
            return _load_folder(Path(source), seed, preprocess, pictures or "photo", console)


def kind(source: str) -> Kind:
    """What `source` is, without reading it: a caller can tell whether it needs a `preprocess`.

    A name goes before a folder of that name: ./digits is the folder. Raises DataError when it is none of them.
    """
    path = Path(source)
    if source in NAMES:
        return "digits" if source == digits.NAME else "truth" if source in truth.TABLES else "mnist"
    if path.is_dir():
        return "idx" if mnist.is_complete(path) else "folder"
    if path.is_file() and path.suffix.lower() in FILES:
        return FILES[path.suffix.lower()]
    close = difflib.get_close_matches(source.lower(), NAMES, n=1, cutoff=0.5)
    came = "is a file of another kind" if path.is_file() else "is none of them"
    raise DataError(
        f"expected a dataset ({', '.join((digits.NAME, *mnist.SOURCES))}, a folder of pictures, a .npz or .csv file, a "
        f"truth table: {'|'.join(truth.TABLES)}), {source!r} {came}: "
        f"{f'did you mean {close[0]}?' if close else 'check the path'}"
    )


def data_folder(option: Path | None = None) -> Path:
    """Where downloads go: --data-dir, else NUMSERVE_DATA, else the user's cache folder."""
    if option is None and (setting := os.environ.get("NUMSERVE_DATA")):
        return Path(setting)
    if option is None:
        import pooch  # a twentieth of a second that only those without a folder of their own need

        return Path(pooch.os_cache("numserve"))
    return option


def pictures_folder() -> Path:
    """Where the decoded pictures of folders are kept. Who deletes it loses time, and nothing else."""
    return data_folder() / "pictures"


def fetch(name: str, data_dir: Path | None = None, console: Console | None = None) -> Path:
    """Downloads mnist or fashion-mnist, unless it is there, and returns its folder. Raises DownloadError."""
    if name not in mnist.SOURCES:
        raise DataError(f"expected {' or '.join(mnist.SOURCES)}, {name!r} is not to be downloaded: choose one of them")
    target = data_folder(data_dir)
    return mnist.find(name, target) or mnist.fetch(name, target, console or Console(stderr=True))


@dataclass(frozen=True)
class Entry:
    """A line of `datasets`. shape: (C, H, W) or (D,); place: where it is, or how to get it."""

    name: str
    about: str
    train: int
    test: int
    shape: tuple[int, ...]
    labels: tuple[str, ...]
    here: bool
    place: str


def listing(data_dir: Path | None = None) -> list[Entry]:
    """The datasets that have a name, for `datasets` to show. Reads nothing but what tells where they are."""
    target = data_folder(data_dir)
    bundled = Entry(digits.NAME, digits.ABOUT, 1437, 360, (1, 8, 8), digits.LABELS, True, "inside scikit-learn")
    tables = [
        Entry(name, f"truth table of {name.upper()}", 4, 4, (2,), truth.LABELS, True, "always there")
        for name in truth.TABLES
    ]
    return [bundled, *(_entry(source, target) for source in mnist.SOURCES.values()), *tables]


def _entry(source: mnist.Source, target: Path) -> Entry:
    found = mnist.find(source.name, target)
    place = str(found) if found else f"python -m pipeline fetch {source.name}"
    return Entry(source.name, source.about, 60_000, 10_000, (1, 28, 28), source.labels, found is not None, place)


def _existing(data_dir: Path | None) -> Path:
    """A --data-dir that is not there is a slip of the pen, not a wish for a download."""
    if data_dir is not None and not data_dir.is_dir():
        raise DataError(f"{data_dir}: expected a folder, there is none: check --data-dir, or fetch into it first")
    return data_folder(data_dir)


def _load_folder(path: Path, seed: int, preprocess: Preprocess | None, pictures: Pictures, console: Console) -> Dataset:
    if preprocess is None:
        raise TypeError("a folder of pictures needs a preprocess: load(…, preprocess=…)")
    with progress(console, f"reading {path}", "pictures") as report:
        return folder.load(path, preprocess, pictures, pictures_folder(), seed, lambda line: say(console, line), report)
