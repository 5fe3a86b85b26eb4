"""Requests sent to the real server as bytes, and what every answer must be, however mad the question."""

import gzip
import json
import socket
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import BadStatusLine, HTTPResponse
from io import BytesIO
from typing import Any

# How long an answer may take before the server is said to hang.
PATIENCE = 60
# Who sends what may be unfinished waits so long for an answer before he hangs up, which ends it.
MOMENT = 0.02
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
UNPACK = {"gzip": gzip.decompress, "deflate": zlib.decompress}


class Wires:
    """Connections to one service. Good HTTP goes over those that are kept alive, by turns: so all workers see it."""

    def __init__(self, port: int, count: int = 1) -> None:
        self.port, self.turn = port, 0
        self.kept: list[socket.socket | None] = [None] * count

    def ask(self, data: bytes, certain: bool) -> None:
        """Send a request. Raises AssertionError unless the answer is as it must be.

        certain: whether it is good HTTP, so that the service itself has to answer.
        """
        if certain:
            self.ask_well(data)
        else:
            self.ask_raw(data)

    def ask_well(self, data: bytes) -> None:
        self.turn = (self.turn + 1) % len(self.kept)
        wire = self.kept[self.turn] or self.connect()
        self.kept[self.turn] = wire
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # a body that is too large is not waited for
                wire.sendall(data)
            with closing(HTTPResponse(wire, method=method(data))) as answer:
                answer.begin()
                judge(answer, answer.read())
                goes_on = not answer.will_close
        except Exception:
            self.hang_up(wire)
            raise
        if not goes_on:
            self.hang_up(wire)

    def hang_up(self, wire: socket.socket) -> None:
        wire.close()
        self.kept = [None if each is wire else each for each in self.kept]

    def ask_raw(self, data: bytes) -> None:
        """Send bytes that may be no HTTP, hang up, and look at all answers that come; there may be none."""
        with self.connect() as wire:
            received = exchange(wire, data)
        for answer, body in answers(received, method(data)):
            judge(answer, body)

    def connect(self) -> socket.socket:
        wire = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return wire

    def close(self) -> None:
        for wire in self.kept:
            if wire is not None:
                wire.close()


def exchange(wire: socket.socket, data: bytes) -> bytes:
    """All that comes back until the server closes, which it does in time."""
    received = b""
    try:
        wire.sendall(data)
        wire.settimeout(MOMENT)
        with suppress(TimeoutError):
            received = wire.recv(65536)
        wire.settimeout(PATIENCE)
        wire.shutdown(socket.SHUT_WR)
        while more := wire.recv(65536):
            received += more
    except TimeoutError:
        raise AssertionError(f"the connection hangs after {received[:200]!r}") from None
    except OSError:  # cut off: fine, for what is no HTTP
        pass
    return received


class Received(BytesIO):
    """Bytes that HTTPResponse takes for a socket, and reads one answer after the other from."""

    def makefile(self, mode: str) -> "Received":
        return self

    def close(self) -> None:
        pass


def method(data: bytes) -> str:
    return data.partition(b" ")[0].decode("latin-1")


def answers(received: bytes, asked: str) -> Iterator[tuple[HTTPResponse, bytes]]:
    received = received.removesuffix(CONTINUE)  # which was an answer to Expect, before the sender hung up
    if received.partition(b"\r\n\r\n")[2].startswith(b'{"error"'):
        asked = "GET"  # of what is no HTTP the service cannot tell that it is HEAD
    source: Any = Received(received)
    while source.tell() < len(received):
        answer = HTTPResponse(source, method=asked)
        try:
            answer.begin()
        except BadStatusLine as error:
            raise AssertionError(f"no HTTP: {received[:200]!r}") from error
        yield answer, answer.read()
        asked = "GET"  # whatever the server made of the rest


def judge(answer: HTTPResponse, body: bytes) -> None:
    """Raises AssertionError unless this is a whole answer of the service, with a message where it is an error."""
    said = f"{answer.status} {answer.getheader('Content-Type')} {body[:300]!r}"
    assert 200 <= answer.status < 500, said
    assert answer.getheader("X-Request-ID"), said
    assert answer.getheader("X-Content-Type-Options") == "nosniff", said
    if answer.length == 0 and not body:  # HEAD, OPTIONS
        assert answer.status < 400 or answer._method == "HEAD", said
        return
    plain = UNPACK.get(answer.getheader("Content-Encoding", ""), bytes)(body)
    kind = answer.getheader("Content-Type", "")
    if kind == "application/octet-stream":
        read_json(plain[: int(answer.getheader("Inference-Header-Content-Length", "x"))])
    elif kind == "application/json":
        check_error(answer.status, read_json(plain), said)
    else:
        assert answer.status < 400, said
        assert kind.startswith("text/"), said


def check_error(status: int, document: Any, said: str) -> None:
    """An error carries a message of one line, in either of the two shapes; nothing else calls itself an error."""
    if status < 400:
        return
    error = document["error"]
    message = error if isinstance(error, str) else error["message"]
    assert document.keys() == {"error"}, said
    assert isinstance(error, str) or error.keys() == {"code", "message"}, said
    assert isinstance(message, str), said
    assert 0 < len(message) < 1000, said
    assert "Traceback" not in message, said


def read_json(text: bytes) -> Any:
    """Strictly: NaN and Infinity are no JSON."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in {text[:200]!r}")

    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError as error:
        raise AssertionError(f"no JSON: {text[:200]!r}") from error
