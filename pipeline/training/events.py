"""Event files for TensorBoard: what a training does, to be looked at while it does it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.errors import TrainingError
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.loop import Progress, Watcher
from pipeline.training.run import Run

STEPS = 50  # between two points of the curve of the running epoch


class Events(Watcher):
    """Writes loss and accuracy of the running epoch every STEPS steps, and all of its line after each epoch."""

    def __init__(self, writer: Any) -> None:
        self.writer = writer
        self.steps = 0

    def stepped(self, progress: Progress, checkpoint: Callable[[], Checkpoint]) -> None:
        """After each step."""
        self.steps = progress.epoch * progress.steps + progress.step + 1
        if self.steps % STEPS == 0:
            self.writer.add_scalar("running/loss", progress.loss, self.steps)
            if progress.accuracy is not None:
                self.writer.add_scalar("running/accuracy", progress.accuracy, self.steps)

    def finished_epoch(self, line: dict[str, float]) -> None:
        """After each epoch."""
        for name, value in line.items():
            if name != "epoch":
                self.writer.add_scalar(f"epoch/{name}", value, int(line["epoch"]))
        self.writer.flush()


@contextmanager
def events(run: Run, wanted: bool) -> Iterator[list[Watcher]]:
    """The watcher that writes them into the run's tensorboard/, or none. TrainingError if the writer is missing."""
    if not wanted:
        yield []
        return
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise TrainingError(
            "--tensorboard needs the package tensorboardX: pip install 'numserve[pipeline,tensorboard]'"
        ) from error
    with SummaryWriter(str(run.folder / "tensorboard")) as writer:
        yield [Events(writer)]
