"""Between the connections and the application's WSGI: a request as an environ, an answer as three values."""

import sys
from functools import lru_cache
from io import BytesIO
from typing import Any

from service.exchange import Answer, Exchange

CONSTANT = {
    "SCRIPT_NAME": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
# A client may make up names of 64 KiB each, and what is remembered stays.
LONG_NAME = 64


def variable(header: str) -> str:
    """The name of a header in an environ."""
    return remembered(header) if len(header) < LONG_NAME else named(header)


def named(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else "HTTP_" + name


remembered = lru_cache(1024)(named)


def environ(asked: Exchange) -> dict[str, Any]:
    """What PEP 3333 asks for. The body is whole, whether it came in chunks or not."""
    host, _, port = asked.server.rpartition(":")
    made = {
        **CONSTANT,
        "REQUEST_METHOD": asked.method,
        "PATH_INFO": asked.path.encode().decode("latin-1"),
        "QUERY_STRING": asked.query,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "REMOTE_ADDR": asked.client.rpartition(":")[0],
        "wsgi.input": BytesIO(asked.body),
    }
    for header, value in asked.headers.items():
        name = variable(header)
        made[name] = f"{made[name]},{value}" if name in made else value
    made["CONTENT_LENGTH"] = str(len(asked.body))
    made.pop("HTTP_TRANSFER_ENCODING", None)
    return made


class Start:
    """WSGI's start_response: keeps what it is told."""

    status = 500
    headers: list[tuple[str, str]] = []  # noqa: RUF012  replaced, never altered

    def __call__(self, status: str, headers: list[tuple[str, str]], failure: Any = None) -> None:
        self.status, self.headers = int(status[:3]), headers


def call(application: Any, asked: dict[str, Any]) -> Answer:
    """Status, headers and body that a WSGI application answers with."""
    start = Start()
    parts = application(asked, start)
    try:
        return start.status, start.headers, b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
