"""A dataset from one .npz file of arrays, under the names that people give them."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data import digest
from pipeline.data.dataset import Dataset, Pictures, Split
from pipeline.data.split import Indices, share_for_test, subset
from pipeline.errors import DataError

NAMES = {
    "X": ("X", "x", "images", "X_train", "x_train", "train_images"),
    "y": ("y", "labels", "y_train", "train_labels"),
    "X_test": ("X_test", "x_test", "test_images"),
    "y_test": ("y_test", "test_labels"),
    "names": ("label_names",),
}
Named = tuple[str, NDArray[Any]]  # where the array is, for messages, and the array
BORDER_OF_INK = 0.9  # of the pixels along the edges are black in pictures of ink


def load(path: Path, seed: int = 0, pictures: Pictures | None = None) -> Dataset:
    """Pictures uint8 [N,H,W], [N,C,H,W] or [N,H,W,C] (C: 1 or 3), or features [N,D], with labels [N] from 0.

    Without test arrays a fifth is set apart by seed. Labels are named by `label_names`, else by their numbers.
    pictures: what kind they are, else guessed by `guess`. Raises DataError when the file is anything else.
    """
    arrays = _roles(path)
    everything = _split(arrays["X"], arrays["y"])
    labels = _label_names(arrays.get("names"), arrays["y"], everything.labels)
    train, test = _parts(arrays, everything, len(labels), seed)
    seen = (pictures or guess(train.X)) if train.X.ndim == 4 else None
    return digest.dataset(path.stem, train, test, labels, seen)


def guess(X: NDArray[Any]) -> Pictures:
    """Whether pixels [N,C,H,W] are "ink", bright on a black ground that reaches the edges, or a "photo"."""
    edges = (X[..., 0, :], X[..., -1, :], X[..., :, 0], X[..., :, -1])
    black = np.mean([np.mean(edge == 0) for edge in edges])
    return "ink" if X.shape[1] == 1 and black >= BORDER_OF_INK else "photo"


def rows(path: Path, seed: int = 0) -> Indices | None:
    """The row of X that each example of `load` is, train first; None for a file that has a test set of its own.

    Raises DataError as `load` does.
    """
    chosen = _chosen(_names(path))
    if "X_test" in chosen:
        return None
    where, labels = _array(path, chosen["y"])
    return np.concatenate(share_for_test(_labels(where, labels), seed))


def _roles(path: Path) -> dict[str, Named]:
    """The arrays that play a role here, by role, read without ever running what a file may hold."""
    names = _names(path)
    chosen = _chosen(names)
    for role in ("X", "y"):
        if role not in chosen:
            raise DataError(
                f"{path}: expected an array called {' or '.join(NAMES[role])}, "
                f"came {', '.join(names) or 'none'}: save it again under one of these names"
            )
    if ("X_test" in chosen) != ("y_test" in chosen):
        raise DataError(f"{path}: expected X_test and y_test, came only one of them: save both or neither")
    return {role: _array(path, name) for role, name in chosen.items()}


def _chosen(names: Sequence[str]) -> dict[str, str]:
    """The name of the array in each role."""
    return {role: name for role, known in NAMES.items() for name in known if name in names}


def _names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as file:
            return [name.removesuffix(".npy") for name in file.namelist()]
    except zipfile.BadZipFile as error:
        raise DataError(
            f"{path}: expected a whole .npz file, this is cut off or no .npz: save it again with numpy.savez"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}): check its permissions") from error


def _array(path: Path, name: str) -> Named:
    where = f"{path}: {name}"
    try:
        with np.load(path, allow_pickle=False) as file:
            array = file[name]
            if not isinstance(array, np.ndarray):  # a member that is no .npy comes as its bytes
                raise ValueError("it does not begin as an array does")
            return where, array
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        problem = "it holds Python objects" if "pickle" in str(error) else f"it cannot be read ({error})"
        raise DataError(f"{where}: expected an array of numbers, {problem}: save it again with numpy.savez") from error


def _split(X: Named, y: Named) -> Split:
    pixels, labels = _examples(*X), _labels(*y)
    if len(pixels) != len(labels):
        raise DataError(
            f"{y[0]}: expected a label for each of the {len(pixels)} examples, came {len(labels)}: "
            "save arrays that belong together"
        )
    return Split(pixels, labels)


def _examples(where: str, X: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.float32]:
    if 0 in X.shape or X.ndim < 2:
        raise DataError(
            f"{where}: expected examples [N,H,W], [N,C,H,W], [N,H,W,C] or [N,D], came {X.shape}: reshape them"
        )
    return _features(where, X) if X.ndim == 2 else _pixels(where, X)


def _pixels(where: str, X: NDArray[Any]) -> NDArray[np.uint8]:
    if X.dtype != np.uint8:
        raise DataError(f"{where}: expected pictures as uint8, 0 to 255, came {X.dtype}: scale and convert them")
    if X.ndim == 3:
        return X[:, np.newaxis]
    if X.ndim == 4 and X.shape[1] in (1, 3):
        return X
    if X.ndim == 4 and X.shape[3] in (1, 3):
        return np.ascontiguousarray(X.transpose(0, 3, 1, 2))
    raise DataError(
        f"{where}: expected pictures [N,H,W], [N,C,H,W] or [N,H,W,C] with 1 or 3 channels, came {X.shape}: reshape them"
    )


def _features(where: str, X: NDArray[Any]) -> NDArray[np.float32]:
    if X.dtype.kind not in "fiub":
        raise DataError(f"{where}: expected features as real numbers, came {X.dtype}: convert them")
    with np.errstate(over="ignore"):
        features = X.astype(np.float32)
    if not (finite := np.isfinite(features).all(axis=1)).all():
        row = int(np.argmin(finite))
        raise DataError(f"{where}: expected finite numbers that fit float32, row {row} has others: fill or remove it")
    return features


def _labels(where: str, y: NDArray[Any]) -> NDArray[np.int64]:
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise DataError(f"{where}: expected labels as whole numbers [N] from 0, came {y.dtype} {y.shape}: convert them")
    labels = y.astype(np.int64)
    if len(labels) and labels.min() < 0:
        at = int(np.argmin(labels))
        raise DataError(f"{where}: expected labels from 0, label {at} is {y[at]}: number them from 0")
    return labels


def _label_names(names: Named | None, labels: Named, used: NDArray[np.int64]) -> tuple[str, ...]:
    """As given, else "0", "1" … without a gap: a hole in the numbers is a mistake more often than not."""
    distinct, highest = np.unique(used), int(used.max())
    if len(distinct) < 2:
        raise DataError(f"{labels[0]}: expected two labels or more, all are {highest}: add examples of another")
    if names is not None:
        return _given_names(*names, highest)
    if len(distinct) != highest + 1:
        missing = int(np.flatnonzero(distinct != np.arange(len(distinct)))[0])
        raise DataError(
            f"{labels[0]}: expected each label from 0 to {highest}, none is {missing}: "
            "number them without gaps, or add label_names"
        )
    return tuple(map(str, range(highest + 1)))


def _given_names(where: str, names: NDArray[Any], highest: int) -> tuple[str, ...]:
    if names.ndim != 1 or names.dtype.kind != "U" or len(names) <= highest or len(set(names)) < len(names):
        raise DataError(
            f"{where}: expected a different text for each label from 0 to {highest}, came {names.dtype} "
            f"{names.shape}{' with doubles' if len(set(names.flat)) < names.size else ''}: save numpy.array([...])"
        )
    return tuple(map(str, names))


def _parts(arrays: dict[str, Named], train: Split, labels: int, seed: int) -> tuple[Split, Split]:
    """The train and the test set, as they were given or by a stratified split."""
    if "X_test" in arrays:
        test = _split(arrays["X_test"], arrays["y_test"])
        _check_test(arrays, train, test, labels)
        return train, test
    counts = np.bincount(train.labels)
    if 1 in counts:
        raise DataError(
            f"{arrays['y'][0]}: expected two examples or more of each label, there is one of label "
            f"{int(np.argmax(counts == 1))}: add some, or save X_test and y_test"
        )
    kept, held = share_for_test(train.labels, seed)
    return subset(train, kept), subset(train, held)


def _check_test(arrays: dict[str, Named], train: Split, test: Split, labels: int) -> None:
    if test.X.shape[1:] != train.X.shape[1:] or test.X.dtype != train.X.dtype:
        raise DataError(
            f"{arrays['X_test'][0]}: expected examples {train.X.shape[1:]} {train.X.dtype} as in the training "
            f"set, came {test.X.shape[1:]} {test.X.dtype}: save both alike"
        )
    if test.labels.max() >= labels:
        raise DataError(
            f"{arrays['y_test'][0]}: expected labels from 0 to {labels - 1} as in the training set, "
            f"came {test.labels.max()}: save both with the same labels"
        )
