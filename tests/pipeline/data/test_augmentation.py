"""Augmentation: what may move does, by as much as is said, and nothing else happens."""

import numpy as np
import pytest

from pipeline.buffers import Buffers
from pipeline.data import augmentation
from pipeline.data.augmentation import AUGMENTATIONS

MOVES = [name for name in AUGMENTATIONS if name != "none"]
STILL = {"ROTATION": 0, "SCALE": 0, "SHEAR": 0, "SHIFT": 0, "BEND": 0, "PEN": (0, 0)}


def blobs(n: int, size: int = 28, channels: int = 1) -> np.ndarray:
    """A smooth bright spot in the middle of each picture."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    spot = 255 * np.exp(-(y**2 + x**2) / (2 * (size / 9) ** 2))
    return np.broadcast_to(spot.astype(np.uint8), (n, channels, size, size)).copy()


def augmented(name: str, X: np.ndarray, seed: int = 1) -> np.ndarray:
    return AUGMENTATIONS[name](X, np.random.default_rng(seed), Buffers())


def centres(X: np.ndarray) -> np.ndarray:
    """Centre of mass (y, x) of each picture, from the middle."""
    weights = X.sum(axis=1, dtype=float)
    weights /= weights.sum(axis=(1, 2), keepdims=True)
    along = np.arange(X.shape[2]) - (X.shape[2] - 1) / 2
    return np.stack([(weights.sum(axis=2) * along).sum(axis=1), (weights.sum(axis=1) * along).sum(axis=1)], axis=1)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing moves, until a test lets it."""
    for name, value in STILL.items():
        monkeypatch.setattr(augmentation, name, value)
    return monkeypatch


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("shape", [(5, 1, 28, 28), (2, 3, 32, 20), (1, 1, 8, 8), (3, 1, 1, 5)])
def test_pictures_stay_pictures_and_are_not_written_over(name: str, shape: tuple[int, ...]) -> None:
    X = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    before = X.copy()
    Y = augmented(name, X)
    assert Y.shape == shape
    assert Y.dtype == np.uint8
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("name", MOVES)
def test_the_same_chance_gives_the_same_pictures_and_other_chance_others(name: str) -> None:
    X = blobs(4)
    np.testing.assert_array_equal(augmented(name, X), augmented(name, X))
    assert (augmented(name, X, 2) != augmented(name, X)).any()
    assert len({picture.tobytes() for picture in augmented(name, X)}) == 4, "each is moved for itself"


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_where_nothing_may_move_nothing_does(name: str, still: pytest.MonkeyPatch) -> None:
    X = np.random.default_rng(4).integers(0, 256, (6, 2, 28, 20), np.uint8)
    np.testing.assert_array_equal(augmented(name, X), X)


@pytest.mark.parametrize("name", MOVES)
def test_shifts_are_as_far_as_is_said(name: str, still: pytest.MonkeyPatch) -> None:
    still.setattr(augmentation, "SHIFT", 0.1)
    moved = centres(augmented(name, blobs(500)))
    assert np.abs(moved).max() <= 2.8 + 0.1
    assert np.abs(moved).max() > 2.5
    assert np.abs(moved.mean(axis=0)).max() < 0.3


def test_bends_are_as_large_as_is_said(still: pytest.MonkeyPatch) -> None:
    """A spot small against the smoothness moves with the field at its place."""
    still.setattr(augmentation, "BEND", 0.05)
    still.setattr(augmentation, "SMOOTH", 0.6)
    augmentation._plane_and_bumps.cache_clear()
    moved = centres(augmented("elastic", blobs(2_000)))
    augmentation._plane_and_bumps.cache_clear()
    np.testing.assert_allclose(moved.std(axis=0), 0.05 * 28, rtol=0.1)


def test_a_wider_pen_fills_and_a_narrower_one_leaves_out(still: pytest.MonkeyPatch) -> None:
    X = np.zeros((200, 1, 9, 9), np.uint8)
    X[:, :, 3:6, 3:6] = 200
    for reach, around, edge in (((1, 1), 200, 200), ((-1, -1), 0, 0), ((0.5, 0.5), 100, 200), ((-0.5, -0.5), 0, 100)):
        still.setattr(augmentation, "PEN", reach)
        Y = augmented("elastic", X)
        assert (Y[:, 0, 2, 4] == around).all()
        assert (Y[:, 0, 3, 4] == edge).all()
        assert (Y[:, 0, 4, 4] == 200).all()


def test_a_slant_moves_what_is_up_and_what_is_down_apart(still: pytest.MonkeyPatch) -> None:
    still.setattr(augmentation, "SHEAR", 0.3)
    X = np.zeros((300, 1, 21, 21), np.uint8)
    X[:, :, (3, 17), 10] = 255
    Y = augmented("affine", X).astype(float)[:, 0]
    along = np.arange(21) - 10
    up, down = ((Y[:, row] * along).sum(axis=1) / Y[:, row].sum(axis=1) for row in (3, 17))
    np.testing.assert_allclose(up, -down, atol=0.05)
    assert 0.3 * 7 * 0.9 < np.abs(up).max() <= 0.3 * 7 + 0.05
