"""The event loop of one worker, which takes connections from the socket that all workers share until it is to stop."""

import asyncio
import logging
import signal
import socket
from time import monotonic

import uvloop

from service.front import Front
from service.table import Region
from service.wire.connection import Connection

log = logging.getLogger(__name__)
# Connections that one worker holds open, those that idle between two requests included; others wait in the system.
CONNECTIONS = 1024
SWEEP_SECONDS = 0.25
# A worker with so many connections more than another leaves the next to that one, which has a moment to take it.
LEAD, MOMENT_SECONDS = 4, 0.001
# A worker that stops waits so long for a request on a connection that is open.
LAST_SECONDS = 0.5


class Worker:
    """Serves with `front` whoever connects to `listener`, which does not block; `region` is this worker's own."""

    def __init__(self, front: Front, listener: socket.socket, region: Region, read_seconds: float) -> None:
        self.front, self.listener, self.region, self.read_seconds = front, listener, region, read_seconds
        self.loop = uvloop.new_event_loop()
        self.connections: set[Connection] = set()
        self.opening: set[asyncio.Task[None]] = set()
        self.listens = self.stops = False

    def run(self) -> None:
        """Serve until SIGTERM, and then until the requests under way are answered."""
        asyncio.set_event_loop(self.loop)
        # From within the loop: of a SIGTERM that comes before it runs, uvloop would say nothing.
        self.loop.call_soon(self.loop.add_signal_handler, signal.SIGTERM, self.stop)
        self.loop.call_soon(self.tick)
        self.loop.run_forever()
        self.front.close()

    def tick(self) -> None:
        """What is to be done now and then."""
        now = monotonic()
        for connection in tuple(self.connections):
            connection.sweep(now)
        self.front.tick()
        if self.stops and not self.connections:
            self.loop.stop()
            return
        self.region.hold(len(self.connections))
        self.listen()
        self.loop.call_later(SWEEP_SECONDS, self.tick)

    def listen(self) -> None:
        if not (self.stops or self.listens) and len(self.connections) < CONNECTIONS:
            self.listens = True
            self.loop.add_reader(self.listener, self.accept)

    def accept(self) -> None:
        """Somebody connects: take it, unless another worker is to have the time to."""
        self.region.hold(len(self.connections))
        if self.region.lead < LEAD:
            self.take()
        else:
            self.rest()
            self.loop.call_later(MOMENT_SECONDS, self.take_what_is_left)

    def take_what_is_left(self) -> None:
        """The others had their moment."""
        self.listen()
        if self.listens:
            self.take()

    def take(self) -> None:
        """Take one connection in a turn of the loop, and leave the next to the worker that looks first: it has time."""
        try:
            self.take_one()
        except OSError as error:
            log.error("connections are not accepted for a moment: %s", error.strerror)
            self.rest()
        self.region.hold(len(self.connections))
        if len(self.connections) >= CONNECTIONS:
            self.rest()

    def take_one(self) -> bool:
        """Whether there was one."""
        try:
            wire, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        connection = Connection(self.front, self.loop, self.read_seconds, self.connections)
        task = self.loop.create_task(self.open(connection, wire))
        self.opening.add(task)
        task.add_done_callback(self.opening.discard)
        return True

    async def open(self, connection: Connection, wire: socket.socket) -> None:
        try:
            wire.setblocking(False)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self.loop.connect_accepted_socket(lambda: connection, wire)
        except OSError:  # it was closed before it was open
            self.connections.discard(connection)
            wire.close()

    def rest(self) -> None:
        """Accept no connections until `listen`, at the next tick if not before."""
        if self.listens:
            self.listens = False
            self.loop.remove_reader(self.listener)

    def stop(self) -> None:
        """Take what had connected by now, and nothing after it."""
        self.stops = True
        self.rest()
        try:
            while self.take_one():
                pass
        except OSError as error:
            log.error("connections that waited are lost: %s", error.strerror)
        self.listener.close()
        self.front.stop()
        for connection in self.connections:
            connection.hurry(LAST_SECONDS)
