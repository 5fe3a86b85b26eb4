"""Bodies: how large one may be, and the memory that large ones may take together."""

import pytest

from service.bodies import Bodies
from service.errors import BodyTooLarge, Overloaded


def test_what_is_expected() -> None:
    bodies = Bodies(limit=10)
    assert bodies.expected({}) == 0
    assert bodies.expected({"content-length": "10"}) == 10
    assert bodies.expected({"transfer-encoding": "chunked"}) == 10
    with pytest.raises(BodyTooLarge):
        bodies.expected({"content-length": "11"})


def test_memory_that_large_bodies_take_together() -> None:
    bodies = Bodies(limit=1_000_000)
    assert bodies.reserve(1000) == 0
    held = [bodies.reserve(1_000_000) for _ in range(16)]
    with pytest.raises(Overloaded):
        bodies.reserve(70_000)
    bodies.reserve(1000)
    for size in held:
        bodies.release(size)
    assert bodies.held == 0
