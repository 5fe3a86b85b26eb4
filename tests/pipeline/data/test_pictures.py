import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.data import pictures as module
from pipeline.data.pictures import FORMATS, decode, quiet
from pipeline.errors import DataError

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8)


def encoded(image, form="PNG", **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("form", FORMATS)
def test_every_format(tmp_path, form):
    smooth = np.full((6, 9, 3), (200, 100, 50), dtype=np.uint8)
    path = tmp_path / "picture"
    path.write_bytes(encoded(Image.fromarray(smooth), form))
    pixels = decode(path)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels.astype(int), smooth, atol=4)


def test_bytes_as_well_as_files():
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(RGB))), RGB)


@pytest.mark.parametrize(
    ("mode", "form"), [("1", "PNG"), ("L", "PNG"), ("P", "PNG"), ("CMYK", "JPEG"), ("LAB", "TIFF")]
)
def test_every_mode_becomes_rgb(mode, form):
    image = Image.new("LAB", (9, 6)) if mode == "LAB" else Image.fromarray(RGB).convert(mode)
    assert decode(encoded(image, form)).shape == (6, 9, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_becomes_white(mode):
    clear = Image.new("RGBA", (3, 2), (0, 0, 0, 0)).convert(mode)
    assert decode(encoded(clear, "TIFF" if mode == "PA" else "PNG")).min() == 255


def test_half_transparent_is_half_white():
    half = Image.new("RGBA", (3, 2), (0, 0, 0, 128))
    assert decode(encoded(half)).max() == 127


def test_a_transparent_colour_of_a_palette():
    image = Image.new("P", (3, 2), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    assert decode(encoded(image, "GIF", transparency=0)).min() == 255


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled(form):
    deep = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(deep), form))[0, :, 0], [0, 1, 128, 255])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 128, 255]], np.int32), [0, 128, 255]),
        (np.array([[0, 32896, 65535]], np.int32), [0, 128, 255]),
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 128, np.nan]], np.float32), [0, 128, 0]),
        (np.array([[-100, 0, 300]], np.int32), [0, 64, 255]),
        (np.array([[0, 0.25, 1e6]], np.float32), [0, 0, 255]),
        (np.array([[-3, -3, -3]], np.float32), [0, 0, 0]),
    ],
)
def test_deep_tiff(values, expected):
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(values), "TIFF"))[0, :, 0], expected)


def test_exif_turns_it_upright():
    image = Image.fromarray(RGB)
    image.getexif()[0x0112] = 6  # the camera was held turned by a quarter
    assert decode(encoded(image, "TIFF", exif=image.getexif())).shape == (9, 6, 3)


def test_a_damaged_exif_block_costs_nothing():
    content = encoded(Image.fromarray(RGB), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03")
    with quiet():
        assert decode(content).shape == (6, 9, 3)


def test_the_first_frame_of_an_animation():
    frames = [Image.new("L", (4, 4), grey) for grey in (10, 200)]
    assert decode(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])).max() == 10


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"<svg/>"])
def test_what_is_no_picture(tmp_path, content):
    path = tmp_path / "odd.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"odd\.png: expected a whole PNG, JPEG.*save it again"):
        decode(path)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        decode(tmp_path / "none.png")


@given(form=st.sampled_from(FORMATS), data=st.data())
def test_damage_is_refused_or_survived_never_more(form, data):
    content = bytearray(encoded(Image.fromarray(RGB), form))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[at] ^= data.draw(st.integers(1, 255))
    with quiet(), suppress(DataError):
        assert decode(bytes(content[: data.draw(st.integers(0, len(content)))])).shape[2] == 3


def test_a_bomb_is_refused_before_it_is_decoded():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
    with quiet(), pytest.raises(DataError):
        decode(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)))


def test_the_limit_is_in_pixels(monkeypatch):
    monkeypatch.setattr(module, "MAX_PIXELS", 53)
    with pytest.raises(DataError, match="at most 53 pixels, came 9 x 6: make it smaller"):
        decode(encoded(Image.fromarray(RGB)))
