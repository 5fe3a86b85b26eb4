"""Keeps a training on record while it runs: a line of history for each epoch, a checkpoint now and then."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.interruption import Interruption
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.loop import Progress, Watcher
from pipeline.training.run import Run


@dataclass(frozen=True)
class Every:
    """How often a checkpoint is written: after so many steps, or so many seconds."""

    number: float
    unit: str  # "steps" or "s"


class Recorder(Watcher):
    """What a run keeps of its training. It also ends it when that is wanted, with a checkpoint of the last step."""

    def __init__(self, run: Run, every: Every, interruption: Interruption) -> None:
        self.run, self.every, self.interruption = run, every, interruption
        self.steps, self.time = 0, time.monotonic()  # since the last checkpoint

    def stepped(self, progress: Progress, checkpoint: Callable[[], Checkpoint]) -> None:
        """After each step."""
        self.steps += 1
        wanted = self.interruption.wanted
        if wanted or self.due():
            self.run.checkpoints.save(checkpoint())
            self.steps, self.time = 0, time.monotonic()
        if wanted:
            raise KeyboardInterrupt

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        since = self.steps if self.every.unit == "steps" else time.monotonic() - self.time
        return since >= self.every.number

    def finished_epoch(self, line: dict[str, float]) -> None:
        """After each epoch."""
        self.run.append_history(line)
