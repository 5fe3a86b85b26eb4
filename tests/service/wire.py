"""A transport without a socket, for connections of the service."""

import asyncio


class Transport:
    """Keeps what is written to it. closed, aborted, ended, reading: what it was told beside that."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = self.aborted = self.ended = False
        self.reading = True

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return {"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 8000)}[name]

    def write(self, data: bytes) -> None:
        assert not self.closed
        assert not self.ended
        self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    async def answer(self) -> bytes:
        """What was written, as soon as there is something."""
        while not self.written:
            await asyncio.sleep(0.001)
        return self.written
