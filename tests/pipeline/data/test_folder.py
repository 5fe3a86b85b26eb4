import numpy as np
import pytest
from PIL import Image

from pipeline.data import sources
from pipeline.data.folder import load, looks_grey
from pipeline.data.listing import scan
from pipeline.errors import DataError
from pipeline.export.preprocessing import Preprocessor, preprocessing, preprocessor

SHRINK = preprocessor(preprocessing("photo", (1, 4, 4)).SerializeToString())


def read(folder, seed=0, **options):
    said = []
    return load(folder, SHRINK, "photo", sources.pictures_folder(), seed, said.append, **options), said


def test_one_subfolder_per_label(tmp_path, pictures):
    data, said = read(pictures(tmp_path / "pets", {"dog": 10, "cat": 20}))
    assert data.name == "pets"
    assert data.labels == ("cat", "dog")
    assert data.pictures == "photo"
    assert data.train.X.shape == (24, 1, 4, 4)
    assert np.bincount(data.test.labels).tolist() == [4, 2]
    assert said == []


def test_the_seed_decides_the_test_set(tmp_path, pictures):
    folder = pictures(tmp_path, {"a": 30, "b": 30})
    same, again, other = (read(folder, seed)[0].sha256 for seed in (1, 1, 2))
    assert same == again != other


def test_train_and_test_folders(tmp_path, pictures):
    pictures(tmp_path / "train", {"a": 3, "b": 4})
    pictures(tmp_path / "test", {"a": 2})
    data, _ = read(tmp_path)
    assert (len(data.train), len(data.test)) == (7, 2)
    assert data.labels == ("a", "b")


def test_train_without_test_is_split(tmp_path, pictures):
    pictures(tmp_path / "train", {"a": 5, "b": 5})
    data, _ = read(tmp_path)
    assert (len(data.train), len(data.test)) == (8, 2)


def test_train_can_be_a_label(tmp_path, pictures):
    data, _ = read(pictures(tmp_path, {"train": 5, "plane": 5}))
    assert data.labels == ("plane", "train")


def test_natural_order(tmp_path, pictures):
    found = scan(pictures(tmp_path, {"10": 12, "9": 2, "1": 2}))
    assert found.labels == ("1", "9", "10")
    names = [path.name for path, label in found.train if label == 2]
    assert names == sorted(names, key=lambda name: int(name[:-4]))


def test_the_pixels_are_those_of_the_files(tmp_path, pictures):
    folder = pictures(tmp_path, {"a": 9, "b": 9})
    found, (data, _) = scan(folder), read(folder)
    for (path, label), pixels, number in zip(found.train, data.train.X, data.train.labels, strict=True):
        np.testing.assert_array_equal(pixels, SHRINK(np.asarray(Image.open(path).convert("RGB"))))
        assert label == number


def test_an_unreadable_file_is_named_and_left_out(tmp_path, pictures):
    folder = pictures(tmp_path, {"a": 10, "b": 10})
    whole, _ = read(folder)
    for path, _ in (scan(folder).train[3], scan(folder).test[0]):
        path.write_bytes(path.read_bytes()[:60])
    data, said = read(folder)
    assert (len(data.train), len(data.test)) == (15, 3)
    np.testing.assert_array_equal(data.train.X, np.delete(whole.train.X, 3, axis=0))
    assert said[0].startswith(f"left out {scan(folder).train[3][0]}: expected a whole")
    assert said[-1] == "2 of 20 pictures could not be read and were left out"


def test_a_broken_link_is_named(tmp_path, pictures):
    (pictures(tmp_path, {"a": 5, "b": 5}) / "a" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert any("gone.png" in line for line in read(tmp_path)[1])


def test_hidden_files_and_other_files(tmp_path, pictures):
    folder = pictures(tmp_path, {"a": 5, "b": 5, ".git": 2, "__MACOSX": 2})
    (folder / "a" / ".DS_Store").write_text("x")
    (folder / "a" / "notes.txt").write_text("x")
    (folder / "readme.png").write_text("beside the labels")
    data, said = read(folder)
    assert data.labels == ("a", "b")
    assert said == [f"{folder}: passed over 1 files that are no pictures by their names"]


def test_deeper_folders_belong_to_their_label(tmp_path, pictures):
    pictures(tmp_path / "a", {"monday": 3, "tuesday": 3})
    pictures(tmp_path, {"b": 4})
    assert np.bincount([label for _, label in scan(tmp_path).train + scan(tmp_path).test]).tolist() == [6, 4]


def test_links_that_go_round(tmp_path, pictures):
    folder = pictures(tmp_path / "set", {"a": 4, "b": 4})
    (folder / "a" / "loop").symlink_to(folder / "a")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "b" / "self").symlink_to(folder / "b" / "self")
    found = scan(folder)
    assert len(found.train + found.test) == 8


def test_a_label_can_be_a_link(tmp_path, pictures):
    pictures(tmp_path / "elsewhere", {"x": 4})
    folder = pictures(tmp_path / "set", {"a": 4})
    (folder / "b").symlink_to(tmp_path / "elsewhere" / "x")
    assert scan(folder).labels == ("a", "b")


def refuse(folder, match):
    with pytest.raises(DataError, match=match):
        read(folder)


def test_no_labels(tmp_path):
    refuse(tmp_path, "subfolder for each of two labels or more, there is none: sort")


def test_a_name_that_is_not_utf_8(tmp_path, pictures):
    pictures(tmp_path, {"a": 3})
    (tmp_path / "caf\udce9").mkdir()
    refuse(tmp_path, r"names in UTF-8, 'caf\\udce9' is not: rename")


def test_one_label(tmp_path, pictures):
    refuse(pictures(tmp_path, {"a": 5}), "there is only a: sort")


def test_no_pictures(tmp_path, pictures):
    refuse(pictures(tmp_path, {"a": 0, "b": 0}), "expected PNG, JPEG, .* there are none")


def test_too_few_of_one_label(tmp_path, pictures):
    refuse(pictures(tmp_path, {"a": 5, "b": 1, "c": 0}), "at least 2 pictures of each label, b has 1, c has 0: add")


def test_a_label_that_only_the_test_has(tmp_path, pictures):
    pictures(tmp_path / "train", {"a": 3, "b": 4})
    pictures(tmp_path / "test", {"a": 2, "z": 2})
    refuse(tmp_path, "only labels that `train` has, came z: rename")


def test_no_pictures_to_test_on(tmp_path, pictures):
    pictures(tmp_path / "train", {"a": 3, "b": 4})
    pictures(tmp_path / "test", {"a": 0})
    refuse(tmp_path, "pictures to test on, there are none")


def test_nothing_can_be_read(tmp_path, pictures):
    for path in pictures(tmp_path, {"a": 3, "b": 3}).rglob("*.png"):
        path.write_text("no")
    refuse(tmp_path, r"pictures to learn from, none of them can be read .a/\d.png: expected a whole PNG")


def test_too_few_of_one_label_can_be_read(tmp_path, pictures):
    for path in (pictures(tmp_path, {"a": 5, "b": 5}) / "b").iterdir():
        if path.name != "0.png":
            path.write_text("no")
    refuse(tmp_path, "b has 1: add")


def test_a_folder_that_cannot_be_listed(tmp_path, pictures, monkeypatch):
    folder = pictures(tmp_path, {"a": 3, "b": 3})
    iterdir = type(folder).iterdir

    def forbidden(path):
        if path.name == "b":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(type(folder), "iterdir", forbidden)
    refuse(folder, "b: cannot be read .Permission denied.: check")


def test_progress_counts_every_file(tmp_path, pictures):
    seen = []
    read(pictures(tmp_path, {"a": 10, "b": 5}), report=lambda done, total: seen.append((done, total)))
    assert seen == [(at, 15) for at in range(1, 16)]


def test_ctrl_c_is_heard_and_leaves_nothing(tmp_path, pictures, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Preprocessor, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read(pictures(tmp_path, {"a": 10, "b": 5}))
    assert list(sources.pictures_folder().iterdir()) == []


def test_grey_or_colour(tmp_path, pictures):
    assert looks_grey(pictures(tmp_path / "grey", {"a": 3, "b": 3}))
    assert not looks_grey(pictures(tmp_path / "colour", {"a": 3, "b": 3}, "RGB"))


def test_one_coloured_picture_is_enough(tmp_path, pictures):
    folder = pictures(tmp_path, {"a": 5, "b": 5})
    path = scan(folder).train[0][0]
    red = np.asarray(Image.open(path).convert("RGB")).copy()
    red[2:4, 2:4] = (255, 0, 0)
    Image.fromarray(red).save(path)
    assert not looks_grey(folder)
    path.write_text("no picture")
    assert looks_grey(folder)
