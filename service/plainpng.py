"""PNGs that hold pixels and nothing else, as most small ones do: 8 bits of grey or of RGB, in one piece.

Pillow reads the parts of a PNG in Python, which takes longer than to decode a small picture. Of these files it is known
where everything stands, so that Pillow's decoder is called at once: a small picture takes less than half the time.
Whatever is different or damaged is left to Pillow as a whole, which says what is wrong with it.

Sizes: signature 8, IHDR 25, then IDAT and IEND of 12 bytes around their contents. https://www.w3.org/TR/png-3/
"""

from zlib import crc32

from PIL import Image

BEGIN = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
# Bits, color type, compression, filter, interlace.
MODES = {b"\x08\0\0\0\0": "L", b"\x08\2\0\0\0": "RGB"}
END = b"\0\0\0\0IEND\xae\x42\x60\x82"
FRAME = 57  # all but what is in IDAT


def plain_png(data: bytes, max_pixels: int) -> Image.Image | None:
    """The picture, in mode L or RGB; None of any other, and of one with more than `max_pixels` pixels."""
    mode = MODES.get(data[24:29])
    if mode is None or data[:16] != BEGIN or data[37:41] != b"IDAT" or data[-12:] != END:
        return None
    width, height, check = number(data, 16), number(data, 20), number(data, 29)
    if number(data, 33) != len(data) - FRAME or check != crc32(data[12:29]) or not 0 < width * height <= max_pixels:
        return None
    try:
        return Image.frombytes(mode, (width, height), data[41:-16], "zip", mode)
    except (ValueError, OSError):
        return None


def number(data: bytes, at: int) -> int:
    """The four bytes there as a number."""
    return int.from_bytes(data[at : at + 4])
