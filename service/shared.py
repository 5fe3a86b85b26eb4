"""A folder for what the workers of one service share while it runs: which models are unloaded, and what was asked.

The main process makes it before it starts workers, and removes it at the end. Nobody may write into the store, and a
folder, unlike a pipe or a lock, is reached by its name from whatever worker is started later.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from service.errors import ServiceError

# Memory, and writable even in a container whose root is read-only.
MEMORY = "/dev/shm"


@contextmanager
def shared_folder() -> Iterator[Path]:
    """The folder, for this user only, until the block ends. Raises ServiceError when there is no place for it."""
    place = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
    try:
        folder = TemporaryDirectory(prefix="numserve-", dir=place, ignore_cleanup_errors=True)
    except OSError as error:
        raise ServiceError(
            f"no folder for what the workers share: {error}; set TMPDIR to one that can be written"
        ) from None
    with folder as path:
        yield Path(path)
