"""Bodies over the wire: their limit, their time, and the memory that large ones may take together."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from granian.rsgi import ProtocolClosed

from service.errors import BodyTimeout, BodyTooLarge, IncompleteBody, Overloaded
from service.reader import Reader


class Wire:
    """A sender: its chunks, then the end, a break or silence."""

    def __init__(self, *chunks: bytes, then: str = "end") -> None:
        self.chunks, self.then, self.sent = chunks, then, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.sent += 1
            yield chunk
        if self.then == "silence":
            await asyncio.Event().wait()
        if self.then == "break":
            raise ProtocolClosed("RSGI transport is closed")

    async def __call__(self) -> bytes:
        return b"".join([chunk async for chunk in self])


def read(reader: Reader, wire: Wire, **headers: str) -> bytes:
    given = {name.replace("_", "-"): value for name, value in headers.items()}

    async def scenario() -> bytes:
        async def sweep() -> None:
            while True:
                await asyncio.sleep(0)
                reader.sweep()

        sweeping = asyncio.create_task(sweep())
        try:
            return await reader.read(given, wire, reader.expected(given))
        finally:
            sweeping.cancel()
            assert (reader.until, reader.overdue) == ({}, set())

    return asyncio.run(scenario())


def test_bodies() -> None:
    reader = Reader(limit=10, seconds=60)
    assert read(reader, Wire(b"abc", b"de"), content_length="5") == b"abcde"
    assert read(reader, Wire(b"abc", b"de"), transfer_encoding="chunked") == b"abcde"
    assert read(reader, Wire(b"never asked for")) == b""
    assert read(reader, Wire(b"0123456789"), transfer_encoding="chunked") == b"0123456789"


def test_limit() -> None:
    reader, wire = Reader(limit=10, seconds=60), Wire(*[b"abcdef"] * 100)
    with pytest.raises(BodyTooLarge):
        read(reader, wire, transfer_encoding="chunked")
    assert wire.sent == 2
    with pytest.raises(BodyTooLarge):
        read(reader, wire, content_length="11")


@pytest.mark.parametrize("headers", [{"content_length": "5"}, {"transfer_encoding": "chunked"}])
def test_sender_that_stalls_or_breaks_off(headers: dict[str, str]) -> None:
    with pytest.raises(BodyTimeout):
        read(Reader(limit=10, seconds=0), Wire(b"abc", then="silence"), **headers)
    with pytest.raises(IncompleteBody):
        read(Reader(limit=10, seconds=60), Wire(b"abc", then="break"), **headers)


def test_task_cancelled_by_others_stays_cancelled() -> None:
    async def scenario() -> None:
        reader = Reader(limit=10, seconds=60)
        task = asyncio.create_task(reader.read({"content-length": "5"}, Wire(then="silence"), 5))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_memory_that_large_bodies_take_together() -> None:
    reader = Reader(limit=1_000_000, seconds=60)
    assert reader.reserve(1000) == 0
    held = [reader.reserve(1_000_000) for _ in range(16)]
    with pytest.raises(Overloaded):
        reader.reserve(70_000)
    reader.reserve(1000)
    for size in held:
        reader.release(size)
    assert reader.held == 0
