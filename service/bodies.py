"""How large the body of a request may be, and how much memory large ones may take together in a worker."""

from collections.abc import Mapping

from service.errors import BodyTooLarge, Overloaded

# Bodies up to this size are not counted: as many of them as there may be connections take little memory.
SMALL_BYTES = 65_536
# So many bodies of the largest size may be in memory at once, or more smaller ones.
LARGEST_BODIES = 16


class Bodies:
    """held: the bytes that large bodies take or may yet take, from their beginning to the end of their requests."""

    def __init__(self, limit: int) -> None:
        self.limit, self.held = limit, 0

    def expected(self, headers: Mapping[str, str]) -> int:
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
