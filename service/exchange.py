"""A request on its way through the service, and what is to be told about it afterwards."""

from collections.abc import Callable
from time import perf_counter, time
from typing import Any, TypeVar

from service.ids import request_id
from service.notes import UNKNOWN, notes

Made = TypeVar("Made")


class Exchange:
    """What the server says of a request, asked once (each question makes a new object), and what was noted down.

    is_read: whether its body was read. route: the rule that matched.
    stages, batches, predicted: as in service/notes.py.
    status, size, took, ended_at: the answer, from `ended` on.
    """

    __slots__ = (
        "batches", "began", "ended_at", "headers", "id", "is_read", "method", "path", "predicted", "query", "route",
        "scope", "size", "stages", "status", "took", "traceparent",
    )  # fmt: skip

    def __init__(self, scope: Any) -> None:
        self.began = perf_counter()
        self.scope, self.method, self.path, self.query = scope, scope.method, scope.path, scope.query_string
        headers = self.headers = scope.headers
        self.id = request_id(headers.get("x-request-id"))
        self.traceparent: str | None = headers.get("traceparent")
        self.is_read = False
        self.route = UNKNOWN
        self.stages: list[tuple[str, float, float]] = []
        self.batches: list[int] = []
        self.predicted: list[tuple[str, int, str]] = []

    def work(self, make: Callable[[], Made]) -> Made:
        """Make the answer, in whatever thread this is, and keep what was noted down meanwhile."""
        notes.clear()
        answer = make()
        self.route, self.stages, self.batches, self.predicted = (
            notes.route, notes.stages, notes.batches, notes.predicted
        )  # fmt: skip
        return answer

    def ended(self, status: int, size: int) -> None:
        """Note the answer: its status, the bytes of its body, and the seconds that it took."""
        self.status, self.size, self.took, self.ended_at = status, size, perf_counter() - self.began, time()
