"""The model store on disk: what stands there, which version is wanted, and the verified bytes of its files.

    models/<name>/<version>/manifest.json, model.onnx, …      version: 1, 2, 3 …
    models/<name>/current                                     optional: the version to serve (else the newest)

Publishing renames a whole folder into place, so a version is complete or not there. Whatever is not a number,
such as the `.publishing-…` of a job at work, is none of our business.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.errors import BrokenVersion, ServiceError
from service.manifest import Manifest, parse_manifest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
NUMBER = re.compile(r"[1-9][0-9]{0,8}")
# Which files these are, and whether one has changed: name, inode, size and time of change of each.
Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Listing:
    """One model as it stands in the store. wanted: the version that should be served, None when there is none.

    pointer: the text of the file `current`, None when there is no such file.
    """

    name: str
    versions: Mapping[int, Signature]
    pointer: str | None

    @property
    def wanted(self) -> int | None:
        if self.pointer is not None and NUMBER.fullmatch(self.pointer):
            return int(self.pointer)
        return max(self.versions, default=None)


@dataclass(frozen=True)
class Version:
    """A version whose manifest has been read. Its other files are verified when they are."""

    name: str
    number: int
    path: Path
    manifest: Manifest

    def read(self, file: str) -> bytes:
        """The bytes of `file`, which are those that the manifest has the SHA-256 of; else BrokenVersion."""
        if file not in self.manifest.files:
            raise BrokenVersion(f"manifest.json has no SHA-256 of {file}")
        data = read_bytes(self.path / file)
        if hashlib.sha256(data).hexdigest() != self.manifest.files[file]:
            raise BrokenVersion(f"{file} is not the one that was published: its SHA-256 is not the manifest's")
        return data


class Store:
    """A folder of models. Reading it never changes it, so it may be mounted read-only."""

    def __init__(self, root: Path) -> None:
        """Raises ServiceError when `root` is not a folder that can be read."""
        self.root = root
        try:
            os.listdir(root)
        except OSError as error:
            reason = (error.strerror or "cannot be read").lower()
            raise ServiceError(f"the model store {str(root)!r} cannot be read: {reason}; see --store") from None

    def scan(self) -> dict[str, Listing]:
        """Every model by name, as it stands now; a few stat calls a version, nothing is opened but `current`."""
        names = sorted(entry.name for entry in os.scandir(self.root) if NAME.fullmatch(entry.name) and entry.is_dir())
        listings = (self.listing(name) for name in names)
        return {each.name: each for each in listings if each.versions or each.pointer is not None}

    def listing(self, name: str) -> Listing:
        folder = self.root / name
        numbers = sorted(int(entry) for entry in list_folder(folder) if NUMBER.fullmatch(entry))
        found = {number: signature(folder / str(number)) for number in numbers}
        return Listing(name, {number: files for number, files in found.items() if files is not None}, pointer(folder))

    def version(self, name: str, number: int) -> Version:
        """The version with its manifest read and checked. Raises BrokenVersion."""
        path = self.root / name / str(number)
        return Version(name, number, path, parse_manifest(read_bytes(path / "manifest.json"), name, number))


def list_folder(path: Path) -> list[str]:
    """The names in a folder; none when it went away a moment ago."""
    try:
        return os.listdir(path)
    except OSError:
        return []


def pointer(folder: Path) -> str | None:
    try:
        return (folder / "current").read_text(errors="replace").strip()
    except OSError:
        return None


def signature(path: Path) -> Signature | None:
    """What changes when a file of the folder does; None when this is no folder."""
    try:
        with os.scandir(path) as entries:
            stats = [(entry.name, entry.stat()) for entry in entries]
    except OSError:
        return None
    return tuple(sorted((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats))


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BrokenVersion(f"{path.name} cannot be read: {(error.strerror or 'unknown reason').lower()}") from None
