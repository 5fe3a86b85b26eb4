"""One connection of a client: its bytes become requests, one after the other, and their answers go back in order.

    bytes ─▶ head ─▶ body ─▶ the handler ─▶ answer ─▶ the next request, or the end

While it is the client's turn, to send a head or a body or to read an answer, the connection has a deadline. A body that
does not come in time is answered with 408, a head that does not come with nothing.
"""

import asyncio
from collections import deque
from math import inf
from time import monotonic
from typing import Any, Protocol

import httptools

from service.errors import BodyTimeout, BodyTooLarge, HeadersTooLarge, IncompleteBody, MalformedRequest, RequestError
from service.exchange import Answer, Exchange
from service.wire.answer import CONTINUE, encode
from service.wire.head import MOST_BYTES, Head, address

# How long a client that was refused may go on sending what nobody reads: cut off at once it would miss the answer.
LINGER_SECONDS = 2.0


class Handler(Protocol):
    """What requests are handed to, in the turn of the loop in which they came; service/front.py is one."""

    @property
    def stopping(self) -> bool:
        """Whether an answer is to be its connection's last."""

    def begin(self, exchange: Exchange) -> int:
        """A head is there. Returns how many bytes the body may have. Raises RequestErrors."""

    def take(self, exchange: Exchange) -> None:
        """The body is there: answer, now or later."""

    def refuse(self, exchange: Exchange, error: RequestError) -> None:
        """It will not be there: answer with the error."""

    def abandon(self, exchange: Exchange) -> None:
        """The client has gone before this."""

    def forget(self, exchange: Exchange) -> bool:
        """The client has gone. Whether the request was taken but not begun, and now never will be."""


class Connection(asyncio.Protocol):
    """coming: the request whose body is being read. ready: those that came behind `now`, which is being answered.

    reads: whether another request may follow. broken: whether the client may be sending still when the last is
    answered. ended: whether it will send no more. choked: whether it reads slower than it is answered. paused: whether
    its bytes wait in the system, as more than one request of it is ready.
    unfinished: the bytes that came since something in them came to its end. most: how many bytes the body may have.
    """

    transport: Any = None

    def __init__(
        self, handler: Handler, loop: asyncio.AbstractEventLoop, read_seconds: float, everyone: "set[Connection]"
    ) -> None:
        self.handler, self.loop, self.read_seconds, self.everyone = handler, loop, read_seconds, everyone
        self.parser: Any = httptools.HttpRequestParser(self)
        self.head = Head()
        self.coming: Exchange | None = None
        self.ready: deque[tuple[Exchange, RequestError | None]] = deque()
        self.now: Exchange | None = None
        self.reads, self.broken, self.ended, self.choked, self.paused = True, False, False, False, False
        self.unfinished = self.most = self.size = 0
        self.pieces: list[bytes] = []
        self.allow(read_seconds)
        everyone.add(self)

    def allow(self, seconds: float) -> None:
        """It is the client's turn, and it has so long."""
        self.deadline = monotonic() + seconds

    # What the event loop calls.

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.client, self.server = (address(transport.get_extra_info(name)) for name in ("peername", "sockname"))

    def data_received(self, data: bytes) -> None:
        if not self.reads:
            return
        self.unfinished += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # to another protocol; it is declined by an answer in this one
            self.reads, self.broken = False, True
        except httptools.HttpParserCallbackError:  # a defect in one of the methods below
            raise
        except httptools.HttpParserError as error:
            self.break_off(MalformedRequest(f"expected HTTP/1.1: {error}"))
        if self.unfinished > MOST_BYTES:
            self.break_off(HeadersTooLarge(f"expected headers of at most {MOST_BYTES} bytes"))
        self.next()
        if self.ready and not self.paused:
            self.paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """The client sends no more. If it reads cannot be told; who waits for his turn is taken for gone."""
        self.ended = True
        if self.coming is not None:
            self.break_off(IncompleteBody("the body ended before its end"))
        self.reads = False
        if self.now is not None and self.handler.forget(self.now):
            self.now = None
        self.next()
        return self.now is not None or bool(self.ready)

    def connection_lost(self, error: Exception | None) -> None:
        self.everyone.discard(self)
        self.reads, self.parser = False, None  # the parser holds this connection
        if self.now is not None:
            self.handler.forget(self.now)
        if self.coming is not None:
            self.handler.abandon(self.coming)
        for exchange, _ in self.ready:
            self.handler.abandon(exchange)
        self.coming = self.now = None
        self.ready.clear()

    def pause_writing(self) -> None:
        self.choked = True
        self.allow(self.read_seconds)

    def resume_writing(self) -> None:
        self.choked = False
        if self.now is None:
            self.allow(self.read_seconds)
            self.loop.call_soon(self.next)
        else:
            self.deadline = inf

    # What the parser calls. Of what follows the last request nothing is kept.

    def on_url(self, url: bytes) -> None:
        self.head.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.head.add(name, value)

    def on_headers_complete(self) -> None:
        self.unfinished = 0
        head, self.head = self.head, Head()  # trailers, which nobody asks for, have one of their own
        if not self.reads:
            return
        try:
            head.check(self.parser.get_http_version())
            path, query = head.target()
            method = self.parser.get_method().decode()
            self.coming = exchange = Exchange(self, method, path, query, head.headers, self.client, self.server)
            self.most = self.handler.begin(exchange)
        except RequestError as error:
            self.break_off(error)
            return
        self.size = 0
        if self.now is None:
            self.allow(self.read_seconds)
            if self.most and head.headers.get("expect", "").lower() == "100-continue":
                self.transport.write(CONTINUE)

    def on_body(self, piece: bytes) -> None:
        self.unfinished = 0
        if self.coming is None:
            return
        self.size += len(piece)
        if self.size > self.most:
            self.break_off(BodyTooLarge(f"the body has more than the {self.most} bytes that are allowed"))
        else:
            self.pieces.append(piece)

    def on_message_complete(self) -> None:
        self.unfinished = 0
        self.head = Head()
        exchange, self.coming = self.coming, None
        if exchange is None:
            return
        exchange.body = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        self.pieces.clear()
        self.reads = self.parser.should_keep_alive()
        self.ready.append((exchange, None))

    # What follows from it.

    def break_off(self, error: RequestError) -> None:
        """Read no more; when its turn comes, what is being read is answered with `error`."""
        if not self.reads:
            return
        exchange, self.coming = self.coming, None
        if exchange is None:  # there is not even a head
            exchange = Exchange(self, "", "", "", {}, self.client, self.server)
            self.handler.begin(exchange)
        self.pieces.clear()
        self.reads, self.broken = False, True
        self.ready.append((exchange, error))

    def next(self) -> None:
        """Hand over the first request that is ready, if none is being answered."""
        if self.now is not None or self.choked or not self.ready:
            return
        self.now, error = self.ready.popleft()
        self.deadline = inf
        if error is None:
            self.handler.take(self.now)
        else:
            self.handler.refuse(self.now, error)

    def answer(self, answer: Answer) -> None:
        """Send the answer to the request that was handed over; if its client is there."""
        exchange, self.now = self.now, None
        if exchange is None or self.transport.is_closing():
            return
        self.reads = self.reads and not (self.handler.stopping and self.coming is None)
        last = not (self.reads or self.ready)
        self.allow(self.read_seconds)
        self.transport.write(encode(answer, last, exchange.method == "HEAD"))
        if last:
            self.finish()
        elif self.ready:
            self.loop.call_soon(self.next)  # in the next turn, so that nobody gets many answers in one
        elif self.paused:
            self.paused = False
            self.transport.resume_reading()

    def finish(self) -> None:
        """All is answered. A client that may be sending still is let, until it has read what it was told."""
        if self.ended or not self.broken:
            self.transport.close()
            return
        self.transport.write_eof()
        if self.paused:
            self.transport.resume_reading()
        self.allow(LINGER_SECONDS)

    def sweep(self, now: float) -> None:
        """Part with a client that lets its deadline pass; to be called now and then."""
        if now < self.deadline or self.transport is None:
            return
        if self.coming is not None:
            self.break_off(BodyTimeout(f"the body did not arrive within {self.read_seconds} seconds"))
            self.next()
        elif self.transport.is_closing() or self.choked or self.broken:
            self.transport.abort()
        else:
            self.transport.close()
            self.allow(self.read_seconds)

    def hurry(self, seconds: float) -> None:
        """Close the connection when no request comes within `seconds`."""
        if self.now is None and self.coming is None:
            self.deadline = min(self.deadline, monotonic() + seconds)
