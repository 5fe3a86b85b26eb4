"""MNIST and Fashion-MNIST: four IDX files each, found in a folder or downloaded into it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from pipeline.data import digest
from pipeline.data.arrays import guess
from pipeline.data.dataset import Dataset, Pictures
from pipeline.data.idx import read_labels, read_split
from pipeline.data.progress import progress
from pipeline.errors import DataError

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


@dataclass(frozen=True)
class Source:
    """sha256: of the four FILES as published; test_counts: how many of each label the test set holds."""

    name: str
    about: str
    labels: tuple[str, ...]
    pictures: Pictures
    mirrors: tuple[str, ...]
    sha256: tuple[str, ...]
    test_counts: tuple[int, ...]


MNIST = Source(
    name="mnist",
    about="handwritten digits",
    labels=tuple("0123456789"),
    pictures="ink",
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    sha256=(
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    test_counts=(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
)
# Zalando publishes MD5 only; these SHA-256 are of the same files, as tensorflow/datasets publishes them in
# tensorflow_datasets/url_checksums/fashion_mnist.txt.
FASHION = Source(
    name="fashion-mnist",
    about="pictures of clothing",
    labels=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    pictures="photo",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    sha256=(
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    test_counts=(1000,) * 10,
)
SOURCES = {source.name: source for source in (MNIST, FASHION)}


def load(name: str, folder: Path, console: Console) -> Dataset:
    """The dataset `name` of SOURCES: 60,000 and 10,000 pictures, uint8 [N,1,28,28], bright on black.

    Taken from `folder` as it is there, in the folder itself or in a subfolder called `name`, gzipped or not;
    else it is downloaded first. Raises DataError for files that are missing or damaged, DownloadError when no
    mirror delivers.
    """
    source = SOURCES[name]
    if (place := find(name, folder)) is None:
        _refuse_incomplete(folder)
        place = fetch(name, folder, console)
    return _read(name, place, source.labels, source.pictures)


def find(name: str, folder: Path) -> Path | None:
    """Where in `folder` the four files are, or None. Files straight in it may be those of another dataset."""
    if len(_present(folder / name)) == len(FILES):
        return folder / name
    present = _present(folder)
    return folder if len(present) == len(FILES) and not _anothers(name, present[-1]) else None


def fetch(name: str, folder: Path, console: Console) -> Path:
    """Downloads what is not there yet into `folder`/`name` and returns that folder. Raises DownloadError."""
    from pipeline.data.download import download  # brings the whole of HTTP: a tenth of a second

    source, place = SOURCES[name], folder / name
    for file, sha256 in zip(FILES, source.sha256, strict=True):
        if _variant(place, file) is None:
            with progress(console, f"{name}: {file}") as report:
                download([mirror + file for mirror in source.mirrors], place / file, sha256, report)
    return place


def load_folder(folder: Path, pictures: Pictures | None = None) -> Dataset:
    """Any dataset in four IDX files with MNIST's file names: its labels are called "0", "1", "2" …"""
    return _read(folder.resolve().name, folder, None, pictures)


def is_complete(folder: Path) -> bool:
    """Whether the four files are straight in this folder."""
    return len(_present(folder)) == len(FILES)


def _read(name: str, place: Path, labels: tuple[str, ...] | None, pictures: Pictures | None) -> Dataset:
    train_images, train_labels, test_images, test_labels = _present(place)
    train = read_split(train_images, train_labels, len(labels) if labels else None)
    labels = labels or tuple(map(str, range(int(train.labels.max()) + 1)))
    if len(labels) < 2:
        raise DataError(f"{train_labels}: expected two labels or more, all are 0: take another dataset")
    test = read_split(test_images, test_labels, len(labels))
    if train.X.shape[1:] != test.X.shape[1:]:
        raise DataError(
            f"{test_images}: expected pictures of {train.X.shape[2:]} as in {train_images.name}, came "
            f"{test.X.shape[2:]}: take all four files from the same dataset"
        )
    return digest.dataset(name, train, test, labels, pictures or guess(train.X))


def _present(folder: Path) -> list[Path]:
    return [path for file in FILES if (path := _variant(folder, file))]


def _variant(folder: Path, file: str) -> Path | None:
    """The file in any of the forms it goes round in: gzipped or not, `-idx3` or `.idx3`."""
    plain = file.removesuffix(".gz")
    names = (file, plain, file.replace("-idx", ".idx"), plain.replace("-idx", ".idx"))
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _anothers(name: str, test_labels: Path) -> bool:
    """Whether these are the files of another dataset: they have the same names, but not the same labels."""
    try:
        counts = tuple(np.bincount(read_labels(test_labels)).tolist())
    except DataError:
        return False  # reading it in earnest will say what is wrong
    return any(counts == source.test_counts for source in SOURCES.values() if source.name != name)


def _refuse_incomplete(folder: Path) -> None:
    """Some of the four files: whoever put them there did not want a download beside them."""
    missing = [file for file in FILES if _variant(folder, file) is None]
    if 0 < len(missing) < len(FILES):
        raise DataError(f"{folder}: expected four IDX files, {' and '.join(missing)} missing: put all four there")
