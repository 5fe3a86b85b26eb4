"""Files that are whole or not there: written beside, flushed to disk, renamed. And files that one process holds."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path`; whoever reads it finds the old file or the new one, never a part."""
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        beside.write_bytes(content)
        flush(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    flush(path.parent)


def flush(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a folder, or a file, which is made if need be, until the block or the process ends, however that ends.

    BlockingIOError if another process holds it.
    """
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
