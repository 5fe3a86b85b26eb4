"""A request on its way through the service, and what is to be told about it afterwards."""

from collections.abc import Callable, Mapping
from time import perf_counter, time
from typing import Protocol, TypeVar

from service.ids import request_id
from service.notes import UNKNOWN, notes

Made = TypeVar("Made")
# Status, headers and body.
Answer = tuple[int, list[tuple[str, str]], bytes]


class Wire(Protocol):
    """Where a request came from and where its answer goes."""

    def answer(self, answer: Answer) -> None: ...


class Exchange:
    """What a client asks, and what was noted down.

    method, path (decoded), query (as it came), headers (lower case; values of the same name are joined by commas).
    body: whole, whether it came in chunks or not. client, server: addresses and ports.
    held: the bytes that are reserved for its body (service/bodies.py). waits_since: when it came to the gate.
    route: the rule that matched. stages, batches, predicted: as in service/notes.py.
    status, size, took, ended_at: the answer, from `ended` on.
    """

    __slots__ = (
        "batches", "began", "body", "client", "ended_at", "headers", "held", "id", "method", "path", "predicted",
        "query", "route", "server", "size", "stages", "status", "took", "traceparent", "waits_since", "wire",
    )  # fmt: skip

    def __init__(
        self,
        wire: Wire,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        client: str = "",
        server: str = "",
    ) -> None:
        self.began = self.waits_since = perf_counter()
        self.wire, self.method, self.path, self.query, self.headers = wire, method, path, query, headers
        self.client, self.server = client, server
        self.body, self.held = b"", 0
        self.id = request_id(headers.get("x-request-id"))
        self.traceparent = headers.get("traceparent")
        self.route = UNKNOWN
        self.stages: list[tuple[str, float, float]] = []
        self.batches: list[int] = []
        self.predicted: list[tuple[str, int, str]] = []

    def work(self, make: Callable[["Exchange"], Made]) -> Made:
        """Take a step towards the answer, in whatever thread this is, and keep what is noted down meanwhile.

        A step that comes to nothing, which is None, leaves no notes either.
        """
        notes.clear(self.route)
        made = make(self)
        if made is not None:
            self.route = notes.route
            self.stages += notes.stages
            self.batches += notes.batches
            self.predicted += notes.predicted
        return made

    def ended(self, status: int, size: int) -> None:
        """Note the answer: its status, the bytes of its body, and the seconds that it took."""
        self.status, self.size, self.took, self.ended_at = status, size, perf_counter() - self.began, time()
