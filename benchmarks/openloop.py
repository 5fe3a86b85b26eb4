"""Requests at a constant rate, sent when they are due, however long the ones before them take.

wrk waits for an answer before it asks again, so a server that stalls is asked less just then, and its latencies look
better than what people would wait. Here a request's latency counts from the moment when it was due. asyncio wakes up
to a millisecond late, which counts too.
"""

import asyncio
from collections import deque
from time import perf_counter

from wrk import Ask

CONNECTIONS = 64
PATIENCE = 10  # seconds for the last answers


class Clients:
    """The connections: those that idle, and the requests that are due while none does."""

    def __init__(self) -> None:
        self.idle: list[Connection] = []
        self.due: deque[float] = deque()
        self.latencies: list[float] = []
        self.wrong: list[bytes] = []

    def send(self, due: float) -> None:
        if self.idle:
            self.idle.pop().ask(due)
        else:
            self.due.append(due)

    def answered(self, connection: "Connection", due: float, head: bytes) -> None:
        self.latencies.append(perf_counter() - due)
        if not head.startswith(b"HTTP/1.1 200"):
            self.wrong.append(head)
        if self.due:
            connection.ask(self.due.popleft())
        else:
            self.idle.append(connection)


class Connection(asyncio.Protocol):
    """One request at a time, again and again the same."""

    def __init__(self, clients: Clients, request: bytes) -> None:
        self.clients, self.request = clients, request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.clients.idle.append(self)

    def ask(self, due: float) -> None:
        self.came, self.asked = b"", due
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.came += data
        head, end, body = self.came.partition(b"\r\n\r\n")
        if end and len(body) >= content_length(head):
            self.clients.answered(self, self.asked, head)


def content_length(head: bytes) -> int:
    return int(head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r\n")[0])


def latencies(port: int, ask: Ask, rate: float, seconds: float) -> list[float]:
    """The seconds that each of rate x seconds requests took. Raises SystemExit when one failed, or was not answered."""
    clients = asyncio.run(send_all(port, encoded(ask), rate, round(rate * seconds)))
    if clients.wrong:
        raise SystemExit(f"{len(clients.wrong)} requests failed; the first: {clients.wrong[0].decode()}")
    return clients.latencies


async def send_all(port: int, request: bytes, rate: float, count: int) -> Clients:
    loop, clients = asyncio.get_running_loop(), Clients()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Connection(clients, request), "127.0.0.1", port)
    start = perf_counter()
    for due in (start + number / rate for number in range(count)):
        await asyncio.sleep(due - perf_counter())
        clients.send(due)
    for _ in range(PATIENCE * 100):
        if len(clients.latencies) == count:
            return clients
        await asyncio.sleep(0.01)
    raise SystemExit(f"{count - len(clients.latencies)} of {count} requests were not answered")


def encoded(ask: Ask) -> bytes:
    """The request as it goes over the wire."""
    headers = {"Host": "127.0.0.1", "Content-Length": str(len(ask.body)), **ask.headers}
    lines = [f"POST {ask.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + ask.body
