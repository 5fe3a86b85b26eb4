"""Files that are whole or not there: written beside, flushed to disk, renamed."""

import hashlib
import os
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


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
