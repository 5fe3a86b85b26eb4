"""The check: what it counts and remarks is what is there."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from pipeline.data import arrays
from pipeline.data.check import Places, counts, load, places, remarks, sizes, worst
from pipeline.data.duplicates import exact
from pipeline.data.looks import look
from pipeline.errors import DataError


def examined(source, seed=0):
    return load(str(source), None, seed, Console(file=StringIO()))


def saved(path, count, size=(12, 10), seed=0):
    """Pictures of noise in a folder."""
    rng = np.random.default_rng([seed, *path.name.encode()])
    path.mkdir(parents=True, exist_ok=True)
    for at in range(count):
        Image.fromarray(rng.integers(0, 256, size, np.uint8)).save(path / f"{at}.png")


@pytest.fixture
def folder(tmp_path):
    for split, count in (("train", 30), ("test", 5)):
        for label in "ab":
            saved(tmp_path / "set" / split / label, count, seed=len(split))
    return tmp_path / "set"


def test_a_folder(folder):
    examples = examined(folder)
    assert examples.name == "set"
    assert examples.labels == ("a", "b")
    assert counts(examples).tolist() == [[30, 5], [30, 5]]
    assert examples.train == 60
    assert examples.names[0] == "train/a/0.png"
    assert examples.names[60] == "test/a/0.png"
    assert remarks(examples) == []
    assert examples.unreadable == []


def test_what_cannot_be_read_is_named_and_the_others_keep_their_names(folder):
    bad = [folder / "train" / "a" / "3.png", folder / "test" / "b" / "0.png"]
    for path in bad:
        path.write_text("no")
    examples = examined(folder)
    assert [line.split(": ")[0] for line in examples.unreadable] == [str(path) for path in bad]
    assert counts(examples).tolist() == [[29, 5], [30, 4]]
    assert examples.names[3] == "train/a/4.png"
    for name, seen, number in zip(examples.names, examples.looks, examples.numbers, strict=True):
        assert seen["exact"] == look(np.asarray(Image.open(folder / name).convert("RGB")))["exact"]
        assert Path(name).parent.name == examples.labels[number]


def test_sizes(folder):
    saved(folder / "train" / "a", 2, (2, 40))
    saved(folder / "train" / "b", 1, (50, 20))
    examples = examined(folder)
    assert sizes(examples) == [
        ((40, 2), 2, "train/a/0.png"),
        ((20, 50), 1, "train/b/0.png"),
        ((10, 12), 67, "train/a/2.png"),
    ]


def test_labels_that_are_rare_missing_or_uneven(tmp_path):
    for label, count in {"a": 300, "b": 30, "c": 2, "d": 1, "e": 0}.items():
        saved(tmp_path / label, count, (2, 2))
    few, none, uneven = remarks(examined(tmp_path))
    assert few.startswith("Fewer than 20 to learn from: e (0), ")
    assert "d (1)" in few
    assert none == "None to test on: d, e."
    assert uneven == "Uneven: 240 of a to learn from, but 0 of e."


def test_where_duplicates_are(folder):
    train, test = folder / "train", folder / "test"
    copies = [("a/0.png", test / "a" / "x.png"), ("a/1.png", train / "b" / "x.png"), ("a/2.png", train / "a" / "x.png")]
    for name, to in copies:
        to.write_bytes((train / name).read_bytes())
    (test / "b" / "y.png").write_bytes((test / "a" / "0.png").read_bytes())
    examples = examined(folder)
    found = exact(examples.looks)
    assert places(examples, found) == Places(across=1, train=2, test=1, relabelled=2)
    order = [examples.names[second] for _, second in found[worst(examples, found)]]
    assert order[:2] == ["train/b/x.png", "test/b/y.png"], "different labels come first"
    assert order[2:] == ["test/a/x.png", "train/a/x.png"], "then what is in both splits"


def test_the_seed_decides_the_test_set(tmp_path):
    for label in "ab":
        saved(tmp_path / label, 30)
    assert examined(tmp_path, 1).names == examined(tmp_path, 1).names != examined(tmp_path, 2).names


def test_arrays_of_their_own_test_set_are_counted_by_split(tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (20, 5, 4), np.uint8)
    X[17] = X[3]
    np.savez(tmp_path / "set.npz", x_train=X[:15], y_train=np.arange(15) % 2, x_test=X[15:], y_test=np.arange(5) % 2)
    examples = examined(tmp_path / "set.npz")
    ((first, second),) = exact(examples.looks)
    assert (examples.names[first], examples.names[second]) == ("train 3", "test 2")


def test_arrays_that_are_split_here_are_named_by_their_rows(tmp_path):
    X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    X[31] = X[7]
    np.savez(tmp_path / "set.npz", X=X, y=np.arange(50) % 2)
    examples = examined(tmp_path / "set.npz", seed=3)
    (pair,) = exact(examples.looks)
    assert {examples.names[at] for at in pair} == {"row 7", "row 31"}
    data = arrays.load(tmp_path / "set.npz", 3)
    np.testing.assert_array_equal(X[arrays.rows(tmp_path / "set.npz", 3)], np.concatenate([data.train.X, data.test.X]))


def test_the_digits():
    examples = examined("digits")
    assert counts(examples).sum(axis=0).tolist() == [1437, 360]
    assert len(examples.names) == 1797


def test_nothing_that_can_be_read(folder):
    for path in folder.rglob("*.png"):
        path.write_text("no")
    with pytest.raises(DataError, match=r"expected pictures, none of them can be read: .*0\.png: expected a whole PNG"):
        examined(folder)


def test_no_pictures_at_all(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
    with pytest.raises(DataError, match="there are none: convert or add some"):
        examined(tmp_path)
