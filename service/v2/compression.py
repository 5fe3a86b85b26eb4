"""Answers compressed where the client takes that: by gzip, or by HTTP's deflate, which is zlib's format."""

import zlib

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

# Shorter answers go as they are: they fit a packet anyway.
SMALLEST = 1024
# The fastest level: what is worth compressing here is mostly repetition.
LEVEL = 1
# How zlib is told which frame goes around the data.
FRAMES = {"gzip": 31, "deflate": 15}


def compress(body: bytes, accepted: str | None) -> tuple[bytes, str | None]:
    """The body by a method that `accepted`, an Accept-Encoding, allows, and the name of it; or as it is, and None."""
    if len(body) < SMALLEST or not accepted:
        return body, None
    qualities = parse_accept_header(accepted, Accept)
    method = next((each for each in FRAMES if qualities.quality(each) > 0), None)
    if method is None:
        return body, None
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, FRAMES[method])
    return packer.compress(body) + packer.flush(), method
