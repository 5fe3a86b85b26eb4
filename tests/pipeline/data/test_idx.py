import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pipeline.data.idx import read_images, read_labels, read_split
from pipeline.errors import DataError


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_images_come_back_with_their_channel(tmp_path, write_idx, name):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 4)).astype(np.uint8)
    X = read_images(write_idx(tmp_path / name, pixels))
    assert X.shape == (3, 1, 5, 4)
    assert X.dtype == np.uint8
    np.testing.assert_array_equal(X[:, 0], pixels)


@given(pixels=arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=6)), zipped=st.booleans())
def test_any_shape_makes_the_round_trip(tmp_path_factory, write_idx, pixels, zipped):
    path = tmp_path_factory.mktemp("idx") / ("images.gz" if zipped else "images")
    np.testing.assert_array_equal(read_images(write_idx(path, pixels))[:, 0], pixels)


def test_the_bytes_say_whether_it_is_zipped_not_the_name(tmp_path, write_idx):
    path = write_idx(tmp_path / "labels.gz", np.arange(4)).rename(tmp_path / "labels")
    np.testing.assert_array_equal(read_labels(path), [0, 1, 2, 3])


def refuse(reader, path, *said):
    with pytest.raises(DataError) as caught:
        reader(path)
    message = str(caught.value)
    assert path.name in message
    for words in said:
        assert words in message
    assert "\n" not in message


def test_no_file(tmp_path):
    refuse(read_images, tmp_path / "images.gz", "there is no file", "fetch it")


def test_no_permission(tmp_path):
    folder = tmp_path / "images.gz"
    folder.mkdir()
    refuse(read_images, folder, "cannot be read")


@pytest.mark.parametrize("content", [b"", b"\0\0", struct.pack(">II", 0x803, 3)])
def test_the_header_ends_too_early(tmp_path, content):
    path = tmp_path / "images"
    path.write_bytes(content)
    refuse(read_images, path, "ends within", "fetch it again")


def test_labels_where_images_should_be(tmp_path, write_idx):
    refuse(read_images, write_idx(tmp_path / "x", np.arange(3)), "0x00000803", "labels (0x00000801)", "swapped")


def test_images_where_labels_should_be(tmp_path, write_idx):
    refuse(read_labels, write_idx(tmp_path / "x", np.zeros((1, 2, 2))), "0x00000801", "swapped")


@pytest.mark.parametrize("magic", [0xD03, 0x804, 0x89504E47])
def test_another_type_or_another_file(tmp_path, magic):
    path = tmp_path / "images"
    path.write_bytes(struct.pack(">IIII", magic, 1, 1, 1) + b"1")
    refuse(read_images, path, f"0x{magic:08x}", "right file")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_truncated(tmp_path, write_idx, suffix):
    path = write_idx(tmp_path / f"images{suffix}", np.zeros((2, 3, 3)), sizes=(3, 3, 3))
    refuse(read_images, path, "3 x 3 x 3 = 27 bytes", "cut off after 18")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_overlong(tmp_path, write_idx, suffix):
    path = write_idx(tmp_path / f"images{suffix}", np.zeros((4, 3, 3)), sizes=(3, 3, 3))
    refuse(read_images, path, "27 bytes", "there are more")


@pytest.mark.parametrize("sizes", [(0, 3, 3), (3, 0, 3)])
def test_empty(tmp_path, write_idx, sizes):
    refuse(read_images, write_idx(tmp_path / "images", np.zeros((0, 3, 3)), sizes=sizes), "at least one example")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_hostile_header_gets_no_memory(tmp_path, write_idx, suffix):
    huge = (2**32 - 1,) * 3
    refuse(read_images, write_idx(tmp_path / f"images{suffix}", np.zeros((1, 3, 3)), sizes=huge), "cut off")


def test_gzip_cut_off(tmp_path, write_idx):
    path = write_idx(tmp_path / "images.gz", np.random.default_rng(0).integers(0, 256, (9, 9, 9)))
    path.write_bytes(path.read_bytes()[:-20])
    refuse(read_images, path, "whole gzip file", "fetch it again")


def test_gzip_damaged(tmp_path, write_idx):
    path = write_idx(tmp_path / "images.gz", np.random.default_rng(0).integers(0, 256, (9, 9, 9)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    refuse(read_images, path, "fetch it again")


def test_gzip_of_the_wrong_sum(tmp_path):
    content = bytearray(gzip.compress(struct.pack(">II", 0x801, 3) + b"123"))
    content[-8] ^= 0xFF
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    refuse(read_labels, path, "damaged")


def test_images_and_labels_of_different_counts(tmp_path, write_idx):
    images = write_idx(tmp_path / "images", np.zeros((3, 2, 2)))
    labels = write_idx(tmp_path / "labels", np.arange(4))
    with pytest.raises(DataError, match="3 images in images, there are 4: take both"):
        read_split(images, labels)


def test_a_label_outside_the_range(tmp_path, write_idx):
    images = write_idx(tmp_path / "images", np.zeros((3, 2, 2)))
    labels = write_idx(tmp_path / "labels", np.array([9, 10, 3]))
    assert len(read_split(images, labels)) == 3
    with pytest.raises(DataError, match="labels from 0 to 9, label 1 is 10"):
        read_split(images, labels, classes=10)
