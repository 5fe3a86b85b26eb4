"""The head of a request: its target, and its headers by name."""

from typing import Any
from urllib.parse import unquote_to_bytes

import httptools

from service.errors import HeadersTooLarge, MalformedRequest

MOST_BYTES, MOST_HEADERS = 65_536, 100


class Head:
    """What the parser has found of it so far. headers: by name in lower case; those of one name, joined by commas."""

    __slots__ = ("headers", "number", "size", "url")

    def __init__(self) -> None:
        self.url = b""
        self.headers: dict[str, str] = {}
        self.number, self.size = 0, 0

    def add(self, name: bytes, value: bytes) -> None:
        """A header. What comes beyond the limits is not kept, as `check` will say."""
        self.number += 1
        self.size += len(name) + len(value)
        if self.number > MOST_HEADERS or self.size > MOST_BYTES:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers = self.headers
        headers[key] = f"{headers[key]},{text}" if key in headers else text

    def check(self, version: str) -> None:
        """Raises HeadersTooLarge, or MalformedRequest for HTTP/1.1 without one Host (RFC 9112, section 3.2)."""
        if self.number > MOST_HEADERS or self.size + len(self.url) > MOST_BYTES:
            raise HeadersTooLarge(f"a request may have {MOST_HEADERS} headers and {MOST_BYTES} bytes of them, not more")
        host = self.headers.get("host")
        if ("," in host) if host is not None else version != "1.0":  # two would be joined by a comma
            raise MalformedRequest("expected one Host header")

    def target(self) -> tuple[str, str]:
        """The path, decoded, and the query as it came. Raises MalformedRequest."""
        url = self.url if self.url.startswith((b"/", b"*")) else without_host(self.url)
        path, _, query = url.partition(b"#")[0].partition(b"?")
        return unquote_to_bytes(path).decode("utf-8", "replace"), query.decode("latin-1")


def without_host(url: bytes) -> bytes:
    """`/path?query` of `http://host/path?query`, which proxies are asked with."""
    try:
        parsed = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        parsed = None
    if parsed is None or parsed.host is None:
        raise MalformedRequest("expected a path that begins with / as the target of the request")
    return (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")


def address(name: Any) -> str:
    """`host:port` of a socket's name; IPv6 in brackets."""
    if not isinstance(name, tuple):
        return ""
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
