"""Bytes of a picture -> RGB pixels, uint8 [h,w,3]; hostile bytes -> a clear error.

The bytes decide what a picture is, never a header or a file name. Transparent parts become white paper, the
orientation that a camera wrote down is applied, deep pixels are scaled to 8 bits and an animation is its first frame.
"""

import re
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from service.errors import DamagedImage, EmptyBody, ImageTooLarge, NotAnImage, UnsupportedImage
from service.plainpng import plain_png

READABLE = "PNG, JPEG, GIF, BMP, WebP or TIFF"
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
# Pictures and documents that people send and that are not read here, so that the answer can say so.
FOREIGN = {
    "PSD": rb"8BPS",
    "ICO": rb"\0\0[\1\2]\0",
    "HEIF or AVIF": rb"....ftyp(?:hei|hev|mif|msf|avi)",
    "JPEG 2000": rb"\0\0\0\x0cjP|\xffO\xffQ",
    "JPEG XL": rb"\xff\x0a|\0\0\0\x0cJXL",
    "PDF": rb"%PDF-",
    "PostScript": rb"%!PS",
    "SVG": rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?(?:<!DOCTYPE svg[^>]*>\s*)?<svg",
    "PNM": rb"P[1-6]\s",
    "DDS": rb"DDS ",
    "OpenEXR": rb"v/1\1",
    "QOI": rb"qoif",
}
FOREIGN_BYTES = re.compile(b"|".join(b"(?P<f%d>%s)" % each for each in enumerate(FOREIGN.values())), re.DOTALL)
# Image.open would find the same by itself, in a tenth of the time that a small picture takes, and import all forty
# formats when it met its first TIFF.
OPEN: dict[str, Callable[[BytesIO, str], Image.Image]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.jpeg_factory,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}
# What they raise on a header that is none.
NO_HEADER = (SyntaxError, IndexError, TypeError, struct.error)
ORIENTATION = 0x0112
# What undoes each EXIF orientation; 1 is upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# The check below is the limit; Pillow's own would only warn.
Image.MAX_IMAGE_PIXELS = None


def picture_format(data: bytes) -> str | None:
    """The name that Pillow has for the format of these bytes, or None when it is not one that is read here."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((name for start, name in SIGNATURES.items() if data.startswith(start)), None)


def decode(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """The picture in `data` as RGB [h,w,3], decoded only when it has at most `max_pixels` pixels.

    Raises EmptyBody, NotAnImage, UnsupportedImage, ImageTooLarge or DamagedImage.
    """
    plain = plain_png(data, max_pixels)
    if plain is not None:
        return to_rgb(plain)
    name = picture_format(data) or refuse(data)
    try:
        with opened(name, data) as image:
            check_size(image.size, max_pixels)
            return to_rgb(upright(image))
    except ImageTooLarge:
        raise
    except Exception as error:  # decoders fail in too many ways on hostile bytes to name them all
        raise DamagedImage(f"this {name} picture is truncated or damaged: {reason(error)}") from None


def opened(name: str, data: bytes) -> Image.Image:
    """The picture, of which no more than the header is read."""
    try:
        return OPEN[name](BytesIO(data), "")
    except NO_HEADER:
        raise ValueError("its header cannot be read") from None


def refuse(data: bytes) -> str:
    """Say what is wrong with bytes that are no readable picture."""
    if not data:
        raise EmptyBody("expected a picture, got no bytes")
    foreign = FOREIGN_BYTES.match(data[:1024])
    if foreign is None:
        raise NotAnImage(f"expected a {READABLE} picture, got {len(data)} bytes that are none")
    found = next(name for name, group in zip(FOREIGN, foreign.groups(), strict=True) if group is not None)
    raise UnsupportedImage(f"expected a {READABLE} picture, got {found}; convert it first")


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageTooLarge(f"the picture has {width}x{height} pixels; the limit leaves {max_pixels}")


def upright(image: Image.Image) -> Image.Image:
    """The picture as it is meant to be seen. EXIF data that cannot be read is no reason to refuse a picture."""
    image.load()
    if not image.info:  # nothing but pixels; to look for EXIF data would take as long as to decode a small picture
        return image
    try:
        turn = UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
    except Exception:
        turn = None
    return image if turn is None else image.transpose(turn)


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Any mode of Pillow -> RGB [h,w,3]."""
    if image.mode.startswith(("I", "F")):
        image = eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    width, height = image.size
    if image.mode == "L":
        return thrice(np.frombuffer(image.tobytes(), np.uint8).reshape(height, width))
    return np.frombuffer(image.convert("RGB").tobytes(), np.uint8).reshape(height, width, 3)


def thrice(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey [h,w] as RGB [h,w,3]: what Pillow makes of it too, by way of four bytes a pixel and in more time."""
    rgb = np.empty((*grey.shape, 3), np.uint8)
    for channel in range(3):
        rgb[:, :, channel] = grey
    return rgb


def eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits or floats -> 8 bits. White is the largest value of the kind: 1.0, 255 or 65535.

    Values outside of these ranges are stretched from the darkest to the lightest.
    """
    with np.errstate(invalid="ignore"):  # of some NaNs, a cast would warn
        deep: NDArray[Any] = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0, neginf=0)
    low, high = float(deep.min()), float(deep.max())
    if low < 0 or high > 65535:
        deep, white = deep - low, high - low or 1.0
    elif image.mode.startswith("I;16"):
        white = 65535.0
    else:
        white = 1.0 if image.mode == "F" and high <= 1 else 255.0 if high <= 255 else 65535.0
    return Image.fromarray(np.rint(deep * (255 / white)).astype(np.uint8))


def reason(error: Exception) -> str:
    """What the decoder says, on one line; its type when it says nothing."""
    return (" ".join(str(error).split()) or type(error).__name__)[:120]
