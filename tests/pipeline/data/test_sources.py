from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pipeline.data import mnist, sources
from pipeline.errors import DataError
from pipeline.export.preprocessing import preprocessing, preprocessor


def quiet():
    return Console(file=StringIO())


def test_each_kind(tmp_path, idx_files, pictures):
    np.savez(tmp_path / "set.npz", X=np.zeros((9, 4, 4), np.uint8), y=np.arange(9) % 2)
    idx_files(tmp_path / "idx")
    pictures(tmp_path / "pets", {"a": 3, "b": 3})
    assert sources.kind("digits") == "digits"
    assert sources.kind("fashion-mnist") == "mnist"
    assert sources.kind(str(tmp_path / "set.npz")) == "arrays"
    assert sources.kind(str(tmp_path / "idx")) == "idx"
    assert sources.kind(str(tmp_path / "pets")) == "folder"


def test_each_kind_loads(tmp_path, idx_files, pictures):
    np.savez(tmp_path / "set.npz", X=np.zeros((9, 4, 4), np.uint8), y=np.arange(9) % 2)
    assert sources.load("digits").name == "digits"
    assert sources.load("mnist", idx_files(tmp_path / "idx"), console=quiet()).name == "mnist"
    assert sources.load(str(tmp_path / "idx")).name == "idx"
    assert sources.load(str(tmp_path / "set.npz"), pictures="ink").pictures == "ink"


def test_a_folder_says_what_it_does(tmp_path, pictures):
    console = quiet()
    folder = pictures(tmp_path / "[bold]pets", {"a": 5, "b": 5})
    (folder / "a" / "0.png").write_text("no")
    preprocess = preprocessor(preprocessing("ink", (1, 4, 4)).SerializeToString())
    data = sources.load(str(folder), preprocess=preprocess, pictures="ink", console=console)
    assert (data.name, data.pictures) == ("[bold]pets", "ink")
    said = console.file.getvalue()
    assert f"left out {folder / 'a' / '0.png'}: expected" in said
    assert "1 of 10 pictures could not be read" in said
    assert "10 of 10 pictures" in said
    assert Path(data.train.X.filename).parent == sources.pictures_folder(), "mapped from the cache"


def test_a_folder_needs_a_preprocess(tmp_path, pictures):
    with pytest.raises(TypeError, match="preprocess"):
        sources.load(str(pictures(tmp_path, {"a": 3, "b": 3})))


def test_a_folder_of_the_same_name_needs_a_dot(tmp_path, pictures, monkeypatch):
    monkeypatch.chdir(pictures(tmp_path, {"digits": 0}))
    assert sources.kind("digits") == "digits"
    assert sources.kind("./digits") == "folder"


@pytest.mark.parametrize(
    ("source", "hint"),
    [("minst", "did you mean mnist"), ("Fashion_MNIST", "did you mean fashion-mnist"), ("pets/", "check the path")],
)
def test_unknown_datasets(source, hint):
    with pytest.raises(DataError, match=f"digits, mnist, fashion-mnist, a folder .* {hint}"):
        sources.load(source)


def test_a_file_of_another_kind(tmp_path):
    path = tmp_path / "set.txt"
    path.touch()
    with pytest.raises(DataError, match="is a file of another kind"):
        sources.load(str(path))


def test_a_data_dir_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="expected a folder, there is none: check --data-dir"):
        sources.load("mnist", tmp_path / "none")


def test_where_downloads_go(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMSERVE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert sources.data_folder() == tmp_path / "numserve"
    monkeypatch.setenv("NUMSERVE_DATA", "/elsewhere")
    assert sources.data_folder() == Path("/elsewhere")
    assert sources.data_folder(Path("/here")) == Path("/here")
    assert sources.pictures_folder() == Path("/elsewhere/pictures")


def test_fetch(tmp_path, idx_files, monkeypatch):
    asked = []
    monkeypatch.setattr(mnist, "fetch", lambda name, folder, console: asked.append((name, folder)) or folder)
    assert sources.fetch("mnist", tmp_path) == tmp_path
    assert asked == [("mnist", tmp_path)]
    assert sources.fetch("mnist", idx_files(tmp_path / "there")) == tmp_path / "there"
    assert len(asked) == 1
    with pytest.raises(DataError, match="'digits' is not to be downloaded"):
        sources.fetch("digits", tmp_path)


def test_the_listing_tells_the_truth(tmp_path, idx_files):
    idx_files(tmp_path / "mnist")
    bundled, here, absent, *tables = sources.listing(tmp_path)
    data = sources.load("digits")
    assert (bundled.name, bundled.train, bundled.test) == (data.name, len(data.train), len(data.test))
    assert (bundled.shape, bundled.labels, bundled.here) == (data.shape, data.labels, True)
    assert (here.name, here.here, here.place) == ("mnist", True, str(tmp_path / "mnist"))
    assert (absent.name, absent.here) == ("fashion-mnist", False)
    assert absent.place == "python -m pipeline fetch fashion-mnist"
    assert [table.name for table in tables] == ["and", "or", "nand", "xor"]
    for table in tables:
        data = sources.load(table.name)
        assert (table.train, table.test, table.shape) == (len(data.train), len(data.test), data.shape)
        assert table.labels == data.labels


@pytest.mark.parametrize("options", [{"target": "y"}, {"task": "regression"}])
def test_only_a_table_has_a_column_to_be_answered(options):
    with pytest.raises(DataError, match=r"digits: expected a \.csv file"):
        sources.load("digits", **options)
