"""What pages of other origins are told."""

import pytest

from service.cors import CORS

ASKING = {"origin": "https://a.org", "access-control-request-method": "POST"}


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
