"""RSGI to WSGI: the environ of a request, and the answer of an application."""

from types import SimpleNamespace
from typing import Any

from werkzeug.wrappers import Request

from service.environ import call, environ, remembered


class Headers(list[tuple[str, str]]):
    def items(self) -> list[tuple[str, str]]:
        return list(self)


def scope(**changes: Any) -> SimpleNamespace:
    given = {
        "method": "POST", "path": "/prädikt/x", "query_string": "a=%20", "client": "10.0.0.1:5", "server": "[::1]:80",
        "headers": Headers([("host", "h"), ("content-type", "image/png"), ("x-a", "1"), ("x-a", "2")]),
    }  # fmt: skip
    return SimpleNamespace(**given | changes)


def test_environ() -> None:
    made = environ(scope(), b"abc")
    request = Request(made)
    assert (request.method, request.path, request.args["a"]) == ("POST", "/prädikt/x", " ")
    assert (request.mimetype, request.headers["X-A"], request.remote_addr) == ("image/png", "1,2", "10.0.0.1")
    assert (request.content_length, request.get_data()) == (3, b"abc")
    assert (made["SERVER_NAME"], made["SERVER_PORT"], made["HTTP_HOST"]) == ("[::1]", "80", "h")


def test_names_that_somebody_makes_up_are_not_remembered() -> None:
    """A thousand of them may have 64 KiB each."""
    environ(scope(), b"")
    before = remembered.cache_info().currsize
    assert environ(scope(headers=Headers([("x-" + "a" * 60_000, "1")])), b"")["HTTP_X_" + "A" * 60_000] == "1"
    assert remembered.cache_info().currsize == before > 0


def test_chunked_body_is_whole_by_now() -> None:
    made = environ(scope(headers=Headers([("transfer-encoding", "chunked")])), b"abc")
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
