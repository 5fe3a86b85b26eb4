"""An answer as bytes: what every answer carries, and what HEAD, 204 and 304 leave out."""

import pytest

from service.exchange import Answer
from service.wire.answer import encode

Parts = tuple[str, dict[str, str], bytes]


def parts(answer: Answer, close: bool = False, head_only: bool = False) -> Parts:
    head, _, body = encode(answer, close, head_only).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert len({line.split(":")[0].lower() for line in lines}) == len(lines)
    return first, dict(line.split(": ", 1) for line in lines), body


def test_every_answer_is_safe_to_show() -> None:
    first, headers, body = parts((200, [("Content-Type", "application/json")], b"{}"))
    assert (first, body) == ("HTTP/1.1 200 OK", b"{}")
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (headers["Server"], headers["Content-Length"]) == ("numserve", "2")
    assert headers["Date"].endswith(" GMT")
    assert "Connection" not in headers
    assert parts((200, [], b""), close=True)[1]["Connection"] == "close"


def test_a_page_brings_its_own_policy() -> None:
    own = ("content-security-policy", "default-src 'self'")
    headers = parts((200, [own], b""))[1]
    assert [each for each in headers.items() if each[0].lower() == own[0]] == [own]


def test_head_tells_the_length_and_sends_nothing() -> None:
    assert parts((200, [("Content-Length", "7")], b""), head_only=True)[1:] == (
        parts((200, [], b"1234567"))[1],
        b"",
    )
    assert parts((503, [], b"1234567"), head_only=True)[1]["Content-Length"] == "7"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(status: int) -> None:
    _, headers, body = parts((status, [("Content-Length", "0")], b""))
    assert ("Content-Length" in headers, body) == (False, b"")


def test_a_status_without_a_name() -> None:
    assert parts((499, [], b""))[0] == "HTTP/1.1 499 Unknown"


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb"])
def test_no_header_ends_before_its_end(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        encode((200, [("X-A", value)], b""), False, False)
