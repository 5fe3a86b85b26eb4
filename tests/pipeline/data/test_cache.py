"""The cache: what is in it is what decoding would give, and what is not whole is not used."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import building, cache
from pipeline.data.cache import key_of, pictures
from pipeline.data.listing import scan
from pipeline.data.pictures import decode
from pipeline.errors import DataError
from pipeline.export.preprocessing import Preprocessor, preprocessing, preprocessor

SHRINK = preprocessor(preprocessing("photo", (1, 4, 4)).SerializeToString())
AGAIN = ": the pictures are decoded again"


@pytest.fixture
def folder(tmp_path, pictures):
    return pictures(tmp_path / "set", {"a": 10, "b": 10})


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def opened(folder, home, decodes, preprocess=SHRINK, seed=0):
    """The pictures, and what was said; `decodes` is whether they have to be decoded for it."""
    said, done = [], []
    found = scan(folder, seed)
    have = pictures(folder, found, preprocess, home, said.append, lambda *counts: done.append(counts))
    assert bool(done) == decodes
    return have, said


def only(home, suffix):
    (path,) = home.glob(f"*{suffix}")
    return path


def test_it_holds_the_pixels_and_labels_of_the_files(folder, home):
    for decodes in (True, False):
        have, said = opened(folder, home, decodes)
        for split, files in ((have.train, scan(folder).train), (have.test, scan(folder).test)):
            np.testing.assert_array_equal(split.X, [SHRINK(decode(path)) for path, _ in files])
            assert split.labels.tolist() == [number for _, number in files]
            assert split.labels.dtype == np.int64
        assert said == []
    assert sorted(path.suffix for path in home.iterdir()) == [".json", ".pixels"]


def test_both_splits_are_mapped_from_the_file(folder, home):
    have, _ = opened(folder, home, True)
    for X in (have.train.X, have.test.X):
        assert isinstance(X, np.memmap)
        assert not X.flags.writeable
        assert X.filename == only(home, ".pixels")
        np.testing.assert_array_equal(X, np.memmap(X.filename, X.dtype, "r", X.offset, X.shape))
    assert have.test.X.offset == have.train.X.nbytes


def test_the_index_says_what_it_is(folder, home):
    (folder / "a" / "0.png").write_text("no")
    opened(folder, home, True)
    index = json.loads(only(home, ".json").read_text())
    assert index["folder"] == str(folder)
    assert index["shape"] == [1, 4, 4]
    assert len(index["train"]) + len(index["test"]) == 19
    assert list(index["left_out"]) == ["a/0.png"]


# ---------------------------------------------------------------- the key
def keys(folder):
    return key_of(folder, scan(folder), SHRINK)


def test_the_key_is_the_same_wherever_the_folder_is(folder, tmp_path):
    before = keys(folder)
    assert keys(shutil.move(folder, tmp_path / "moved")) == before


def rewrite(folder):
    (folder / "a" / "3.png").write_bytes((folder / "a" / "4.png").read_bytes())


def touch(folder):
    os.utime(folder / "a" / "3.png", ns=(0, 1))


def rename(folder):
    (folder / "a" / "3.png").rename(folder / "a" / "33.png")


def relabel(folder):
    (folder / "a").rename(folder / "aa")


def add(folder):
    shutil.copy(folder / "a" / "3.png", folder / "a" / "new.png")


def unlink(folder):
    (folder / "a" / "3.png").unlink()
    (folder / "a" / "3.png").symlink_to("nowhere.png")


def split(folder):
    (folder / "train").mkdir()
    for name in "ab":
        (folder / name).rename(folder / "train" / name)


@pytest.mark.parametrize("change", [rewrite, touch, rename, relabel, add, unlink, split])
def test_another_folder_is_another_key(folder, home, change):
    opened(folder, home, True)
    before = keys(folder)
    change(folder)
    assert keys(folder) != before
    opened(folder, home, True)
    opened(folder, home, False)


def test_another_preprocessing_is_another_key(folder, home):
    opened(folder, home, True)
    for kind, shape in (("photo", (3, 4, 4)), ("photo", (1, 4, 5)), ("ink", (1, 4, 4))):
        another = preprocessor(preprocessing(kind, shape).SerializeToString())
        assert another.shape == shape
        opened(folder, home, True, another)
    opened(folder, home, True, seed=1)
    opened(folder, home, False, Preprocessor(SHRINK.model, SHRINK.shape))


@pytest.mark.parametrize("name", ["VERSION", "PIL.__version__"])
def test_another_version_is_another_key(folder, monkeypatch, name):
    before = keys(folder)
    monkeypatch.setattr(f"pipeline.data.cache.{name}", "another")
    assert keys(folder) != before


def test_another_onnxruntime_is_another_key(folder, monkeypatch):
    before = keys(folder)
    monkeypatch.setattr("onnxruntime.__version__", "another")
    assert keys(folder) != before


# ---------------------------------------------------------------- damage
def flip(home):
    content = bytearray(only(home, ".pixels").read_bytes())
    content[100] ^= 1
    only(home, ".pixels").write_bytes(content)


def cut(home):
    os.truncate(only(home, ".pixels"), 100)


def spoil(home):
    only(home, ".json").write_text('{"folder": "x"')


def misshape(home):
    only(home, ".json").write_text('{"shape": [1]}')


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (flip, r"\.pixels: expected SHA-256 \w{12}…, came \w{12}…"),
        (cut, r"\.pixels: expected 320 bytes, came 100"),
        (spoil, r"\.json: expected the index of a cache, it is damaged \(.*\)"),
        (misshape, r"\.json: expected the index of a cache, it is damaged \(.*\)"),
    ],
)
def test_a_damaged_cache_is_named_and_built_anew(folder, home, damage, says):
    before, _ = opened(folder, home, True)
    expected = np.array(before.train.X)
    damage(home)
    have, (line,) = opened(folder, home, True)
    np.testing.assert_array_equal(have.train.X, expected)
    assert re.fullmatch(f".*{says}{AGAIN}", line)
    assert opened(folder, home, False)[1] == []


@pytest.mark.parametrize("suffix", [".pixels", ".json"])
def test_half_of_a_cache_is_none(folder, home, suffix):
    opened(folder, home, True)
    only(home, suffix).unlink()
    assert opened(folder, home, True)[1] == []


def test_what_was_left_out_is_tried_again(folder, home, monkeypatch):
    """Permissions do not change the key."""
    bad = folder / "a" / "3.png"
    content, times = bad.read_bytes(), bad.stat()
    bad.write_bytes(b"x" * len(content))
    os.utime(bad, ns=(times.st_atime_ns, times.st_mtime_ns))
    have, _ = opened(folder, home, True)
    assert list(have.left_out) == [bad]
    assert have.left_out[bad].startswith("expected a whole PNG")
    assert list(opened(folder, home, False)[0].left_out) == [bad]
    bad.write_bytes(content)
    os.utime(bad, ns=(times.st_atime_ns, times.st_mtime_ns))
    have, said = opened(folder, home, True)
    assert said == [f"{bad}: could not be read before, and can be now{AGAIN}"]
    assert not have.left_out


# ---------------------------------------------------------------- places that cannot be written
def test_a_cache_that_cannot_be_written_is_said_and_done_without(folder, tmp_path):
    (tmp_path / "file").write_text("")
    home = tmp_path / "file" / "pictures"
    have, (line,) = opened(folder, home, True)
    assert line.startswith(f"{home}: cannot keep decoded pictures (Not a directory): they go to a temporary file")
    assert "set NUMSERVE_DATA" in line
    assert len(have.train) + len(have.test) == 20
    assert Path(have.train.X.filename).is_file()
    assert not Path(have.train.X.filename).is_relative_to(tmp_path)
    assert len(opened(folder, home, False)[1]) == 1, "it is found again in this process, and said again"


def test_a_temporary_file_goes_with_its_process(folder, tmp_path):
    (tmp_path / "tmp").mkdir()
    code = (
        "import sys; from pathlib import Path; from pipeline import steps, show\n"
        f"print(steps.load({str(folder)!r}, None, None, (1, 4, 4), 1, show.console(True)).train.X.filename)"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(cache.__file__).parents[2]),
        "NUMSERVE_DATA": "/dev/null",
        "TMPDIR": str(tmp_path / "tmp"),
    }
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.startswith(str(tmp_path / "tmp" / "numserve-pictures-"))
    assert "cannot keep decoded pictures" in said.stderr
    assert list((tmp_path / "tmp").iterdir()) == []


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_fills_up(folder, home, monkeypatch):
    write = building._write

    def elsewhere(file, *rest):
        return full() if home in Path(file.name).parents else write(file, *rest)

    monkeypatch.setattr(building, "_write", elsewhere)
    have, (line,) = opened(folder, home, True)
    assert "No space left on device" in line
    assert len(have.train) + len(have.test) == 20
    assert list(home.iterdir()) == []


def test_no_room_anywhere(folder, home, monkeypatch):
    monkeypatch.setattr(building, "_write", full)
    with pytest.raises(DataError, match=r"expected room for the decoded pictures .No space left on device.: free some"):
        opened(folder, home, True)
