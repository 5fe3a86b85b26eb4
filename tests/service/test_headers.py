"""Headers of every answer, and those for pages of other origins."""

import pytest

from service.headers import CORS, complete

ASKING = {"origin": "https://a.org", "access-control-request-method": "POST"}


def test_every_answer_is_safe_to_show() -> None:
    headers = dict(complete([("Content-Type", "application/json")]))
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Server"] == "numserve"


def test_a_page_brings_its_own_policy() -> None:
    own = ("content-security-policy", "default-src 'self'")
    assert [each for each in complete([own]) if each[0].lower() == own[0]] == [own]


def test_no_origin_may_read_answers_unless_named() -> None:
    assert CORS("").headers("https://a.org") == []
    assert CORS("").preflight("OPTIONS", ASKING) is None
    named = CORS("https://a.org,https://b.org")
    assert named.headers(None) == []
    assert named.headers("https://evil.org") == []
    assert dict(named.headers("https://a.org"))["Access-Control-Allow-Origin"] == "https://a.org"
    assert dict(named.headers("https://a.org"))["Vary"] == "Origin"
    assert dict(CORS("*").headers("https://c.org"))["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_that_are_no_preflight(method: str) -> None:
    assert CORS("*").preflight(method, ASKING) is None
    assert CORS("*").preflight("OPTIONS", {"origin": "https://a.org"}) is None


def test_preflight() -> None:
    allowed = dict(CORS("https://a.org").preflight("OPTIONS", ASKING) or [])
    assert allowed["Access-Control-Allow-Origin"] == "https://a.org"
    assert "POST" in allowed["Access-Control-Allow-Methods"]
    assert CORS("https://b.org").preflight("OPTIONS", ASKING) == []
