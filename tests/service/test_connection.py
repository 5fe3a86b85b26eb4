"""Connections: bytes in any pieces become requests, answers go back in order, and nobody holds one for ever."""

import asyncio
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

import pytest
from wire import Transport

from service.errors import RequestError
from service.exchange import Exchange
from service.wire.connection import Connection
from service.wire.head import Head, address

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /b%20c?d=%20 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello"
CHUNKED = b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Handler:
    """Answers at once with what was asked, or, when `later`, as soon as the test says so."""

    def __init__(self, later: bool = False, most: int = 100) -> None:
        self.later, self.most, self.stopping = later, most, False
        self.taken: list[Exchange] = []
        self.refused: list[str] = []
        self.abandoned: list[Exchange] = []
        self.waiting: list[Exchange] = []
        self.begun = 0

    def begin(self, exchange: Exchange) -> int:
        self.begun += 1
        return self.most

    def take(self, exchange: Exchange) -> None:
        self.taken.append(exchange)
        if self.later:
            self.waiting.append(exchange)
        else:
            exchange.wire.answer((200, [], exchange.path.encode() + exchange.body))

    def refuse(self, exchange: Exchange, error: RequestError) -> None:
        self.refused.append(error.code)
        exchange.wire.answer((error.status, [], error.code.encode()))

    def abandon(self, exchange: Exchange) -> None:
        self.abandoned.append(exchange)

    def forget(self, exchange: Exchange) -> bool:
        if exchange in self.waiting:
            self.waiting.remove(exchange)
            self.abandoned.append(exchange)
            return True
        return False


class Wire:
    """A connection with a handler, and its other end."""

    def __init__(self, **handler: Any) -> None:
        self.handler, self.transport, self.everyone = Handler(**handler), Transport(), set[Connection]()
        self.connection = Connection(self.handler, asyncio.get_running_loop(), 60, self.everyone)
        self.connection.connection_made(self.transport)

    def send(self, data: bytes) -> None:
        self.connection.data_received(data)

    def end(self) -> None:
        """The client sends no more; a transport that is told False closes."""
        if not self.connection.eof_received():
            self.transport.close()

    def statuses(self) -> list[int]:
        return [int(each.split()[0]) for each in self.transport.written.split(b"HTTP/1.1 ")[1:]]

    def bodies(self) -> list[bytes]:
        return [each.partition(b"\r\n\r\n")[2] for each in self.transport.written.split(b"HTTP/1.1 ")[1:]]

    def pass_deadline(self) -> None:
        self.connection.sweep(self.connection.deadline + 1)


def on_a_loop(scenario: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def test() -> None:
        asyncio.run(scenario())

    test.__doc__ = scenario.__doc__
    return test


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@on_a_loop
async def test_a_request_in_any_pieces() -> None:
    for size in (1, 2, 7, 1000):
        wire = Wire()
        for at in range(0, len(POST), size):
            wire.send(POST[at : at + size])
        (asked,) = wire.handler.taken
        assert (asked.method, asked.path, asked.query, asked.body) == ("POST", "/b c", "d=%20", b"hello")
        assert asked.headers == {"host": "x", "content-length": "5", "x-a": "1,2"}
        assert (asked.client, asked.server) == ("127.0.0.1:5", "127.0.0.1:8000")
        assert (wire.bodies(), wire.transport.closed) == ([b"/b chello"], False)
        wire.send(GET)
        assert wire.bodies()[1:] == [b"/a"]


@on_a_loop
async def test_requests_that_come_together_are_answered_in_order_one_a_turn() -> None:
    wire = Wire()
    wire.send(GET + POST + GET)
    assert (wire.bodies(), wire.transport.reading) == ([b"/a"], False)
    await settle()
    assert (wire.bodies(), wire.transport.reading) == ([b"/a", b"/b chello", b"/a"], True)


@on_a_loop
async def test_the_second_waits_for_the_answer_to_the_first() -> None:
    wire = Wire(later=True)
    wire.send(GET + POST)
    await settle()
    assert [each.path for each in wire.handler.taken] == ["/a"]
    assert wire.connection.deadline == inf
    wire.connection.answer((200, [], b"first"))
    await settle()
    assert [each.path for each in wire.handler.taken] == ["/a", "/b c"]


@on_a_loop
async def test_chunks_and_trailers() -> None:
    wire = Wire()
    wire.send(CHUNKED + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nX-Evil: 1\r\n\r\n" + GET)
    await settle()
    first, second = wire.handler.taken
    assert (first.body, first.headers) == (b"abcde", {"host": "x", "transfer-encoding": "chunked"})
    assert second.headers == {"host": "x"}


@on_a_loop
async def test_who_waits_to_be_told_is_told_to_go_on() -> None:
    wire = Wire()
    wire.send(b"POST /b HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n")
    assert wire.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.send(b"x")
    assert wire.statuses() == [100, 200]


@pytest.mark.parametrize(
    "head",
    [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"HEAD / HTTP/1.0\r\n\r\n"],
)
def test_last_requests(head: bytes) -> None:
    async def scenario() -> None:
        wire = Wire()
        wire.send(head + GET)
        assert b"Connection: close" in wire.transport.written
        assert wire.transport.closed
        assert len(wire.handler.taken) == 1
        assert (wire.bodies() == [b""]) == head.startswith(b"HEAD")

    asyncio.run(scenario())


@on_a_loop
async def test_when_the_service_stops_the_next_answer_is_the_last() -> None:
    wire = Wire()
    wire.send(GET)
    wire.handler.stopping = True
    wire.send(GET)
    assert wire.transport.written.count(b"Connection: close") == 1
    assert wire.transport.closed


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GARBAGE\r\n\r\n", "malformed_request"),
        (b"GET / HTTP/1.1\r\nNo colon\r\n\r\n", "malformed_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "malformed_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "malformed_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "malformed_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "malformed_request"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "malformed_request"),
        (b"GET / HTTP/1.1\r\n\r\n", "malformed_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "malformed_request"),
        (b"GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n", "malformed_request"),
        (CHUNKED + b"xyz\r\n", "malformed_request"),
        (CHUNKED + b"65\r\n" + bytes(101), "body_too_large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 101 + b"\r\n", "headers_too_large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", "headers_too_large"),
        (b"GET /" + b"b" * 70_000, "headers_too_large"),
        (CHUNKED + b"1;" + b"x" * 70_000, "headers_too_large"),
        (CHUNKED + b"0\r\nA: " + b"x" * 70_000, "headers_too_large"),
    ],
)
def test_what_is_no_request_is_answered_and_ends_the_connection(sent: bytes, code: str) -> None:
    async def scenario() -> None:
        wire = Wire()
        for at in range(0, len(sent), 1000):
            wire.send(sent[at : at + 1000])
        assert wire.handler.refused == [code]
        assert wire.handler.begun == 1
        assert (wire.transport.ended, wire.transport.closed) == (True, False), "what is still sent is not reset"
        wire.send(GET * 1000)
        wire.end()
        assert (wire.handler.taken, wire.transport.closed) == ([], True)

    asyncio.run(scenario())


@on_a_loop
async def test_an_error_waits_for_the_answers_before_it() -> None:
    wire = Wire(later=True)
    wire.send(GET + b"GARBAGE\r\n\r\n")
    assert wire.statuses() == []
    wire.connection.answer((200, [], b"first"))
    await settle()
    assert wire.statuses() == [200, 400]


@on_a_loop
async def test_a_client_that_was_refused_and_does_not_go_is_cut_off() -> None:
    wire = Wire()
    wire.send(b"GARBAGE\r\n\r\n")
    wire.pass_deadline()
    assert wire.transport.aborted


@on_a_loop
async def test_another_protocol_is_declined() -> None:
    wire = Wire()
    wire.send(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n\0\1\2")
    assert (wire.bodies(), wire.transport.ended) == ([b"/a"], True)


@on_a_loop
async def test_a_body_that_does_not_come_in_time() -> None:
    wire = Wire()
    wire.send(POST[:-1])
    wire.connection.sweep(wire.connection.deadline - 1)
    assert wire.handler.refused == []
    wire.pass_deadline()
    assert (wire.statuses(), wire.handler.refused) == ([408], ["body_timeout"])


@pytest.mark.parametrize("sent", [b"", GET[:10], GET])
def test_a_head_that_does_not_come_in_time_ends_the_connection(sent: bytes) -> None:
    async def scenario() -> None:
        wire = Wire()
        wire.send(sent)
        answered = len(wire.statuses())
        wire.pass_deadline()
        assert (wire.transport.closed, len(wire.statuses())) == (True, answered)

    asyncio.run(scenario())


@on_a_loop
async def test_a_request_that_is_worked_on_has_no_deadline_here() -> None:
    wire = Wire(later=True)
    wire.send(GET)
    wire.connection.sweep(1e12)
    assert not wire.transport.closed


@on_a_loop
async def test_a_client_that_stops_half_way_is_told_so() -> None:
    wire = Wire()
    wire.send(POST[:-1])
    wire.end()
    assert (wire.handler.refused, wire.statuses(), wire.transport.closed) == (["incomplete_body"], [400], True)


@on_a_loop
async def test_a_client_that_ends_while_its_request_waits_is_taken_for_gone() -> None:
    wire = Wire(later=True)
    wire.send(GET)
    wire.end()
    assert (len(wire.handler.abandoned), wire.transport.closed) == (1, True)


@on_a_loop
async def test_a_client_that_ends_while_its_request_is_worked_on_is_answered() -> None:
    wire = Wire(later=True)
    wire.send(GET)
    wire.handler.waiting.clear()  # it has its place
    wire.end()
    assert not wire.transport.closed
    wire.connection.answer((200, [], b"done"))
    assert (wire.bodies(), wire.transport.closed) == ([b"done"], True)


@on_a_loop
async def test_a_lost_connection_leaves_nothing_behind() -> None:
    wire = Wire(later=True)
    wire.send(GET + GET + POST[:-1])
    wire.transport.close()
    wire.connection.connection_lost(None)
    assert (len(wire.handler.abandoned), wire.everyone) == (3, set())
    wire.connection.answer((200, [], b"too late"))
    assert wire.transport.written == b""


@on_a_loop
async def test_who_does_not_read_gets_no_more_answers_and_is_cut_off() -> None:
    wire = Wire()
    wire.send(GET)
    wire.connection.pause_writing()
    wire.send(GET)
    await settle()
    assert wire.statuses() == [200]
    wire.connection.resume_writing()
    await settle()
    assert wire.statuses() == [200, 200]
    wire.connection.pause_writing()
    wire.pass_deadline()
    assert wire.transport.aborted


@pytest.mark.parametrize(
    ("url", "path", "query"),
    [
        (b"/", "/", ""),
        (b"/a%2Fb%C3%A4?x=1?y#z", "/a/bä", "x=1?y"),
        (b"/%ff", "/�", ""),
        (b"http://h:1/a?b", "/a", "b"),
        (b"http://h", "/", ""),
        (b"*", "*", ""),
    ],
)
def test_targets(url: bytes, path: str, query: str) -> None:
    head = Head()
    head.url = url
    assert head.target() == (path, query)


def test_addresses() -> None:
    assert address(("1.2.3.4", 5)) == "1.2.3.4:5"
    assert address(("::1", 5, 0, 0)) == "[::1]:5"
    assert address("") == ""
