"""Admission: at most so many requests inside, a short queue with a deadline, and then a refusal at once.

Everything here runs on the event loop of one worker, so nothing is locked. A place is given back in the loop's next
turn: requests that were ready in the same turn therefore queue, and those beyond the queue learn at once that they
will not be answered, however short the work of each is.
"""

import asyncio
from collections import deque
from time import perf_counter
from typing import Any

from service.access import HEALTH
from service.errors import Overloaded

NEVER_REFUSED = HEALTH | {"/metrics"}
RETRY_AFTER = ("Retry-After", "1")


class ClientGone(Exception):  # noqa: N818  as in errors.py
    """The client hung up while its request was waiting: nobody is there to be answered."""


class Gate:
    """inside: how many have a place now; queue: those that wait for one, the longest waiting first."""

    def __init__(self, places: int, room: int, seconds: float) -> None:
        self.places, self.room, self.seconds = places, room, seconds
        self.inside = 0
        self.queue: deque[asyncio.Future[None]] = deque()

    async def enter(self, gone: Any) -> float:
        """Take a place, and return the seconds that it took to get one; every `enter` is followed by one `leave`.

        gone: makes an awaitable that ends when the client hangs up. Raises Overloaded, or ClientGone.
        """
        if self.inside < self.places and not self.queue:
            self.inside += 1
            return 0.0
        if len(self.queue) >= self.room:
            raise Overloaded("queue_full", f"{self.places} requests are worked on and {self.room} wait; try again")
        return await self.wait(gone)

    async def wait(self, gone: Any) -> float:
        began, loop = perf_counter(), asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self.queue.append(turn)
        late = loop.call_later(self.seconds, fail, turn, Overloaded("deadline", f"no place within {self.seconds} s"))
        watch = loop.create_task(tell(turn, gone))
        try:
            await turn
        except BaseException:
            if turn in self.queue:
                self.queue.remove(turn)
            elif turn.done() and not turn.cancelled() and turn.exception() is None:
                self.pass_on()  # it had a place already, and will not use it
            raise
        finally:
            late.cancel()
            watch.cancel()
        return perf_counter() - began

    def leave(self) -> None:
        """Give the place back; it is passed on, or free again, in the loop's next turn."""
        asyncio.get_running_loop().call_soon(self.pass_on)

    def pass_on(self) -> None:
        while self.queue:
            turn = self.queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.inside -= 1


def fail(turn: asyncio.Future[None], error: Exception) -> None:
    if not turn.done():
        turn.set_exception(error)


async def tell(turn: asyncio.Future[None], gone: Any) -> None:
    await gone()
    fail(turn, ClientGone())
