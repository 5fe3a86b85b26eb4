"""Admission: at most so many requests inside, a short queue with a deadline, and then a refusal at once.

Everything here runs on the event loop of one worker, so nothing is locked. Places are given in the loop's next turn, to
as many as wait for one: requests that came together start together, and may run through a network as one batch. Those
that came in one turn beyond the places and the queue learn at once that they will not be answered, however short the
work of each is.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter

from service.access import HEALTH
from service.errors import Overloaded
from service.exchange import Exchange

NEVER_REFUSED = HEALTH | {"/metrics"}
RETRY_AFTER = ("Retry-After", "1")


class Gate:
    """inside: how many have a place now; queue: those that wait for one, the longest waiting first.

    start: called with requests that have their places now; for each of them `leave` must follow.
    refuse: called with a request that waited for too long.
    """

    def __init__(
        self,
        places: int,
        room: int,
        seconds: float,
        start: Callable[[list[Exchange]], None],
        refuse: Callable[[Exchange, Overloaded], None],
    ) -> None:
        self.places, self.room, self.seconds, self.start, self.refuse = places, room, seconds, start, refuse
        self.inside = 0
        self.queue: deque[Exchange] = deque()
        self.turns = self.watches = False

    def enter(self, exchange: Exchange) -> None:
        """Start the request in its turn. Raises Overloaded when there is no room to wait."""
        if len(self.queue) >= self.room + self.places - self.inside:
            raise Overloaded("queue_full", f"{self.places} requests are worked on and {self.room} wait; try again")
        exchange.waits_since = perf_counter()
        self.queue.append(exchange)
        self.turn_soon()
        if not self.watches:
            self.watch(self.seconds)

    def leave(self) -> None:
        """Give a place back."""
        self.inside -= 1
        self.turn_soon()

    def turn_soon(self) -> None:
        if self.queue and self.inside < self.places and not self.turns:
            self.turns = True
            asyncio.get_running_loop().call_soon(self.turn)

    def turn(self) -> None:
        """Give the free places to those that have waited longest."""
        self.turns = False
        self.drop_late()
        given = [self.queue.popleft() for _ in range(min(self.places - self.inside, len(self.queue)))]
        if given:
            self.inside += len(given)
            self.start(given)

    def forget(self, exchange: Exchange) -> bool:
        """Take a request out of the queue; False when it does not wait there."""
        try:
            self.queue.remove(exchange)
        except ValueError:
            return False
        return True

    def drop_late(self) -> None:
        """Refuse those whose time is over; of a queue in order they are the first."""
        while self.queue and perf_counter() - self.queue[0].waits_since >= self.seconds:
            self.refuse(self.queue.popleft(), Overloaded("deadline", f"no place within {self.seconds} s"))

    def watch(self, seconds: float) -> None:
        """One timer for the whole queue: it rings when the first of it must go, and is wound up for the next."""
        self.watches = True
        asyncio.get_running_loop().call_later(seconds, self.ring)

    def ring(self) -> None:
        self.watches = False
        self.drop_late()
        if self.queue:
            self.watch(self.queue[0].waits_since + self.seconds - perf_counter())
