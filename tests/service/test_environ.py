"""To WSGI and back: the environ of a request, and the answer of an application."""

from typing import Any

from werkzeug.wrappers import Request

from service.environ import call, environ, remembered
from service.exchange import Exchange


def asked(body: bytes = b"", **headers: str) -> Exchange:
    given = {"host": "h", "content-type": "image/png"} | {
        name.replace("_", "-"): text for name, text in headers.items()
    }
    exchange = Exchange(None, "POST", "/prädikt/x", "a=%20", given, "10.0.0.1:5", "[::1]:80")  # type: ignore[arg-type]
    exchange.body = body
    return exchange


def test_environ() -> None:
    made = environ(asked(b"abc", x_a="1,2"))
    request = Request(made)
    assert (request.method, request.path, request.args["a"]) == ("POST", "/prädikt/x", " ")
    assert (request.mimetype, request.headers["X-A"], request.remote_addr) == ("image/png", "1,2", "10.0.0.1")
    assert (request.content_length, request.get_data()) == (3, b"abc")
    assert (made["SERVER_NAME"], made["SERVER_PORT"], made["HTTP_HOST"]) == ("[::1]", "80", "h")


def test_names_that_somebody_makes_up_are_not_remembered() -> None:
    """A thousand of them may have 64 KiB each."""
    environ(asked())
    before = remembered.cache_info().currsize
    assert environ(asked(**{"x-" + "a" * 60_000: "1"}))["HTTP_X_" + "A" * 60_000] == "1"
    assert remembered.cache_info().currsize == before > 0


def test_chunked_body_is_whole_by_now() -> None:
    made = environ(asked(b"abc", transfer_encoding="chunked"))
    assert made["CONTENT_LENGTH"] == "3"
    assert "HTTP_TRANSFER_ENCODING" not in made


def test_call_closes_what_the_application_returns() -> None:
    closed = []

    class Parts(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    def application(asked: Any, start: Any) -> Parts:
        start("201 CREATED", [("A", "b")])
        return Parts([b"x", b"y"])

    assert call(application, {}) == (201, [("A", "b")], b"xy")
    assert closed == [True]
