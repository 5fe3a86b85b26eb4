"""What a hostile hand does to good pictures and requests: functions of what there is, and of chance."""

import gzip
import json
import re
import struct
import zlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

from fuzz.seeds import PICTURES, Request

WIDTHS = ("<B", "<H", ">H", "<I", ">I", "<Q", ">Q")
NUMBERS = (
    0, 1, 2, 7, 100, 127, 128, 255, 256, 4096, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32,
    2**53 + 1, 2**60, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, 10**400,
)  # fmt: skip
DEEP = "some lists in lists"
DIGITS = tuple(b"%d" % number for number in NUMBERS)
VALUES: tuple[Any, ...] = (
    *NUMBERS, *(-number for number in NUMBERS), None, True, False, 0.5, -0.0, 1e39, -1e308, 5e-324, float("nan"),
    float("inf"), -float("inf"), "", "1", "cnn", "\0", "\ud800", "\U0001f600", "é" * 70_000, "data:;base64,", "AAAA=",
    [], {}, [[]], [0] * 10_000, {"": {}}, DEEP,
)  # fmt: skip
TEXTS = (
    b"", b"0", b"-1", b"1.5", b"+1", b"\xd9\xa3", b"1e9", b"9" * 400, b"a" * 9000, b"\xff\xfe", b"%00", b"..", b"*",
    b"null", b'"', b"\\", b";", b"a=b;c=\"d", b"gzip, br;q=nan", b"utf-7", b"=?utf-8?B?AAAA?=", b"\t", b"${jndi:x}",
    b"<script>", b"100-continue", b"close",
)  # fmt: skip
FORM = b"multipart/form-data; boundary"
TYPES = (
    b"", b"image/png", b"image/", b"text/plain", b"application/json; charset=utf-16", b"application/json;" * 500,
    b"multipart/form-data", FORM + b"=", FORM + b"=--", FORM.upper() + b"=b0und", FORM + b'="b0und', FORM + b"=" * 9000,
    FORM + b"*=utf-8''b0und", FORM + b"*0=b0; boundary*1=und", b"multipart/mixed; boundary=b0und", b";", b"/",
    b"application/x-www-form-urlencoded",
)  # fmt: skip
HEADERS = (
    b"Content-Type", b"Content-Encoding", b"Accept-Encoding", b"Accept", b"Inference-Header-Content-Length",
    b"X-API-Key", b"Authorization", b"X-Request-ID", b"traceparent", b"tracestate", b"Origin", b"Expect", b"Range",
    b"Access-Control-Request-Method", b"If-None-Match", b"If-Modified-Since", b"Cookie", b"Connection", b"Upgrade",
    b"X-Forwarded-For", b"X-HTTP-Method-Override", b"Content-Disposition", b"Content_Length", b"Forwarded", b"Host",
)  # fmt: skip
METHODS = (b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"POST", b"post", b"X" * 60, b"M-SEARCH")
PNG_CHUNKS = tuple(b"IHDR PLTE tRNS gAMA iCCP eXIf zTXt iTXt acTL fcTL fdAT IDAT IEND".split())
MOST_BYTES = 400_000
# Small, until somebody unpacks them.
GZIP_BOMB, ZLIB_BOMB = gzip.compress(bytes(20_000_000), mtime=0), zlib.compress(bytes(5_000_000))
# The server itself refuses those from 64 KiB on.
LONGEST_TARGET = 60_000
Bytes = Callable[[bytes, Random], bytes]
Change = Callable[[Request, Random], Request]


# Bytes of any kind


def piece(data: bytes, rng: Random) -> slice:
    """Where something happens: mostly a few bytes, now and then many."""
    start = rng.randrange(len(data) + 1)
    return slice(start, start + rng.choice((1, 1, 2, 4, 8, 64, 1024, len(data))))


def flip(data: bytes, rng: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(min(len(data), rng.choice((1, 1, 2, 8, 64)))):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def put_number(data: bytes, rng: Random) -> bytes:
    """A number at the edge of its kind, where there may have been a size or a place."""
    width = rng.choice(WIDTHS)
    bits = 8 * struct.calcsize(width)
    number = struct.pack(width, rng.choice((*NUMBERS, rng.getrandbits(bits))) % 2**bits)
    at = rng.randrange(min(len(data), rng.choice((32, 256, 2**20))) + 1)
    return data[:at] + number + data[at + len(number) :]


def cut(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def remove(data: bytes, rng: Random) -> bytes:
    at = piece(data, rng)
    return data[: at.start] + data[at.stop :]


def repeat(data: bytes, rng: Random) -> bytes:
    at = piece(data, rng)
    return data[: at.stop] + data[at] * rng.choice((1, 2, 16, 1000)) + data[at.stop :]


def insert(data: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice((rng.randbytes(rng.choice((1, 4, 100))), *TEXTS)) + data[at:]


def splice(data: bytes, rng: Random) -> bytes:
    """The beginning of this and the end of another picture."""
    other = rng.choice(PICTURES)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


DAMAGES: list[Bytes] = [flip, put_number, put_number, cut, remove, repeat, insert, splice]


def damaged(data: bytes, rng: Random) -> bytes:
    return rng.choice(DAMAGES)(data, rng)[:MOST_BYTES]


# Pictures: what stands behind a checksum is out of reach of the above


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rebuilt_png(data: bytes, rng: Random) -> bytes:
    """A PNG with a chunk changed, doubled, dropped, moved or made up, and every checksum right; else just damaged."""
    if not data.startswith(b"\x89PNG"):
        return damaged(data, rng)
    chunks, at = [], 8
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    chosen = rng.randrange(len(chunks)) if chunks else 0
    kind, held = chunks.pop(chosen) if chunks else (b"IHDR", b"")
    made = rng.choice((
        [(kind, damaged(held, rng))],
        [(kind, put_number(held, rng))],
        [(kind, repacked(held, rng))],
        [(kind, held)] * 2,
        [],
        [(rng.choice(PNG_CHUNKS), held), (kind, held)],
        [(kind, held), (rng.choice(PNG_CHUNKS), rng.randbytes(rng.choice((0, 1, 13, 300))))],
    ))  # fmt: skip
    chunks[chosen:chosen] = made
    return data[:8] + b"".join(chunk(*each) for each in chunks)


def repacked(data: bytes, rng: Random) -> bytes:
    """Other data in the same compression, or far more of it than anybody expects."""
    try:
        plain = zlib.decompressobj().decompress(data, MOST_BYTES)
    except zlib.error:
        plain = data
    return rng.choice((zlib.compress(damaged(plain, rng)), zlib.compress(plain[:1000]), b"", ZLIB_BOMB))


def resized_riff(data: bytes, rng: Random) -> bytes:
    """Damage within a container whose own size is right again."""
    changed = damaged(data[12:], rng)
    return data[:4] + struct.pack("<I", len(changed) + 4) + data[8:12] + changed if data[:4] == b"RIFF" else changed


PICTURE_CHANGES: list[Bytes] = [damaged, damaged, rebuilt_png, resized_riff]


# Bodies


def damage_body(given: Request, rng: Random) -> Request:
    return replace(given, body=damaged(given.body, rng))


def other_body(given: Request, rng: Random) -> Request:
    made = rng.choice((*PICTURES, b"[" * 100_000, b'{"a":' * 5000, b"{}", b"null", b"[1]", rng.randbytes(1000)))
    return replace(given, body=made)


def change_json(given: Request, rng: Random) -> Request:
    """Values, keys and lists of the JSON changed; the header that tells its length is right again."""
    told = given.value(b"Inference-Header-Content-Length") or b""
    size = int(told) if told.isdigit() and len(told) < 9 else len(given.body)
    try:
        tree = json.loads(given.body[:size])
    except (ValueError, RecursionError):
        return damage_body(given, rng)
    for _ in range(rng.choice((1, 1, 2, 4))):
        tree = changed_tree(tree, rng)
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.9).encode("utf-8", "surrogatepass")
    text = text.replace(json.dumps(DEEP).encode(), b"[" * (depth := rng.choice((50, 900, 1100, 30_000))) + b"]" * depth)
    changed = replace(given, body=text + given.body[size:])
    return changed.having(b"Inference-Header-Content-Length", b"%d" % len(text)) if told else changed


def changed_tree(tree: Any, rng: Random) -> Any:
    """The tree with one of its nodes replaced, dropped, doubled or wrapped."""
    if not isinstance(tree, list | dict) or not tree or rng.random() < 0.15:
        # A copy: what is changed next must not be the value that others are given.
        return rng.choice((*deepcopy(VALUES), [tree], {"inputs": tree}, [tree] * rng.choice((2, 300))))
    keys: list[Any] = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    key = rng.choice(keys)
    match rng.randrange(8):
        case 0:
            tree.pop(key)
        case 1 if isinstance(tree, list):
            tree[key:key] = [tree[key]] * rng.choice((1, 2, 300))
        case 1:
            tree[rng.choice(("", "data", "shape", "inputs", "parameters", "binary_data_size"))] = tree[key]
        case _:
            tree[key] = changed_tree(tree[key], rng)
    return tree


def change_form(given: Request, rng: Random) -> Request:
    """Headers and boundaries of the parts; of another body, any line."""
    lines = given.body.split(b"\r\n")
    at = rng.randrange(len(lines))
    made = rng.choice((
        [], [lines[at]] * 2, [lines[at]] * 50, [b"", lines[at]], [lines[at], b""], [b"--b0und"], [b"--b0und--"],
        [lines[at].replace(b"=", rng.choice((b"*=", b"*0*=utf-16''", b"==", b"=\"", b"", b"*=utf-8''%ff", b"*1=")), 1)],
        [lines[at].replace(b"image", rng.choice((b"", b"note", *TEXTS)))], [damaged(lines[at], rng)],
        [b"Content-Disposition: form-data; name=image; filename=" + rng.choice(TEXTS)],
        [b"Content-Transfer-Encoding: base64", lines[at]], [b"--b0und\r\n"] * 500,
    ))  # fmt: skip
    return replace(given, body=b"\r\n".join(lines[:at] + made + lines[at + 1 :])[:MOST_BYTES])


# Envelopes


def pack(given: Request, rng: Random) -> Request:
    """gzip, mostly in order; sometimes cut, doubled, followed by rubbish, far too large, or not that at all."""
    body = given.body
    packed = gzip.compress(body, mtime=0)
    made = rng.choice((
        packed, packed, packed, damaged(packed, rng), packed * 2, packed + b"\0", b"", body, zlib.compress(body),
        gzip.compress(packed, mtime=0), GZIP_BOMB,
    ))  # fmt: skip
    method = rng.choice((*[b"gzip"] * 5, b"X-GZIP", b" gzip", b"deflate", b"br", b"gzip, gzip", b"identity", b"\xff"))
    return replace(given, body=made).having(b"Content-Encoding", method)


def in_chunks(given: Request, rng: Random) -> Request:
    """Chunked, in order."""
    body, parts = given.body, []
    while body:
        size = rng.choice((1, 10, 100, 5000, len(body))) if len(parts) < 50 else len(body)
        part, body = body[:size], body[size:]
        parts.append(b"%x%s\r\n%s\r\n" % (len(part), rng.choice((b"", b"", b";a=b")), part))
    return replace(given, body=b"".join(parts) + b"0\r\n\r\n").having(b"Transfer-Encoding", b"chunked")


def in_bad_chunks(given: Request, rng: Random) -> Request:
    chunked = in_chunks(given, rng)
    size = rng.choice((*TEXTS, b"f" * 17, b"-5", b"0x5"))
    body = rng.choice((
        damaged(chunked.body, rng), cut(chunked.body, rng), re.sub(rb"^[0-9a-f]+", lambda _: size, chunked.body),
        chunked.body[:-2] + b"Trailer: x\r\n" * rng.choice((1, 2000)) + b"\r\n",
        chunked.body + b"GET /nope HTTP/1.1\r\n\r\n",
    ))  # fmt: skip
    return replace(chunked, body=body, certain=False)


def lie_about_length(given: Request, rng: Random) -> Request:
    near = b"%d" % (len(given.body) + rng.choice((-1, 1, 100)))
    headers = (*given.headers, (b"Content-Length", rng.choice((near, *TEXTS, *DIGITS))))
    if rng.random() < 0.3:
        headers += ((b"Content-Length", b"1"),)
    if rng.random() < 0.2:
        headers += ((b"Transfer-Encoding", rng.choice((b"chunked", *TEXTS))),)
    return replace(given, headers=headers, certain=False)


# Heads


def change_header(given: Request, rng: Random) -> Request:
    """Another value for a header, or one that was not there."""
    if rng.random() < 0.3:
        return given.having(b"Content-Type", rng.choice(TYPES))
    name, value = rng.choice(HEADERS), rng.choice(TEXTS)
    if name == b"Inference-Header-Content-Length" and rng.random() < 0.7:
        value = b"%d" % rng.choice((*NUMBERS, len(given.body), len(given.body) + 1, rng.randrange(len(given.body) + 1)))
    return given.having(name, value)


def damage_header(given: Request, rng: Random) -> Request:
    """Bytes of a name or a value, which may be none of HTTP's any more."""
    if not given.headers:
        return change_header(given, rng)
    at = rng.randrange(len(given.headers))
    name, value = given.headers[at]
    changed = (damaged(name, rng), value) if rng.random() < 0.2 else (name, damaged(value, rng))
    return replace(given, headers=(*given.headers[:at], changed, *given.headers[at + 1 :]), certain=False)


def many_headers(given: Request, rng: Random) -> Request:
    more = ((rng.choice(HEADERS), rng.choice(TEXTS)),) * rng.choice((2, 80, 2000))
    return replace(given, headers=given.headers + more, certain=False)


def change_target(given: Request, rng: Random) -> Request:
    """Parameters at their edges, and paths in which something is replaced."""
    path, _, query = given.target.partition(b"?")
    value = rng.choice((*DIGITS, b"%00", b"%ff", b"%F0%9F%98%80", b"1", b"", b"-1", b"cnn", b"%d9%a3"))
    match rng.randrange(4):
        case 0:
            target = path + b"?" + rng.choice((b"top_k", b"version")) + b"=" + value + b"&" + query
        case 1:
            target = path + b"?" + b"&".join([query, b"version=1"] * rng.choice((1, 500)))
        case 2:
            parts = path.split(b"/")
            parts[rng.randrange(1, len(parts))] = rng.choice((value, b"..", b"%2f", b".", b"%2e%2e", b"cnn.preprocess"))
            target = b"/".join(parts) + b"?" + query
        case _:
            target = path + rng.choice((b"/", b"//", b"/infer", b"/versions/" + value, b"/" + value, b"/x" * 2000))
    return replace(given, target=target[:LONGEST_TARGET])


def damage_target(given: Request, rng: Random) -> Request:
    return replace(given, target=damaged(given.target, rng), certain=False)


def change_method(given: Request, rng: Random) -> Request:
    return replace(given, method=rng.choice(METHODS))


CHANGES: list[Change] = [
    damage_body, damage_body, change_json, change_json, change_json, change_form, change_form, other_body, pack,
    change_header, change_header, change_target, change_method,
]  # fmt: skip
FRAMINGS: list[Change] = [
    in_chunks, in_chunks, in_bad_chunks, lie_about_length, damage_header, many_headers, damage_target,
]  # fmt: skip
