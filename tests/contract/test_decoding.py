"""Training and serving see the same pixels: both decode the same bytes alike, or both refuse them."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from pipeline.data import pictures
from pipeline.errors import DataError
from service import images
from service.errors import RequestError

RGB = np.random.default_rng(1).integers(0, 256, (12, 9, 3), np.uint8)
GREY = RGB[..., 0]
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def transparent(mode: str) -> Image.Image:
    """A picture that fades away to the right."""
    image = Image.fromarray(RGB).convert(mode)
    image.putalpha(Image.linear_gradient("L").resize(image.size).rotate(90))
    return image


def with_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def samples() -> Iterator[tuple[str, bytes]]:
    """Every format, mode and oddity that people send, by name."""
    colour, grey = Image.fromarray(RGB), Image.fromarray(GREY)
    for form in FORMATS:
        yield f"{form} colour", encoded(colour, form)
        yield f"{form} grey", encoded(grey, form)
    for form in ("PNG", "GIF", "BMP", "TIFF"):
        yield f"{form} one bit", encoded(grey.convert("1"), form)
        yield f"{form} palette", encoded(colour.quantize(16), form)
    for form in ("PNG", "WEBP", "TIFF"):
        yield f"{form} RGBA", encoded(transparent("RGB"), form)
    yield "PNG LA", encoded(transparent("L"), "PNG")
    yield "PNG transparent entry", encoded(colour.quantize(8), "PNG", transparency=3)
    yield "PNG transparent entries", encoded(colour.quantize(4), "PNG", transparency=bytes([0, 80, 160, 255]))
    yield "GIF transparent entry", encoded(colour.quantize(8), "GIF", transparency=3)
    yield "PNG transparent colour", encoded(colour, "PNG", transparency=tuple(map(int, RGB[3, 3])))
    yield "PNG transparent grey", encoded(grey, "PNG", transparency=int(GREY[3, 3]))
    yield "JPEG CMYK", encoded(colour.convert("CMYK"), "JPEG")
    yield "TIFF CMYK", encoded(colour.convert("CMYK"), "TIFF")
    yield "TIFF LAB", encoded(Image.merge("LAB", colour.split()), "TIFF")
    yield "JPEG progressive", encoded(colour, "JPEG", progressive=True, quality=30)
    for orientation in range(10):
        yield f"JPEG EXIF {orientation}", encoded(colour, "JPEG", exif=with_exif(orientation))
    yield "PNG EXIF 6", encoded(colour, "PNG", exif=with_exif(6))
    yield "WEBP EXIF 8", encoded(colour, "WEBP", exif=with_exif(8))
    yield "TIFF EXIF 3", encoded(colour, "TIFF", exif=with_exif(3))
    yield "JPEG XMP", encoded(colour, "JPEG", xmp=XMP.encode())
    yield "JPEG torn EXIF", encoded(colour, "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff")
    frames = [Image.fromarray(np.full((9, 9, 3), value, np.uint8)) for value in (30, 200)]
    for form in ("GIF", "PNG", "WEBP", "TIFF"):
        yield f"{form} animation", encoded(frames[0], form, save_all=True, append_images=frames[1:])
    yield from deep()


def deep() -> Iterator[tuple[str, bytes]]:
    """Grey of more than eight bits."""
    ramp = np.linspace(0, 1, 108).reshape(12, 9)
    sixteen = (ramp * 65535).astype(np.uint16)
    yield "PNG 16 bits", encoded(Image.fromarray(sixteen), "PNG")
    yield "PNG 16 bits, dark", encoded(Image.fromarray(sixteen // 300), "PNG")
    yield "TIFF 16 bits", encoded(Image.fromarray(sixteen), "TIFF")
    for name, values in {
        "of bytes": ramp * 255,
        "of 16 bits": ramp * 65535,
        "beyond": ramp * 1e6,
        "below 0": ramp * 500 - 100,
        "all alike": ramp * 0 + 7,
    }.items():
        yield f"TIFF 32 bits {name}", encoded(Image.fromarray(values.astype(np.int32)), "TIFF")
        yield f"TIFF floats {name}", encoded(Image.fromarray(values.astype(np.float32)), "TIFF")
    yield "TIFF floats from 0 to 1", encoded(Image.fromarray(ramp.astype(np.float32)), "TIFF")
    ramp[2, 2:5] = np.nan, np.inf, -np.inf
    yield "TIFF floats that are none", encoded(Image.fromarray(ramp.astype(np.float32)), "TIFF")


SAMPLES = dict(samples())


def trained_on(data: bytes) -> np.ndarray | None:
    try:
        with pictures.quiet():
            return pictures.decode(data)
    except DataError:
        return None


def answered_on(data: bytes) -> np.ndarray | None:
    try:
        with pictures.quiet():
            return images.decode(data, max_pixels=1_000_000)
    except RequestError:
        return None


@pytest.mark.parametrize("name", SAMPLES)
def test_the_same_pixels(name: str) -> None:
    trained, answered = trained_on(SAMPLES[name]), answered_on(SAMPLES[name])
    assert trained is not None
    assert answered is not None
    np.testing.assert_array_equal(trained, answered)
    assert trained.dtype == answered.dtype == np.uint8
    assert trained.shape[2] == 3


@given(st.sampled_from(sorted(SAMPLES)), st.floats(0, 1), st.integers(0, 255), st.floats(0.2, 1))
@settings(max_examples=300)
def test_damage_is_taken_alike(name: str, place: float, byte: int, kept: float) -> None:
    """A byte changed and the end cut off: the same pixels, or refused by both."""
    data = bytearray(SAMPLES[name])
    data[int(place * (len(data) - 1))] = byte
    data = data[: int(kept * len(data)) + 1]
    trained, answered = trained_on(bytes(data)), answered_on(bytes(data))
    assert (trained is None) == (answered is None)
    if trained is not None:
        np.testing.assert_array_equal(trained, answered)


def test_the_same_formats() -> None:
    assert set(pictures.FORMATS) == {*images.SIGNATURES.values(), "WEBP"}


@pytest.mark.parametrize("form", ["ICO", "PPM", "TGA"])
def test_other_formats_are_refused_by_both(form: str) -> None:
    data = encoded(Image.fromarray(RGB).resize((16, 16)), form)
    assert trained_on(data) is None
    assert answered_on(data) is None


def test_a_drawing_with_a_transparent_ground() -> None:
    """What a drawing program saves: black strokes on nothing; on white paper for both."""
    image = Image.new("RGBA", (40, 40))
    ImageDraw.Draw(image).line((8, 8, 30, 32), fill="black", width=3)
    data = encoded(image, "PNG")
    trained = trained_on(data)
    np.testing.assert_array_equal(trained, answered_on(data))
    assert (trained[0, 0] == 255).all()
    assert trained.min() == 0
