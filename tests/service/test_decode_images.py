"""Every format, mode and orientation that people send comes out as the RGB picture they see."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.errors import DamagedImage, EmptyBody, ImageTooLarge, NotAnImage, RequestError, UnsupportedImage
from service.images import ORIENTATION, decode

MOST = 1_000_000
# Dark on the left, light on the right, and the upper half brighter: every turn of it looks different.
SCENE = np.array([[100, 200, 250], [0, 150, 210]], np.uint8).repeat(8, axis=0).repeat(8, axis=1)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_format_gives_the_pixels_that_went_in(form: str, mode: str) -> None:
    image = Image.fromarray(np.dstack([SCENE] * 3) if mode == "RGB" else SCENE)
    decoded = decode(encoded(image, form), MOST)
    assert decoded.dtype == np.uint8
    assert decoded.shape == (16, 24, 3)
    assert np.abs(decoded.astype(int) - SCENE[..., None]).max() <= 30  # JPEG and WebP lose a little at the edges
    assert np.abs(decoded.astype(int) - SCENE[..., None]).mean() <= 3


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, SCENE),
        (2, SCENE[:, ::-1]),
        (3, SCENE[::-1, ::-1]),
        (4, SCENE[::-1]),
        (5, SCENE.T),
        (6, np.rot90(SCENE, 1)),
        (7, SCENE[::-1, ::-1].T),
        (8, np.rot90(SCENE, 3)),
    ],
)
@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_exif_orientation_is_undone(form: str, orientation: int, stored: np.ndarray[Any, Any]) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"lossless": True} if form == "WEBP" else {"quality": 100} if form == "JPEG" else {}
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), form, exif=exif, **options)
    decoded = decode(data, MOST)
    assert decoded.shape == (16, 24, 3)
    assert np.abs(decoded[..., 0].astype(int) - SCENE).max() <= 3


def test_exif_that_cannot_be_read_is_ignored() -> None:
    assert decode(encoded(Image.fromarray(SCENE), "JPEG", exif=b"Exif\0\0rubbish"), MOST).shape == (16, 24, 3)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_white_paper(form: str) -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 0, 255))
    decoded = decode(encoded(image, form, **({"lossless": True} if form == "WEBP" else {})), MOST)
    assert decoded[0, 0].tolist() == [0, 0, 0]
    assert decoded[3, 3].tolist() == [255, 255, 255]


def test_half_transparent_ink_is_half_grey() -> None:
    decoded = decode(encoded(Image.new("LA", (2, 2), (0, 127)), "PNG"), MOST)
    assert decoded[0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_transparent_palette_entry_is_white(form: str) -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putpixel((0, 0), 1)
    decoded = decode(encoded(image, form, transparency=0), MOST)
    assert decoded[0, 0].tolist() == [200, 0, 0]
    assert decoded[3, 3].tolist() == [255, 255, 255]


def test_transparent_colour_key_of_rgb_png_is_white() -> None:
    decoded = decode(encoded(Image.new("RGB", (2, 2), (1, 2, 3)), "PNG", transparency=(1, 2, 3)), MOST)
    assert decoded[0, 0].tolist() == [255, 255, 255]


def test_one_bit_pictures() -> None:
    assert decode(encoded(Image.new("1", (3, 3), 1), "PNG"), MOST).min() == 255
    assert decode(encoded(Image.new("1", (3, 3), 0), "TIFF"), MOST).max() == 0


@pytest.mark.parametrize(
    ("values", "form", "expected"),
    [
        (np.array([[0, 32768, 65535]], np.uint16), "PNG", [0, 128, 255]),
        (np.array([[0, 32768, 65535]], np.uint16), "TIFF", [0, 128, 255]),
        (np.array([[0, 128, 255]], np.int32), "TIFF", [0, 128, 255]),
        (np.array([[0, 32768, 65535]], np.int32), "TIFF", [0, 128, 255]),
        (np.array([[-51, 0, 204]], np.int32), "TIFF", [0, 51, 255]),
        (np.array([[0, 0.5, 1]], np.float32), "TIFF", [0, 128, 255]),
        (np.array([[0, 128, 255]], np.float32), "TIFF", [0, 128, 255]),
        (np.array([[0, np.nan, 1]], np.float32), "TIFF", [0, 0, 255]),
        (np.array([[-7, -7, -7]], np.float32), "TIFF", [0, 0, 0]),
    ],
)
def test_deep_pictures_are_scaled_and_not_clipped(values: np.ndarray[Any, Any], form: str, expected: list[int]) -> None:
    assert decode(encoded(Image.fromarray(values), form), MOST)[0, :, 0].tolist() == expected


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk(form: str) -> None:
    decoded = decode(encoded(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), form), MOST)
    assert decoded.min() >= 250


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (4, 4), "white"), Image.new("RGB", (4, 4), "black")]
    for form in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        assert decode(data, MOST).min() >= 250, form


def test_stereo_jpeg_is_its_first_picture() -> None:
    frames = [Image.new("RGB", (8, 8), "white"), Image.new("RGB", (8, 8), "black")]
    assert decode(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]), MOST).min() >= 250


def test_lab() -> None:
    assert decode(encoded(Image.new("LAB", (4, 4), (255, 128, 128)), "TIFF"), MOST).min() >= 250


def test_no_bytes() -> None:
    with pytest.raises(EmptyBody):
        decode(b"", MOST)


@pytest.mark.parametrize("data", [b"hello", b"\0" * 100, b"RIFFxxxxWAVE", b"<html></html>"])
def test_not_an_image(data: bytes) -> None:
    with pytest.raises(NotAnImage, match="expected a PNG"):
        decode(data, MOST)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"8BPS\0\1", "PSD"),
        (b"\0\0\1\0\1\0", "ICO"),
        (b"\0\0\0\x18ftypheic", "HEIF or AVIF"),
        (b"\0\0\0\x1cftypavif", "HEIF or AVIF"),
        (b"\0\0\0\x0cjP  \r\n", "JPEG 2000"),
        (b"%PDF-1.7", "PDF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x">', "SVG"),
        (b"P6 1 1 255\n", "PNM"),
    ],
)
def test_pictures_of_other_formats_are_named(data: bytes, name: str) -> None:
    with pytest.raises(UnsupportedImage, match=name):
        decode(data, MOST)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_truncated_pictures_are_refused(form: str, kept: float) -> None:
    rng = np.random.default_rng(0)
    data = encoded(Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)), form)
    with pytest.raises(DamagedImage, match=form):
        decode(data[: int(len(data) * kept)], MOST)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_hostile_bytes_never_raise_anything_else(form: str) -> None:
    rng = np.random.default_rng(1)
    data = encoded(Image.fromarray(SCENE), form)
    outcomes = set()
    for _ in range(150):
        hostile = bytearray(data)
        for at in rng.integers(0, len(data), 6):
            hostile[at] = rng.integers(256)
        try:
            outcomes.add(decode(bytes(hostile), MOST).shape[2])
        except RequestError as error:
            outcomes.add(error.status)
    assert outcomes <= {3, 400, 413, 415}


def test_size_is_checked_before_decoding(picture: Callable[..., bytes]) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
    )
    with pytest.raises(ImageTooLarge, match="60000x60000"):
        decode(bomb, MOST)
    with pytest.raises(ImageTooLarge):
        decode(picture(size=(101, 100)), 10_000)
    assert decode(picture(size=(100, 100)), 10_000).shape == (100, 100, 3)


def test_text_chunk_bomb_is_refused() -> None:
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(64_000_000)))
    data = encoded(Image.fromarray(SCENE), "PNG")
    with pytest.raises(DamagedImage, match="too large"):
        decode(data[:33] + text + data[33:], MOST)
