from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from pipeline.data import mnist
from pipeline.errors import DataError, DownloadError

CONSOLE = Console(file=StringIO())


@pytest.mark.parametrize("suffix", [".gz", ""])
@pytest.mark.parametrize("place", [".", "mnist"])
def test_a_folder_with_the_files_is_used_as_it_is(tmp_path, idx_files, suffix, place):
    idx_files(tmp_path / place, suffix)
    data = mnist.load("mnist", tmp_path, CONSOLE)
    assert data.train.X.shape == (40, 1, 5, 4)
    assert data.test.X.shape == (20, 1, 5, 4)
    assert (data.name, data.pictures, len(data.labels)) == ("mnist", "ink", 10)


def test_names_with_a_dot(tmp_path, idx_files):
    for path in idx_files(tmp_path, "").iterdir():
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert len(mnist.load("mnist", tmp_path, CONSOLE).train) == 40


def test_fashion_has_names_for_its_labels(tmp_path, idx_files):
    data = mnist.load("fashion-mnist", idx_files(tmp_path), CONSOLE)
    assert data.labels[9] == "Ankle boot"
    assert data.pictures == "photo"


def test_zipped_or_not_it_is_the_same_dataset(tmp_path, idx_files):
    zipped, plain = idx_files(tmp_path / "a"), idx_files(tmp_path / "b", "")
    assert mnist.load("mnist", zipped, CONSOLE).sha256 == mnist.load("mnist", plain, CONSOLE).sha256


def test_one_of_the_four_is_missing(tmp_path, idx_files):
    (idx_files(tmp_path) / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"four IDX files, t10k-labels-idx1-ubyte.gz missing: put"):
        mnist.load("mnist", tmp_path, CONSOLE)


def test_pictures_of_two_sizes(tmp_path, idx_files, write_idx):
    write_idx(idx_files(tmp_path) / "t10k-images-idx3-ubyte.gz", np.zeros((20, 6, 6)))
    with pytest.raises(DataError, match=r"pictures of \(5, 4\) as in train.* came \(6, 6\)"):
        mnist.load("mnist", tmp_path, CONSOLE)


def test_a_label_outside_the_range(tmp_path, idx_files):
    with pytest.raises(DataError, match="expected labels from 0 to 9, label 10 is 10"):
        mnist.load("mnist", idx_files(tmp_path, labels=11), CONSOLE)


def test_files_of_the_other_dataset_are_not_taken(tmp_path, idx_files, write_idx, monkeypatch):
    counts = mnist.SOURCES["mnist"].test_counts
    write_idx(idx_files(tmp_path) / "t10k-labels-idx1-ubyte.gz", np.repeat(np.arange(10), counts))
    assert mnist.find("mnist", tmp_path) == tmp_path
    assert mnist.find("fashion-mnist", tmp_path) is None


def test_what_is_not_there_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "fetch", lambda name, folder, console: (_ for _ in ()).throw(DownloadError("asked")))
    with pytest.raises(DownloadError, match="asked"):
        mnist.load("mnist", tmp_path, CONSOLE)


def test_any_four_files_are_a_dataset(tmp_path, idx_files):
    data = mnist.load_folder(idx_files(tmp_path / "letters", labels=7))
    assert (data.name, data.labels, data.pictures) == ("letters", tuple("0123456"), "photo")


def test_one_label_is_none(tmp_path, idx_files):
    with pytest.raises(DataError, match="two labels or more"):
        mnist.load_folder(idx_files(tmp_path, labels=1))


def test_published_checksums_are_well_formed():
    for source in mnist.SOURCES.values():
        assert len(source.mirrors) >= 2
        assert all(mirror.endswith("/") for mirror in source.mirrors)
        assert [len(bytes.fromhex(sha256)) for sha256 in source.sha256] == [32] * len(mnist.FILES)
