"""The body of a request: read within its limit, then understood as pictures or as rows of numbers.

    multipart/form-data                     every part named `image` is a picture
    a readable picture                      that picture, whatever the Content-Type says
    {"images": ["base64 or data URL", …]}   those pictures
    {"inputs": [[number, …], …]}            those rows

A picture that cannot be had from its part of the body is an error at its place, and spoils no other.
"""

import binascii
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Request

from service.errors import (
    BodyTooLarge,
    DamagedBody,
    EmptyBody,
    IncompleteBody,
    InvalidJSON,
    NoImage,
    NotAnImage,
    RequestError,
    TooManyInputs,
    UnsupportedEncoding,
    UnsupportedMediaType,
)
from service.images import picture_format
from service.multipart import split_form

FIELD = "image"
# Fields beside the pictures that a form may have.
OTHER_FIELDS = 32
DATA_URL = re.compile(r"data:[^,]{0,200};base64,")
# What clients send when nobody told them what it is; curl says the first of --data-binary.
UNDECLARED = ("", "application/x-www-form-urlencoded", "application/octet-stream")
# zlib's number for "the largest window, in gzip's wrapping".
GZIP = 16 + zlib.MAX_WBITS


class Declared(Protocol):
    """What a request says its body is; Flask's Request is one."""

    @property
    def mimetype(self) -> str: ...

    @property
    def mimetype_params(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Upload:
    """One picture as it was sent: its encoded bytes, or why there are none; and its file name, if it has one."""

    data: bytes | RequestError
    filename: str | None = None


@dataclass(frozen=True)
class Rows:
    """Rows of numbers as JSON had them, not yet checked against a model."""

    rows: list[Any]

    def __len__(self) -> int:
        return len(self.rows)


def read_body(request: Request, limit: int) -> bytes:
    """The whole body, inflated, at most `limit` bytes. Raises BodyTooLarge, EmptyBody, IncompleteBody, DamagedBody or
    UnsupportedEncoding.

    Flask's MAX_CONTENT_LENGTH cuts a chunked body short without a word, so the stream is read here, up to one byte
    more than the limit: reading that byte is the proof that the body is too large.
    """
    length = request.content_length
    if length is not None and length > limit:
        raise BodyTooLarge(f"the body has {length} bytes, more than the {limit} that are allowed")
    data = read_stream(request, limit + 1 if length is None else length)
    if len(data) > limit:
        raise BodyTooLarge(f"the body has more than the {limit} bytes that are allowed")
    if length is not None and len(data) < length:
        raise IncompleteBody(f"the body ended after {len(data)} of its {length} bytes")
    return understood(data, request.headers.get("Content-Encoding"), limit)


def understood(data: bytes, encoding: str | None, limit: int) -> bytes:
    """A body without its Content-Encoding, at most `limit` bytes again. Raises as read_body does, and DamagedBody."""
    match (encoding or "identity").strip().lower():
        case "identity":
            pass
        case "gzip" | "x-gzip":
            data = inflate(data, limit)
        case other:
            raise UnsupportedEncoding(f"expected a body as it is or with gzip, got Content-Encoding {other[:40]}")
    if not data:
        raise EmptyBody("expected a picture or JSON, got an empty body")
    return data


def inflate(data: bytes, limit: int) -> bytes:
    """What was compressed with gzip; it stops one byte over the limit, however much there would be."""
    unpacking = zlib.decompressobj(wbits=GZIP)
    try:
        plain = unpacking.decompress(data, limit + 1)
    except zlib.error as error:
        raise DamagedBody(f"the body is not the gzip that its Content-Encoding says: {error}") from None
    if len(plain) > limit:
        raise BodyTooLarge(f"the inflated body has more than the {limit} bytes that are allowed")
    if not unpacking.eof or unpacking.unused_data:
        raise DamagedBody("the gzip of the body is cut short, or something follows it")
    return plain


def read_stream(request: Request, most: int) -> bytes:
    """Up to `most` bytes of the body as the server hands them over."""
    stream = request.environ["wsgi.input"]
    if request.content_length is None and not request.environ.get("wsgi.input_terminated"):
        return b""
    data: bytes = stream.read(most)
    while len(data) < most and (more := stream.read(most - len(data))):
        data += more
    return data


def parse_body(request: Declared, data: bytes, most: int) -> list[Upload] | Rows:
    """What the body asks about: at most `most` pictures, or rows of numbers. Raises a RequestError."""
    declared = request.mimetype
    if declared == "multipart/form-data":
        return parse_form(data, request.mimetype_params.get("boundary", ""), most)
    if picture_format(data):
        return [Upload(data)]
    if declared == "application/json" or (declared in UNDECLARED and data.lstrip()[:1] == b"{"):
        return parse_json(data, most)
    if declared in UNDECLARED or declared.startswith("image/"):
        return [Upload(data)]
    raise UnsupportedMediaType(f"expected a picture, multipart/form-data or JSON, got {declared[:80]}")


def parse_form(data: bytes, boundary: str, most: int) -> list[Upload]:
    parts = split_form(data, boundary, most + OTHER_FIELDS)
    uploads = [Upload(part.data, part.filename) for part in parts if part.name == FIELD]
    if not uploads:
        names = ", ".join(sorted({part.name for part in parts})) or "none"
        raise NoImage(f"expected a file in the field {FIELD!r} of the form, got fields: {names[:200]}")
    check_count(len(uploads), most)
    return uploads


def parse_json(data: bytes, most: int) -> list[Upload] | Rows:
    try:
        document = json.loads(data)
    except RecursionError:
        raise InvalidJSON("the JSON is nested too deeply") from None
    except ValueError as error:
        raise InvalidJSON(f"the body is not JSON: {error}") from None
    match document:
        case {"images": [*_] as images}:
            check_count(len(images), most)
            return [Upload(decode_base64(each)) for each in images]
        case {"inputs": [*_] as rows}:
            check_count(len(rows), most)
            return Rows(rows)
    raise NoImage('expected {"images": ["base64", …]} or {"inputs": [[number, …], …]}')


def check_count(count: int, most: int) -> None:
    if count == 0:
        raise NoImage("expected at least one picture or row of numbers, got an empty list")
    if count > most:
        raise TooManyInputs(f"{count} pictures or rows in one request, more than the {most} that are allowed")


def decode_base64(text: object) -> bytes | RequestError:
    """The bytes behind base64 or a data URL; line breaks within it are fine."""
    if not isinstance(text, str):
        return NotAnImage(f"expected base64 or a data URL, got {type(text).__name__}")
    found = DATA_URL.match(text)
    try:
        return binascii.a2b_base64("".join(text[found.end() if found else 0 :].split()), strict_mode=True)
    except ValueError as error:
        return NotAnImage(f"expected base64 or a data URL: {error}".lower())
