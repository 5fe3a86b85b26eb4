"""Logs as JSON on stdout, one object a line: every request, and whatever else the service has to say.

A thread writes the lines, several at once. A request is never held up by whoever reads them: when a reader is too slow
the oldest lines are dropped, and a line says how many.
"""

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from time import time

STDOUT = 1
PAUSE_SECONDS = 0.05
MOST_LINES = 10_000
# A pipe takes so much in one piece, even when several processes write to it (PIPE_BUF).
PIECE = 4096
quoted = json.encoder.encode_basestring_ascii


class Writer:
    """Lines on their way out. `write` costs a request less than a microsecond."""

    def __init__(self, descriptor: int = STDOUT) -> None:
        self.descriptor = descriptor
        self.lines: deque[str] = deque()
        self.dropped = 0
        self.lock = threading.Lock()

    def start(self) -> None:
        threading.Thread(target=self.run, name="log-writer", daemon=True).start()

    def write(self, line: str) -> None:
        if len(self.lines) >= MOST_LINES:
            self.dropped += 1
            return
        self.lines.append(line)

    def run(self) -> None:
        pause = threading.Event()
        while not pause.wait(PAUSE_SECONDS):
            self.flush()

    def flush(self) -> None:
        """Write what is there. One thread at a time, so that lines stay whole."""
        with self.lock:
            ready = [self.lines.popleft() for _ in range(len(self.lines))]
            if self.dropped:
                ready.append(f'{{"time": "{stamp(time())}", "level": "warning", "dropped_lines": {self.dropped}}}\n')
                self.dropped = 0
            for piece in pieces(ready):
                write_all(self.descriptor, piece)


def pieces(lines: list[str]) -> Iterator[bytes]:
    """The lines together, in pieces of at most PIECE bytes; a longer line is a piece of its own."""
    piece = b""
    for line in lines:
        data = line.encode()
        if piece and len(piece) + len(data) > PIECE:
            yield piece
            piece = b""
        piece += data
    if piece:
        yield piece


def write_all(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:  # nobody reads the log any more, which is no reason to stop serving
        pass


@lru_cache(2)
def second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def stamp(now: float) -> str:
    """A time as RFC 3339 has it, to the millisecond, in UTC."""
    whole = int(now)
    return f"{second(whole)}.{int((now - whole) * 1000):03d}Z"


class JSONFormatter(logging.Formatter):
    """What the service says through `logging`, in the shape of its request lines."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": stamp(record.created),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "pid": record.process,
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)


class JSONHandler(logging.Handler):
    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self.writer = writer
        self.setFormatter(JSONFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.writer.write(self.format(record) + "\n")

    def flush(self) -> None:
        self.writer.flush()
