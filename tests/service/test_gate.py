"""Admission: places, the queue in its order, the deadline, and clients that go away while they wait."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from service.errors import Overloaded
from service.exchange import Exchange
from service.gate import Gate


class Service:
    """A gate, the requests that it started, turn by turn, and those that it refused."""

    def __init__(self, places: int, room: int, seconds: float = 60) -> None:
        self.turns: list[list[Exchange]] = []
        self.refused: list[str] = []
        self.gate = Gate(places, room, seconds, self.turns.append, lambda _, error: self.refused.append(error.reason))

    def enter(self) -> Exchange:
        exchange = Exchange(None, "GET", "/", "", {})  # type: ignore[arg-type]
        self.gate.enter(exchange)
        return exchange


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def test_places_are_given_in_order_and_those_that_came_together_start_together() -> None:
    async def scenario() -> None:
        service = Service(places=2, room=3)
        first, second, third, fourth, fifth = (service.enter() for _ in range(5))
        assert service.turns == []
        await settle()
        assert (service.turns, service.gate.inside, len(service.gate.queue)) == ([[first, second]], 2, 3)
        service.gate.leave()
        await settle()
        assert service.turns[1:] == [[third]]
        service.gate.leave()
        service.gate.leave()
        await settle()
        assert service.turns[2:] == [[fourth, fifth]]
        service.gate.leave()
        service.gate.leave()
        assert service.gate.inside == 0

    run(scenario)


def test_what_is_over_places_and_room_is_refused_at_once() -> None:
    """However quick each is: of many requests that come in the same turn most are refused."""

    async def scenario() -> None:
        service = Service(places=2, room=3)
        for _ in range(5):
            service.enter()
        for _ in range(95):
            with pytest.raises(Overloaded, match="2 requests are worked on and 3 wait"):
                service.enter()
        await settle()
        with pytest.raises(Overloaded) as refused:
            service.enter()
        assert (refused.value.reason, refused.value.status) == ("queue_full", 503)

    run(scenario)


def test_deadline() -> None:
    async def scenario() -> None:
        service = Service(places=1, room=5, seconds=0.02)
        service.enter()
        await settle()
        service.enter()
        await asyncio.sleep(0.01)
        service.enter()
        assert service.refused == []
        await asyncio.sleep(0.015)
        assert service.refused == ["deadline"]
        await asyncio.sleep(0.015)
        assert service.refused == ["deadline"] * 2
        service.gate.leave()
        await settle()
        assert (len(service.turns), service.gate.inside) == (1, 0)

    run(scenario)


def test_a_request_whose_time_is_over_is_not_started() -> None:
    async def scenario() -> None:
        service = Service(places=1, room=5, seconds=0)
        service.enter()
        await settle()
        assert (service.turns, service.refused, service.gate.inside) == ([], ["deadline"], 0)

    run(scenario)


def test_client_that_goes_away_leaves_the_queue() -> None:
    async def scenario() -> None:
        service = Service(places=1, room=5)
        first, second, third = (service.enter() for _ in range(3))
        await settle()
        assert service.gate.forget(second)
        assert not service.gate.forget(first)
        service.gate.leave()
        await settle()
        assert service.turns == [[first], [third]]

    run(scenario)
