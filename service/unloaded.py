"""Which models were unloaded by hand: an empty file for each, in the folder that the workers share.

Making a file and removing one are each one step for every process, so there is nothing to lock. The store itself is
never written to, and what was unloaded is back when the service starts again.
"""

import os
from pathlib import Path


class Unloaded:
    """The names that are not served though they are in the store. Without a folder, those of this process alone."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder and folder / "unloaded"
        self.alone: set[str] = set()
        if self.folder:
            self.folder.mkdir(exist_ok=True)

    def names(self) -> frozenset[str]:
        return frozenset(os.listdir(self.folder) if self.folder else self.alone)

    def add(self, name: str) -> None:
        """`name` must be that of a model in the store, which is fit for a file too."""
        self.alone.add(name)
        if self.folder:
            (self.folder / name).touch()

    def discard(self, name: str) -> None:
        """`name` must be among `names`."""
        self.alone.discard(name)
        if self.folder:
            (self.folder / name).unlink(missing_ok=True)
