"""API keys: a file with one key a line, read again whenever it changes.

Blank lines and lines that begin with # are left out. Keys are kept and compared as SHA-256, all of them each time, so
that the time an answer takes tells nothing of them.
"""

import hashlib
import hmac
import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


class Keys:
    """The keys that `path` holds now. Any number of threads may ask."""

    def __init__(self, path: Path) -> None:
        """Raises OSError when the file cannot be read."""
        self.path = path
        self.state = file_state(path)
        self.digests = read_keys(path)

    def accept(self, key: str) -> bool:
        """Whether `key` is one of them."""
        self.follow()
        digest, found = digest_of(key.encode("latin-1", "replace")), False
        for each in self.digests:
            found |= hmac.compare_digest(each, digest)
        return found

    def follow(self) -> None:
        """Read the file again if it is another one; when it cannot be read, the keys that were read last stay."""
        try:
            state = file_state(self.path)
            if state != self.state:
                self.digests, self.state = read_keys(self.path), state
                log.info("%d API keys are accepted now", len(self.digests))
        except OSError as error:
            if self.state is not None:
                log.error("the API keys cannot be read again: %s; those read before stay", error)
            self.state = None


def read_keys(path: Path) -> tuple[bytes, ...]:
    """The SHA-256 of each key in the file."""
    lines = (line.strip() for line in path.read_bytes().splitlines())
    return tuple(digest_of(line) for line in lines if line and not line.startswith(b"#"))


def digest_of(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def file_state(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file does."""
    stat = os.stat(path)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
