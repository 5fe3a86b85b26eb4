"""Builds of the cache: killed ones leave nothing that counts, and several at once do not disturb each other."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import building, decoding
from pipeline.data.building import build, name_within
from pipeline.data.listing import scan
from pipeline.export.preprocessing import preprocessing, preprocessor

SHRINK = preprocessor(preprocessing("photo", (1, 4, 4)).SerializeToString())


def built(folder, home, name="key", report=lambda done, total: None):
    build(home / f"{name}.pixels", home / f"{name}.json", folder, scan(folder), SHRINK, report)
    return np.fromfile(home / f"{name}.pixels", np.uint8).reshape(-1, 1, 4, 4)


def names(home):
    return sorted(path.name for path in home.iterdir())


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path, pictures):
    return pictures(tmp_path / "set", {"a": 10, "b": 10})


KILLED = """
import sys, time
from pathlib import Path
from pipeline.data.building import build
from pipeline.data.listing import scan
from pipeline.export.preprocessing import preprocessing, preprocessor

folder, home = map(Path, sys.argv[1:])
shrink = preprocessor(preprocessing("photo", (1, 4, 4)).SerializeToString())


def report(done, total):
    if done == 12:
        print("in the middle", flush=True)
        time.sleep(60)


build(home / "key.pixels", home / "key.json", folder, scan(folder), shrink, report)
"""


def test_a_killed_build_starts_over(folder, home, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(building.__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, folder, home], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "in the middle\n"
        (left,) = home.iterdir()
        assert left.suffix == ".building"
        built(folder, home, "another")
        assert left.exists(), "it is alive, and another build lets it be"
        process.kill()
    assert left.exists()
    whole = built(folder, tmp_path / "elsewhere")
    np.testing.assert_array_equal(built(folder, home), whole)
    assert names(home) == ["another.json", "another.pixels", "key.json", "key.pixels"]


def test_two_builds_at_once(folder, home):
    inner = []

    def report(done, total):
        if done == 7:
            inner.append(built(folder, home))

    outer = built(folder, home, report=report)
    np.testing.assert_array_equal(inner[0], outer)
    assert names(home) == ["key.json", "key.pixels"]


def test_what_is_swept_away_before_it_is_locked_is_begun_again(folder, home, monkeypatch):
    lock, stolen = building.fcntl.flock, []

    def late(file, how):
        if not stolen:
            stolen.append(Path(file.name))
            stolen[0].unlink()
        lock(file, how)

    monkeypatch.setattr(building.fcntl, "flock", late)
    assert len(built(folder, home)) == 20
    assert stolen
    assert names(home) == ["key.json", "key.pixels"]


def test_the_pixels_are_the_same_whoever_decodes_them(folder, home, monkeypatch):
    (folder / "a" / "3.png").write_text("no")
    here = built(folder, home)
    monkeypatch.setattr(decoding, "PATIENCE", 0)
    monkeypatch.setattr(decoding, "_cores", lambda: 2)
    np.testing.assert_array_equal(built(folder, home, "another"), here)
    assert len(here) == 19


@pytest.mark.parametrize("folder", ["set", "set/", "./set", ".", "/set", "/"])
def test_paths_count_from_the_folder(folder):
    assert name_within(Path(folder), Path(folder) / "a" / "1.png") == "a/1.png"
