"""Picture files to pixels, by the rules that the service follows too: it answers to what was learnt from."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from pipeline.errors import DataError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff"))
MAX_PIXELS = 50_000_000  # of 3 bytes, in each thread that decodes


def decode(picture: Path | bytes) -> NDArray[np.uint8]:
    """RGB pixels uint8 [h,w,3] of a picture file, or of its bytes.

    Turned upright as its EXIF says, transparency on white, 16 bits scaled to 8, the first frame of an animation.
    Raises DataError when it is no picture of FORMATS, is damaged, or has more than MAX_PIXELS pixels.
    """
    name = "the picture" if isinstance(picture, bytes) else str(picture)
    try:
        with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture, formats=FORMATS) as image:
            _check(name, image)
            return np.asarray(_rgb(_upright(image)))
    except DataError:
        raise
    except Exception as error:  # damaged files make Pillow's decoders raise nearly anything
        raise DataError(
            f"{name}: expected a whole {', '.join(FORMATS)} picture, it cannot be decoded "
            f"({_reason(error)}): save it again, or remove it"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps Pillow's warnings about odd files off the screen, in all threads: what matters is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _check(name: str, image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise DataError(f"{name}: expected at most {MAX_PIXELS:,} pixels, came {width:,} x {height:,}: make it smaller")


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged EXIF block is no reason to lose the picture
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode[0] in "IF":
        image = Image.fromarray(_eight_bits(image))
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def _eight_bits(image: Image.Image) -> NDArray[np.uint8]:
    """Grey of 16 or 32 bits to 8: Pillow's own conversion would make everything above 255 white.

    White is 65535 in a picture of 16 bits; the others do not say: 1.0, 255 or 65535, the least that holds all
    values. Values outside of these ranges are stretched from the darkest to the lightest.
    """
    grey = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0, neginf=0)
    low, high = float(grey.min()), float(grey.max())
    if low < 0 or high > 65535:
        grey, white = grey - low, high - low
    elif image.mode.startswith("I;16"):
        white = 65535.0
    else:
        white = 1.0 if image.mode == "F" and high <= 1 else 255.0 if high <= 255 else 65535.0
    return np.rint(grey * (255 / (white or 1))).astype(np.uint8)


def _reason(error: Exception) -> str:
    """Pillow's words without the object it prints for bytes, in one line."""
    if isinstance(error, UnidentifiedImageError):
        return "the format is not known"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
