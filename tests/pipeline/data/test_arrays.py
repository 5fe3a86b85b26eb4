import zipfile

import numpy as np
import pytest

from pipeline.data.arrays import guess, load
from pipeline.errors import DataError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (20, 6, 5)).astype(np.uint8)
Y = np.arange(20) % 4


def saved(tmp_path, **arrays):
    path = tmp_path / "set.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(("X", "y"), [("X", "y"), ("x", "y"), ("images", "labels"), ("x_train", "y_train")])
def test_the_names_people_use(tmp_path, X, y):
    data = load(saved(tmp_path, **{X: GREY, y: Y}))
    assert data.name == "set"
    assert data.train.X.shape == (16, 1, 6, 5)
    assert data.test.X.shape == (4, 1, 6, 5)
    assert sorted(data.test.labels) == [0, 1, 2, 3]
    assert data.labels == ("0", "1", "2", "3")
    assert data.pictures == "photo"


@pytest.mark.parametrize(
    ("given", "came"),
    [
        ((6, 5), (1, 6, 5)),
        ((1, 6, 5), (1, 6, 5)),
        ((3, 6, 5), (3, 6, 5)),
        ((6, 5, 3), (3, 6, 5)),
        ((6, 5, 1), (1, 6, 5)),
    ],
)
def test_channels_first_or_last_or_none(tmp_path, given, came):
    assert load(saved(tmp_path, X=np.zeros((20, *given), np.uint8), y=Y)).shape == came


def test_channels_last_are_moved_not_reshaped(tmp_path):
    X = RNG.integers(0, 256, (20, 6, 5, 3)).astype(np.uint8)
    data = load(saved(tmp_path, x_train=X, y_train=Y, x_test=X, y_test=Y))
    np.testing.assert_array_equal(data.train.X[:, 1], X[..., 1])


def test_a_test_set_of_its_own(tmp_path):
    data = load(saved(tmp_path, x_train=GREY, y_train=Y[:, None], x_test=GREY[:6], y_test=Y[:6].astype(np.uint8)))
    assert (len(data.train), len(data.test)) == (20, 6)
    assert data.test.labels.dtype == np.int64


def test_label_names(tmp_path):
    assert load(saved(tmp_path, X=GREY, y=Y, label_names=list("abcde"))).labels == tuple("abcde")


def test_features(tmp_path):
    data = load(saved(tmp_path, X=RNG.normal(size=(20, 3)), y=Y))
    assert data.shape == (3,)
    assert data.train.X.dtype == np.float32
    assert data.pictures is None


def test_ink_is_told_from_photos(tmp_path):
    ink = np.zeros((20, 1, 9, 9), np.uint8)
    ink[:, :, 3:6, 4] = 255
    assert guess(ink) == "ink"
    assert guess(255 - ink) == "photo"
    assert guess(np.repeat(ink, 3, axis=1)) == "photo"
    assert load(saved(tmp_path, X=255 - ink, y=Y), pictures="ink").pictures == "ink"


def test_the_seed_decides_the_test_set(tmp_path):
    path = saved(tmp_path, X=GREY, y=Y)
    assert load(path, 1).sha256 == load(path, 1).sha256 != load(path, 2).sha256


def case(match, **arrays):
    return pytest.param(arrays, match, id=match)


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        case("called X or x or .*, came A, y: save", A=GREY, y=Y),
        case("called y or labels or .*, came X: save", X=GREY),
        case("X_test and y_test, came only one", X=GREY, y=Y, X_test=GREY),
        case("X: expected pictures as uint8, 0 to 255, came float32", X=GREY / np.float32(255), y=Y),
        case("X: expected pictures .* with 1 or 3 channels, came", X=np.zeros((20, 4, 6, 5), np.uint8), y=Y),
        case("X: expected pictures .* came .20, 1, 1, 6, 5.", X=GREY[:, None, None], y=Y),
        case("X: expected examples .* came .20,.", X=GREY[:, 0, 0], y=Y),
        case("X: expected examples .* came .0, 6, 5.", X=GREY[:0], y=Y[:0]),
        case("X: expected features as real numbers, came <U3", X=np.array([["one"]] * 20), y=Y),
        case("X: expected finite .* row 2 has others", X=np.where(np.arange(20) == 2, np.nan, 1.0)[:, None], y=Y),
        case("X: expected finite .* that fit float32, row 0", X=np.full((20, 1), 1e300), y=Y),
        case("X: .* it holds Python objects: save", X=np.array([None] * 20), y=Y),
        case("y: expected a label for each of the 20 examples, came 19", X=GREY, y=Y[:19]),
        case("y: expected labels as whole numbers .* came float64 .20,.", X=GREY, y=Y / 1.0),
        case("y: expected labels as whole numbers .* came int64 .20, 4.", X=GREY, y=np.eye(4, dtype=int)[Y]),
        case("y: expected labels from 0, label 0 is -1: number", X=GREY, y=Y - 1),
        case("y: expected each label from 0 to 4, none is 0: number", X=GREY, y=Y + 1),
        case("y: expected each label from 0 to 1000000000000, none is 0", X=GREY, y=np.where(Y == 0, 10**12, Y)),
        case("y: expected two labels or more, all are 0", X=GREY, y=Y * 0),
        case("y: expected two examples or more of each label, there is one of label 4", X=GREY, y=[4, *Y[1:]]),
        case("label_names: expected a different text for each label from 0 to 3", X=GREY, y=Y, label_names=["a"]),
        case("label_names: .* with doubles", X=GREY, y=Y, label_names=list("aabb")),
        case("label_names: .* came int64 .4,.", X=GREY, y=Y, label_names=[0, 1, 2, 3]),
        case("X_test: expected examples .1, 6, 5. uint8", X=GREY, y=Y, X_test=GREY[:, 1:], y_test=Y),
        case("y_test: expected labels from 0 to 3 .* came 4: save", X=GREY, y=Y, X_test=GREY, y_test=Y + 1),
    ],
)
def test_what_is_refused(tmp_path, arrays, match):
    with pytest.raises(DataError, match=match) as caught:
        load(saved(tmp_path, **arrays))
    assert "\n" not in str(caught.value)


def test_a_truncated_file(tmp_path):
    path = saved(tmp_path, X=GREY, y=Y)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"cut off or no \.npz"):
        load(path)


def test_a_damaged_array(tmp_path):
    path = saved(tmp_path, X=GREY, y=Y)
    content = bytearray(path.read_bytes())
    content[300] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="X: expected an array of numbers, it cannot be read"):
        load(path)


def test_another_kind_of_file(tmp_path):
    path = tmp_path / "set.npz"
    np.save(path.with_suffix(".npy"), GREY)
    with pytest.raises(DataError, match=r"cut off or no \.npz"):
        load(path.with_suffix(".npy").rename(path))


def test_a_zip_of_other_things(tmp_path):
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("X.npy", "no array")
        file.writestr("y", "no array")
    with pytest.raises(DataError, match="X: expected an array of numbers, it cannot be read"):
        load(path)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "set.npz")


def test_a_header_that_promises_too_much(tmp_path):
    path = tmp_path / "set.npz"
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999, 9, 9), }".ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("X.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        file.writestr("y.npy", b"")
    with pytest.raises(DataError, match="X: expected an array of numbers, it cannot be read"):
        load(path)
