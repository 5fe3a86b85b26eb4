"""An answer as bytes: the status, the headers that every answer carries, its own, its length, and the body."""

from functools import lru_cache
from http import HTTPStatus
from time import time
from wsgiref.handlers import format_date_time

from service.exchange import Answer

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# Answers are data: nothing may be run, framed or guessed from them. A page brings a policy of its own.
POLICY = b"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
ALWAYS = b"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nServer: numserve\r\n"
CLOSE = b"Connection: close\r\n"
BODILESS = (204, 304)


def encode(answer: Answer, close: bool, head_only: bool) -> bytes:
    """What goes over the wire. close: whether it is the connection's last answer; head_only: whether HEAD was asked.

    Raises ValueError for a header that would end before its end.
    """
    status, headers, body = answer
    lines, has_policy, length = [begin(status), date(int(time()))], False, len(body)
    for name, value in headers:
        lower = name.lower()
        if lower == "content-length":  # of HEAD, which has no body to count
            length = length or int(value)
            continue
        has_policy = has_policy or lower == "content-security-policy"
        line = f"{name}: {value}\r\n"
        if line.find("\r") != len(line) - 2 or line.find("\n") != len(line) - 1:
            raise ValueError(f"the header {name} has a line break")
        lines.append(line.encode("latin-1", "replace"))
    lines.append(ALWAYS if has_policy else ALWAYS + POLICY)
    if close:
        lines.append(CLOSE)
    if status in BODILESS:
        lines.append(b"\r\n")
    else:
        lines += b"Content-Length: %d\r\n\r\n" % length, b"" if head_only else body
    return b"".join(lines)


@lru_cache
def begin(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


@lru_cache(1)
def date(seconds: int) -> bytes:
    """The header Date at that time since 1970."""
    return f"Date: {format_date_time(seconds)}\r\n".encode()
