"""Ctrl-C and SIGTERM, which is how `docker stop` and job schedulers ask a process to end.

Both raise KeyboardInterrupt wherever the command is, but for a training: there the first one waits for the step under
way, so that a checkpoint can be written, though not for longer than GRACE. A second one does not wait.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

GRACE = 3.0  # seconds for the step under way; docker kills after ten, and five are promised
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """wanted: whether one of the signals has come."""

    def __init__(self) -> None:
        self.wanted = False
        self.number = int(signal.SIGINT)

    @property
    def exit_code(self) -> int:
        """As shells say it: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.number

    @contextmanager
    def heard(self) -> Iterator[None]:
        """While the block lasts, the signals raise KeyboardInterrupt."""
        with _handlers(self._raise, *SIGNALS):
            yield

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """While the block lasts, they only set `wanted`, and raise when GRACE is over or another one comes."""
        self.wanted = False
        with _handlers(self._note, *SIGNALS), _handlers(self._raise, signal.SIGALRM):
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.wanted:
            self._raise(number, frame)
        self.wanted, self.number = True, number
        signal.setitimer(signal.ITIMER_REAL, GRACE)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGALRM:
            self.number = number
        raise KeyboardInterrupt


@contextmanager
def _handlers(handler: Any, *numbers: int) -> Iterator[None]:
    heeded = (number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN)
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


interruption = Interruption()  # of the process: there is one for all of it
