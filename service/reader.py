"""The body of a request as it comes over the wire: within its limit, within its time, within the worker's memory.

A body is read before its request may take a place, so that a sender who stalls holds up nobody; one who takes longer
than he may is told so and cut off.
"""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # granian does not say that it exports it

from service.errors import BodyTimeout, BodyTooLarge, IncompleteBody, Overloaded

# Bodies up to this size are not counted: as many of them as there may be connections take little memory.
SMALL_BYTES = 65_536
# So many bodies of the largest size may be in memory at once, or more smaller ones.
LARGEST_BODIES = 16
SWEEP_SECONDS = 0.25


class Reader:
    """Reads bodies. held: the bytes that large bodies take or may yet take, from here to the end of their requests."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self.held = 0
        self.until: dict[asyncio.Task[Any], float] = {}
        self.overdue: set[asyncio.Task[Any]] = set()

    def expected(self, headers: Any) -> int:
        """How many bytes the body may have: its Content-Length, or the limit when chunked. Raises BodyTooLarge."""
        length = headers.get("content-length")
        if length is None:
            return self.limit if "transfer-encoding" in headers else 0
        if int(length) > self.limit:
            raise BodyTooLarge(f"the body has {length} bytes, more than the {self.limit} that are allowed")
        return int(length)

    def reserve(self, size: int) -> int:
        """Count a body of `size` bytes; returns what `release` is to be told. Raises Overloaded."""
        if size <= SMALL_BYTES:
            return 0
        if self.held + size > LARGEST_BODIES * self.limit:
            raise Overloaded("memory", "too many large bodies are being sent at once; try again")
        self.held += size
        return size

    def release(self, size: int) -> None:
        self.held -= size

    async def read(self, headers: Any, proto: Any, size: int) -> bytes:
        """The whole body, of which `expected` said `size`. Raises BodyTooLarge, BodyTimeout or IncompleteBody."""
        if not size:
            return b""
        task: Any = asyncio.current_task()
        self.until[task] = monotonic() + self.seconds
        try:
            return await (proto() if "content-length" in headers else collect(proto, self.limit))
        except ProtocolClosed:
            raise IncompleteBody("the body ended before its end") from None
        except asyncio.CancelledError:
            if task not in self.overdue:
                raise
            task.uncancel()
            raise BodyTimeout(f"the body did not arrive within {self.seconds} seconds") from None
        finally:
            self.overdue.discard(task)
            del self.until[task]

    def sweep(self) -> None:
        """Cut off those who take too long; to be called now and then. One look at all costs less than a timer each."""
        now = monotonic()
        for task in [task for task, until in self.until.items() if until < now]:
            self.overdue.add(task)
            task.cancel()


def without_body(headers: Any) -> bool:
    """Whether a request comes without a body. One that is not read ends the connection, which the answer has to say."""
    return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers


async def collect(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    """A chunked body. Raises BodyTooLarge as soon as it is."""
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > limit:
            raise BodyTooLarge(f"the body has more than the {limit} bytes that are allowed")
    return bytes(data)
