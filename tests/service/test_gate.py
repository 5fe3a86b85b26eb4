"""Admission: places, the queue in its order, the deadline, and clients that go away while they wait."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from service.errors import Overloaded
from service.gate import ClientGone, Gate


async def stays() -> None:
    await asyncio.Event().wait()


async def leaves() -> None:
    return


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def queue_up(gate: Gate, gone: Callable[[], Awaitable[None]] = stays) -> asyncio.Task[float]:
    return asyncio.create_task(gate.enter(gone))


def test_places_are_passed_on_in_order() -> None:
    async def scenario() -> None:
        gate = Gate(places=1, room=2, seconds=60)
        assert await gate.enter(stays) == 0
        first, second = queue_up(gate), queue_up(gate)
        await settle()
        assert (gate.inside, len(gate.queue), first.done()) == (1, 2, False)
        gate.leave()
        await settle()
        assert (first.done(), second.done(), gate.inside) == (True, False, 1)
        gate.leave()
        gate.leave()
        await settle()
        assert (await first >= 0, second.done(), gate.inside, len(gate.queue)) == (True, True, 0, 0)

    run(scenario)


def test_full_queue_refuses_at_once() -> None:
    async def scenario() -> None:
        gate = Gate(places=1, room=1, seconds=60)
        await gate.enter(stays)
        waiting = queue_up(gate)
        await settle()
        with pytest.raises(Overloaded) as caught:
            await gate.enter(stays)
        assert (caught.value.reason, caught.value.status) == ("queue_full", 503)
        waiting.cancel()
        await settle()
        assert len(gate.queue) == 0

    run(scenario)


def test_work_on_the_loop_itself_counts_until_the_next_turn() -> None:
    """However quick each is, of many requests that are ready at the same time most are refused."""

    async def scenario() -> None:
        gate = Gate(places=2, room=3, seconds=60)

        async def request() -> None:
            await gate.enter(stays)
            gate.leave()

        outcomes = await asyncio.gather(*(request() for _ in range(100)), return_exceptions=True)
        assert sum(isinstance(each, Overloaded) for each in outcomes) == 95
        await settle()
        assert gate.inside == 0

    run(scenario)


def test_deadline() -> None:
    async def scenario() -> None:
        gate = Gate(places=1, room=5, seconds=0)
        await gate.enter(stays)
        with pytest.raises(Overloaded) as caught:
            await gate.enter(stays)
        assert caught.value.reason == "deadline"
        assert len(gate.queue) == 0
        gate.leave()
        await settle()
        assert gate.inside == 0

    run(scenario)


def test_client_that_goes_away_leaves_the_queue() -> None:
    async def scenario() -> None:
        gate = Gate(places=1, room=5, seconds=60)
        await gate.enter(stays)
        with pytest.raises(ClientGone):
            await gate.enter(leaves)
        assert len(gate.queue) == 0

    run(scenario)


def test_place_given_to_a_request_that_is_cancelled_is_passed_on() -> None:
    async def scenario() -> None:
        gate = Gate(places=1, room=5, seconds=60)
        await gate.enter(stays)
        first = queue_up(gate)
        await settle()
        gate.pass_on()
        first.cancel()
        await settle()
        assert gate.inside == 0

    run(scenario)
