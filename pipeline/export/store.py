"""The model store, as the pipeline sees it: what is in it, and how a version gets there.

`models/README.md` is the contract. A version is written beside its place, flushed to disk and renamed: a reader sees
all of it or nothing.
"""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.errors import StoreError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
VERSION = re.compile(r"[1-9]\d{0,8}")
PUBLISHING = ".publishing-"
MOMENT = 1.0  # seconds, in which a folder that was just made may not be held yet
FOLDER, FILE = 0o755, 0o644  # whatever the umask: the service may run as another user


def check_name(name: str) -> None:
    """StoreError unless `name` can be a model's."""
    if not NAME.fullmatch(name):
        raise StoreError(f"“{name}” cannot be a model's name: expected letters, digits, “.”, “_”, “-”, at most 64")


def names(store: Path) -> list[str]:
    """The models in the store that have at least one version."""
    if not store.is_dir():
        raise StoreError(f"{store}: expected a model store, there is no such folder; `pipeline train` makes one")
    return sorted(entry.name for entry in store.iterdir() if NAME.fullmatch(entry.name) and versions(store, entry.name))


def versions(store: Path, name: str) -> list[int]:
    """The versions of a model, the oldest first."""
    folder = store / name
    if not folder.is_dir():
        return []
    return sorted(int(entry.name) for entry in folder.iterdir() if VERSION.fullmatch(entry.name) and entry.is_dir())


def promoted(store: Path, name: str) -> int | None:
    """The version that `promote` chose; None where the newest is served."""
    try:
        text = (store / name / "current").read_text().strip()
    except FileNotFoundError:
        return None
    if not VERSION.fullmatch(text):
        raise StoreError(f"{store / name / 'current'}: expected the number of a version, got “{text[:20]}”")
    return int(text)


def current(store: Path, name: str) -> int:
    """The version that is served: the promoted one, else the newest. StoreError if the model is unknown."""
    have = versions(store, name)
    if not have:
        raise StoreError(f"{store}: no model “{name}” there; expected one of: {', '.join(names(store)) or 'none yet'}")
    return promoted(store, name) or have[-1]


def folder(store: Path, name: str, version: int) -> Path:
    """Where a version is. StoreError if there is no such version."""
    current(store, name)
    if version not in versions(store, name):
        listed = ", ".join(map(str, versions(store, name)))
        raise StoreError(f"{store / name}: no version {version} there; expected one of: {listed}")
    return store / name / str(version)


def manifest(store: Path, name: str, version: int) -> dict[str, Any]:
    """The manifest of a version. StoreError if it is missing or damaged."""
    path = folder(store, name, version) / "manifest.json"
    try:
        read = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: expected a manifest in JSON, but {error}; publish the version again") from error
    if not isinstance(read, dict):
        raise StoreError(f"{path}: expected a JSON object, got a {type(read).__name__}")
    return read


def labels(store: Path, name: str, version: int) -> list[str]:
    """The names of a version's classes, in the order of its outputs. StoreError if its manifest has none."""
    found = manifest(store, name, version).get("labels")
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        raise StoreError(f"{folder(store, name, version)}: expected a list of labels in its manifest, there is none")
    return found


def summary(store: Path, name: str, version: int) -> tuple[str, str, str, str]:
    """What `pipeline models` shows of a version: accuracy or R², parameters, size of its files, when it was made."""
    read = manifest(store, name, version)
    size = sum(path.stat().st_size for path in folder(store, name, version).rglob("*") if path.is_file())
    accuracy, r2 = (read.get("metrics", {}).get(name) for name in ("accuracy", "r2"))
    figure = f"{accuracy:.2%}" if isinstance(accuracy, float) else f"R² {r2:.4f}" if isinstance(r2, float) else "?"
    return (
        figure,
        f"{read.get('parameters', 0):,}",
        f"{size / 1e6:.2f} MB",
        str(read.get("created", "?")),
    )


def promote(store: Path, name: str, version: int | None) -> None:
    """Serve `version` by default from now on; None goes back to serving the newest."""
    with writing(store):
        if version is None:
            current(store, name)
            (store / name / "current").unlink(missing_ok=True)
            return
        folder(store, name, version)
        files.write(store / name / "current", f"{version}\n".encode())
        (store / name / "current").chmod(FILE)


def publish(store: Path, name: str, fill: Callable[[Path, int], None]) -> int:
    """Publish the next version of a model: `fill(folder, version)` writes its files. Returns its number.

    Raises StoreError, and leaves the store as it was, when the name is not one, or the disk is full or read-only.
    """
    check_name(name)
    with writing(store):
        with suppress(FileExistsError):
            (store / name).mkdir(parents=True)
            (store / name).chmod(FOLDER)
        _sweep(store / name)
        beside = Path(tempfile.mkdtemp(prefix=PUBLISHING, dir=store / name))
        try:
            with files.held(beside):
                return _place(store / name, beside, fill)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            with suppress(OSError):
                (store / name).rmdir()  # which only an empty folder lets happen


def _sweep(home: Path) -> None:
    """Remove what publications that were killed have left: nobody holds it any more."""
    for left in home.glob(f"{PUBLISHING}*"):
        if time.time() - left.stat().st_mtime > MOMENT:
            with suppress(OSError), files.held(left):
                shutil.rmtree(left)


def _place(home: Path, beside: Path, fill: Callable[[Path, int], None]) -> int:
    while True:
        version = max(versions(home.parent, home.name), default=0) + 1
        fill(beside, version)
        for path in [*beside.rglob("*"), beside]:
            path.chmod(FOLDER if path.is_dir() else FILE)
            files.flush(path)
        try:
            beside.rename(home / str(version))
        except OSError:
            if (home / str(version)).exists():  # somebody else published in between: take the next number
                continue
            raise
        files.flush(home)
        return version


@contextmanager
def writing(store: Path) -> Iterator[None]:
    """Turns what the operating system says of the store into a StoreError."""
    try:
        yield
    except OSError as error:
        what = error.filename or store
        raise StoreError(
            f"{store}: cannot write to the model store ({error.strerror or error}: {what}); nothing was published:"
            " free some space or make it writable, or choose another --store"
        ) from error
