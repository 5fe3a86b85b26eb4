"""PNGs that are nothing but pixels, read at once: the same pixels and the same errors as by Pillow's own reader."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from service import images
from service.errors import RequestError
from service.plainpng import plain_png

MOST = 10_000


def png(mode: str, width: int = 28, height: int = 20, **options: Any) -> bytes:
    """A picture of strokes and noise, in which an encoder uses all of PNG's filters."""
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, len(mode)), np.uint8)
    pixels[height // 3 :, : width // 2] = np.arange(height - height // 3)[:, None, None]
    file = BytesIO()
    Image.fromarray(pixels[..., 0] if mode == "L" else pixels).save(file, "PNG", **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def outcome(data: bytes) -> tuple[str, Any]:
    """What `decode` says: pixels, or which error."""
    try:
        pixels = images.decode(data, MOST)
    except RequestError as error:
        return type(error).__name__, str(error)
    return str(pixels.shape), pixels.tobytes()


@pytest.fixture
def by_pillow(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], tuple[str, Any]]:
    """What is said when no picture is read at once."""

    def ask(data: bytes) -> tuple[str, Any]:
        with monkeypatch.context() as patched:
            patched.setattr(images, "plain_png", lambda data, max_pixels: None)
            return outcome(data)

    return ask


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (28, 28), (3, 200), (100, 100)])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_plain_pictures_are_read_at_once(
    mode: str, width: int, height: int, level: int, by_pillow: Callable[[bytes], tuple[str, Any]]
) -> None:
    data = png(mode, width, height, compress_level=level)
    read = plain_png(data, MOST)
    assert read is not None
    assert (read.mode, read.size) == (mode, (width, height))
    assert outcome(data) == by_pillow(data)


def with_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "somebody")
    return png("L", pnginfo=text)


def with_two_pieces() -> bytes:
    whole = png("L")
    pixels, end = whole[41:-16], whole[-12:]
    return whole[:33] + chunk(b"IDAT", pixels[:50]) + chunk(b"IDAT", pixels[50:]) + end


def turned() -> bytes:
    """Whose EXIF data comes after the pixels."""
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6
    whole = png("L")
    return whole[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + whole[-12:]


def other_size(width: int, height: int) -> bytes:
    """More or fewer pixels promised than there are."""
    whole = png("L")
    return whole[:8] + chunk(b"IHDR", struct.pack(">II", width, height) + whole[24:29]) + whole[33:]


@pytest.mark.parametrize(
    "data",
    [
        png("RGBA"),
        png("LA"),
        png("L", bits=4),
        with_text(),
        with_two_pieces(),
        turned(),
        other_size(2**31 - 1, 2**31 - 1),
        other_size(0, 20),
        png("L")[:-1],
        png("L") + b"more",
        png("L")[:60] + b"\xff" * 30 + png("L")[90:],
        png("L", 200, 200),
        b"",
    ],
    ids=lambda data: f"{len(data)} bytes",
)
def test_all_others_are_left_to_pillow(data: bytes, by_pillow: Callable[[bytes], tuple[str, Any]]) -> None:
    assert plain_png(data, MOST) is None
    assert outcome(data) == by_pillow(data)


def test_rows_that_are_missing_stay_black(by_pillow: Callable[[bytes], tuple[str, Any]]) -> None:
    data = other_size(28, 200)  # of which there are 20 rows
    assert not images.decode(data, MOST)[20:].any()
    assert outcome(data) == by_pillow(data)


def test_a_wrong_checksum_of_the_head_is_left_to_pillow(by_pillow: Callable[[bytes], tuple[str, Any]]) -> None:
    whole = png("L")
    data = whole[:29] + bytes(4) + whole[33:]
    assert plain_png(data, MOST) is None
    assert outcome(data)[0] == by_pillow(data)[0] == "DamagedImage"


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_damage_of_any_kind_has_the_same_outcome(mode: str, by_pillow: Callable[[bytes], tuple[str, Any]]) -> None:
    rng, whole, read = Random(1), png(mode, 12, 9), 0
    for _ in range(3_000):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.5:  # as if it had been meant
            data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        read += plain_png(bytes(data), MOST) is not None
        assert outcome(bytes(data)) == by_pillow(bytes(data))
    assert 10 < read < 2_990
