"""Where a training stands, on disk: all it takes to go on, to the very bits of a training that nothing interrupted.

A checkpoint is a file, <steps>.checkpoint: a line with the SHA-256 of all that follows, a line of JSON that says the
place in the training, and the arrays as an .npz. Generators have no state to be kept: chance is drawn from the seed and
the place in the training. The optimizer's count of steps and the place in the schedule follow from the place as well.
"""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np

from pipeline import files
from pipeline.network.layer import Array

History = list[dict[str, float]]
KEPT = 2  # checkpoints, the newest
FORMAT = 1


@dataclass
class Means:
    """The running means of an epoch."""

    examples: int = 0
    loss: float = 0.0
    accuracy: float = 0.0

    def add(self, n: int, loss: float, right: int) -> None:
        """A batch of n examples, with its mean loss and its right answers."""
        self.examples += n
        self.loss += (loss - self.loss) * n / self.examples
        self.accuracy += (right / n - self.accuracy) * n / self.examples


@dataclass
class Place:
    """A place in a training: the lines of the finished epochs, and what there is of the epoch under way.

    step: steps taken in that epoch; means: over them; seconds: that they took.
    """

    history: History = field(default_factory=list)
    step: int = 0
    means: Means = field(default_factory=Means)
    seconds: float = 0.0


@dataclass(frozen=True)
class Checkpoint:
    """steps: taken in all; arrays: those of `descent.state`, parameters and what the optimizer remembers."""

    place: Place
    steps: int
    arrays: dict[str, Array]

    def encode(self) -> bytes:
        """As the content of a file."""
        arrays = io.BytesIO()
        np.savez(arrays, allow_pickle=False, **self.arrays)
        head = {"format": FORMAT, "steps": self.steps, "place": asdict(self.place)}
        content = json.dumps(head).encode() + b"\n" + arrays.getvalue()
        return sha256(content).hexdigest().encode() + b"\n" + content

    @classmethod
    def decode(cls, file: bytes) -> "Checkpoint":
        """The checkpoint that `encode` made this of. ValueError if it is torn, or anything else."""
        checksum, _, content = file.partition(b"\n")
        if checksum != sha256(content).hexdigest().encode():
            raise ValueError("its SHA-256 is not that of its content")
        line, _, arrays = content.partition(b"\n")
        head = json.loads(line)
        if head["format"] != FORMAT:
            raise ValueError(f"its format is {head['format']}, expected {FORMAT}")
        place = Place(**{**head["place"], "means": Means(**head["place"]["means"])})
        with np.load(io.BytesIO(arrays), allow_pickle=False) as saved:
            return cls(place, head["steps"], dict(saved))


class Checkpoints:
    """The checkpoints of one run, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep it: written beside, flushed and renamed. What is older than the last KEPT goes. OSError if it cannot."""
        self.folder.mkdir(exist_ok=True)
        files.write(self.folder / f"{checkpoint.steps:09d}.checkpoint", checkpoint.encode())
        for old in self._paths()[KEPT:]:
            old.unlink()
        for torn in self.folder.glob(".*"):  # of a process that was killed while it wrote
            torn.unlink()

    def newest(self, tell: Callable[[str], object]) -> Checkpoint | None:
        """The newest that is whole; `tell` is told of each that is not. None if there is none."""
        return next(self._good(tell), None)

    def _good(self, tell: Callable[[str], object]) -> Iterator[Checkpoint]:
        for path in self._paths():
            try:
                yield Checkpoint.decode(path.read_bytes())
            except (OSError, ValueError) as error:
                tell(f"{path}: passed over, this checkpoint is damaged ({error})")

    def _paths(self) -> list[Path]:
        """The newest first."""
        return sorted(self.folder.glob("*.checkpoint"), reverse=True)
