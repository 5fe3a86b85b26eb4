"""A checkpoint comes back as it was, or is passed over; and a training that goes on from one ends at the same bits."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import TrainingError
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.checkpoint import Checkpoint, Checkpoints, Means, Place
from pipeline.training.loop import Progress, Watcher, fit
from pipeline.training.recipe import Recipe

rng = np.random.default_rng(1)
DATA = {
    "X": rng.integers(0, 256, (150, 1, 5, 5), np.uint8),
    "labels": rng.integers(0, 3, 150),
    "learn": np.arange(0, 130),
    "look": np.arange(130, 150),
}
TEXT = "INPUT 1x5x5 -> CONV 2@3x3 relu -> DROPOUT 0.2 -> FC 3 softmax"
RECIPE = Recipe(TEXT, epochs=3, batch_size=40, average=0.9, augment="affine", label_smoothing=0.1, weight_decay=0.01)
LINE = {"epoch": 1, "train_loss": 0.1 + 0.2, "validation_loss": 1 / 3}


def checkpoint(steps: int = 7) -> Checkpoint:
    arrays = {"theta": np.linspace(-1, 1, 5, dtype=np.float32), "memory": np.ones((2, 5), np.float32)}
    return Checkpoint(Place([LINE], 3, Means(120, 1 / 7, 2 / 3), 1.25), steps, arrays)


def same(one: Checkpoint, other: Checkpoint) -> bool:
    return (one.place, one.steps) == (other.place, other.steps) and all(
        (one.arrays[name] == other.arrays[name]).all() for name in one.arrays | other.arrays
    )


@pytest.fixture
def kept(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")


# ---------------------------------------------------------------- on disk
def test_it_comes_back_to_the_last_bit(kept: Checkpoints) -> None:
    kept.save(checkpoint())
    assert same(kept.newest(pytest.fail), checkpoint())


def test_the_last_two_are_kept(kept: Checkpoints) -> None:
    for steps in (8, 9, 10, 100):
        kept.save(checkpoint(steps))
    assert sorted(path.name for path in kept.folder.iterdir()) == ["000000010.checkpoint", "000000100.checkpoint"]
    assert kept.newest(pytest.fail).steps == 100


def test_none_is_there_yet(kept: Checkpoints) -> None:
    assert kept.newest(pytest.fail) is None


@pytest.mark.parametrize("damage", ["torn", "empty", "head", "checksum", "arrays", "more", "folder"])
def test_one_that_is_damaged_is_named_and_passed_over(kept: Checkpoints, damage: str) -> None:
    kept.save(checkpoint(7))
    kept.save(checkpoint(8))
    path = kept.folder / "000000008.checkpoint"
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        at = {"head": 80, "checksum": 3, "arrays": len(content) // 2}.get(damage)
        if at is not None:
            content[at] ^= 1
        cut = {"torn": len(content) // 2, "empty": 0}.get(damage, len(content))
        path.write_bytes(content[:cut] + (b"!" if damage == "more" else b""))
    said: list[str] = []
    assert kept.newest(said.append).steps == 7
    assert len(said) == 1
    assert f"{path}: passed over, this checkpoint is damaged" in said[0]


def test_every_single_byte_counts() -> None:
    content = checkpoint().encode()
    for at in range(0, len(content), 7):
        with pytest.raises(ValueError, match="SHA-256"):
            Checkpoint.decode(content[:at] + bytes([content[at] ^ 64]) + content[at + 1 :])


def test_what_a_killed_writer_left_goes_with_the_next(kept: Checkpoints) -> None:
    kept.save(checkpoint(7))
    (kept.folder / ".000000008.checkpoint-123").write_bytes(b"half")
    kept.save(checkpoint(9))
    assert not list(kept.folder.glob(".*"))


def test_a_full_disk_leaves_the_last_one_whole(kept: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.save(checkpoint(7))

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        kept.save(checkpoint(8))
    assert [path.name for path in kept.folder.iterdir()] == ["000000007.checkpoint"]
    assert same(kept.newest(pytest.fail), checkpoint(7))


# ---------------------------------------------------------------- going on
CLOCK = ("seconds", "images_per_second")


def clockless(lines: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{name: value for name, value in line.items() if name not in CLOCK} for line in lines]


class Collects(Watcher):
    """All checkpoints of a training, as they come back from disk, but for the time they took."""

    def __init__(self) -> None:
        self.found: list[Checkpoint] = []

    def stepped(self, progress: Progress, checkpoint: Callable[[], Checkpoint]) -> None:
        found = Checkpoint.decode(checkpoint().encode())
        found.place.seconds, found.place.history = 1.0, clockless(found.place.history)
        self.found.append(found)


def trained(
    recipe: Recipe, workers: int = 1, start: Checkpoint | None = None
) -> tuple[bytes, object, list[Checkpoint]]:
    """Parameters, history without the clock, and the checkpoint after every step."""
    network, watcher = Network(parse(recipe.architecture), (1, 5, 5)), Collects()
    history = fit(network, (1, 5, 5), DATA, recipe, workers, [watcher], start=start)
    return network.theta.tobytes(), clockless(history), watcher.found


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"optimizer": "sgd", "average": 0.0, "batch_size": "full"},
        {"optimizer": "momentum", "schedule": "cosine"},
        {"optimizer": "nesterov", "stop_at": 0.99},
        {"patience": 2, "learning_rate": 0.3, "epochs": 8},
        {"patience": 1, "average": 0.0, "learning_rate": 0.3, "epochs": 8},
    ],
    ids=str,
)
def test_going_on_from_any_step_ends_at_the_same_bits(change: dict[str, object]) -> None:
    recipe = replace(RECIPE, **change)
    theta, history, checkpoints = trained(recipe)
    assert [found.steps for found in checkpoints] == list(range(1, len(checkpoints) + 1))
    for start in checkpoints:
        assert trained(recipe, start=start)[:2] == (theta, history)
    again = trained(recipe, start=checkpoints[2])[2]
    assert all(map(same, again, checkpoints[3:])), "and every step on the way is the same"


def test_with_other_workers() -> None:
    theta, history, checkpoints = trained(RECIPE)
    assert trained(RECIPE, 2, checkpoints[5])[:2] == (theta, history)
    assert all(map(same, trained(RECIPE, 3)[2], checkpoints)), "whatever the others do meanwhile"


def test_a_checkpoint_is_not_moved_on_by_the_training() -> None:
    _, _, checkpoints = trained(RECIPE)
    before = checkpoints[4].encode()
    trained(RECIPE, start=checkpoints[4])
    assert checkpoints[4].encode() == before


def test_one_of_another_training_is_refused() -> None:
    with pytest.raises(TrainingError, match="the checkpoint is of another training: expected arrays"):
        trained(RECIPE, start=checkpoint())


def test_patience_keeps_the_best() -> None:
    recipe = replace(RECIPE, patience=2, learning_rate=0.3, epochs=30, average=0.0)
    theta, history, checkpoints = trained(recipe)
    losses = [line["validation_loss"] for line in history]
    best = losses.index(min(losses))
    assert best == len(losses) - 3 < 27, "it ended two epochs after the best"
    after = checkpoints[(best + 1) * 4 - 1]
    assert theta == after.arrays["theta"].tobytes(), "and the network is that of the best"
    assert theta != checkpoints[-1].arrays["theta"].tobytes()
