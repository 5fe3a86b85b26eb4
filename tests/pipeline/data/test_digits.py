import numpy as np

from pipeline.data import digits
from pipeline.data.dataset import Split
from pipeline.data.digest import digest


def test_digits():
    data = digits.load()
    assert data.train.X.shape == (1437, 1, 8, 8)
    assert data.test.X.shape == (360, 1, 8, 8)
    assert data.train.X.dtype == np.uint8
    assert data.train.X.max() == 255
    assert data.labels == tuple("0123456789")
    assert data.pictures == "ink"
    assert data.shape == (1, 8, 8)
    assert np.bincount(data.test.labels).min() >= 35


def test_digits_are_the_same_for_everybody():
    assert digits.load().sha256 == "954efb14c510365b0ae9baed72c428ae19f3a7bc3579fc96f2ab8a6004fa67a1"


def test_the_digest_covers_everything():
    X, y = np.arange(24, dtype=np.uint8).reshape(6, 1, 2, 2), np.array([0, 1, 0, 1, 0, 1])
    one, two = Split(X[:4], y[:4]), Split(X[4:], y[4:])
    digests = [
        digest(one, two, ("ab", "c")),
        digest(one, two, ("a", "bc")),
        digest(two, one, ("ab", "c")),
        digest(Split(X[:4].reshape(4, 1, 1, 4), y[:4]), two, ("ab", "c")),
        digest(Split(X[:4], y[1:5]), two, ("ab", "c")),
        digest(Split(X[:4].astype(np.float32), y[:4]), two, ("ab", "c")),
    ]
    assert len(set(digests)) == len(digests)


def test_the_digest_knows_no_memory_layout():
    X, y = np.arange(24, dtype=np.uint8).reshape(6, 1, 2, 2), np.array([0, 1, 0, 1, 0, 1])
    strange = Split(np.asfortranarray(X), y.astype(">i8"))
    assert digest(strange, strange, ("a", "b")) == digest(Split(X, y), Split(X, y), ("a", "b"))


def test_the_digest_is_the_same_by_pieces(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (50, 1, 5, 3), np.uint8), np.arange(50) % 3
    for pixels in (X, np.asfortranarray(X), X.astype(">f4"), X[:0]):
        split = Split(pixels, y)
        whole = digest(split, split, ("a", "b", "c"))
        for size in (1, 37, 1000):
            with monkeypatch.context() as patch:
                patch.setattr("pipeline.data.digest.BLOCK", size)
                assert digest(split, split, ("a", "b", "c")) == whole
