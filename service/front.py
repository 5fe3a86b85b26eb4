"""What every request passes, on the event loop of its worker: admission, work, answer, log and metrics.

    a whole request ─▶ a place, or 503 ─▶ the work, here or in a thread ─▶ the answer

Health and metrics go past admission. Work that takes less than handing it over is done on the loop itself.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import TypeVar

from flask import Flask
from werkzeug.exceptions import HTTPException

from service.batch import Pending, Ran, run_together
from service.bodies import Bodies
from service.config import Config
from service.cors import CORS
from service.environ import call, environ
from service.errors import Overloaded, RequestError
from service.exchange import Answer, Exchange
from service.fast.answering import Fast
from service.gate import NEVER_REFUSED, RETRY_AFTER, Gate
from service.ids import trace_id
from service.jsonlog import Writer, quoted, stamp
from service.metrics import Metrics
from service.notes import UNKNOWN
from service.routes.reply import JSON, failure
from service.tracing import from_environment

Made = TypeVar("Made")
log = logging.getLogger(__name__)
CLIENT_CLOSED_REQUEST = 499
# What is answered before a request comes to its route.
UNROUTED = (400, 408, 413, 431, CLIENT_CLOSED_REQUEST, 503)
TOLD_AT_ONCE = 64
UNFORESEEN = ("internal_error", "the service failed on this request")


class Front:
    """The application as its connections know it (service/wire/connection.py): one a worker."""

    def __init__(self, app: Flask, config: Config, metrics: Metrics, writer: Writer) -> None:
        self.app, self.metrics, self.writer = app, metrics, writer
        self.models = app.extensions["numserve"]
        self.bodies = Bodies(config.max_body)
        self.gate = Gate(config.threads, config.queue, config.queue_seconds, self.start, self.refuse)
        self.pool = ThreadPoolExecutor(config.threads, thread_name_prefix="work")
        self.fast = Fast(app, config)
        self.cors = CORS(config.cors_origins)
        self.logs_requests = config.log_level in ("debug", "info")
        self.in_flight = 0
        self.tracing = from_environment()
        self.telling: list[Exchange] = []
        self.stops = False

    @property
    def stopping(self) -> bool:
        return self.stops or self.metrics.table.stopping

    def stop(self) -> None:
        """From now on each answer is the last of its connection."""
        self.stops = True

    def close(self) -> None:
        """The last word, when all requests are answered."""
        self.tick()
        self.writer.flush()
        if self.tracing is not None:
            self.tracing.stop()

    def tick(self) -> None:
        """What is to be done now and then."""
        self.tell()
        metrics = self.metrics
        metrics.set("numserve_requests_in_flight", self.in_flight)
        metrics.set("numserve_requests_waiting", len(self.gate.queue))
        metrics.models(self.models)

    # A request on its way, from its head to its answer.

    def begin(self, exchange: Exchange) -> int:
        self.in_flight += 1
        size = self.bodies.expected(exchange.headers)
        exchange.held = self.bodies.reserve(size)
        return size

    def take(self, exchange: Exchange) -> None:
        preflight = self.cors.preflight(exchange.method, exchange.headers)
        if preflight is not None:
            self.finish(exchange, (204, preflight, b""))
        elif exchange.path in NEVER_REFUSED:
            self.finish(exchange, self.made(self.flask, exchange))
        else:
            try:
                self.gate.enter(exchange)
            except Overloaded as error:
                self.refuse(exchange, error)

    def start(self, turn: list[Exchange]) -> None:
        """These have their places. What takes no time is done here and now, all of it together, the rest in threads."""
        now, ready = perf_counter(), []
        for exchange in turn:
            self.metrics.queue.observe(now - exchange.waits_since)
            begun = self.begun(exchange)
            if isinstance(begun, Pending):
                ready.append((exchange, begun))
            elif begun is not None:
                self.leave(exchange, begun)
        for (exchange, pending), ran in zip(ready, run_together([pending for _, pending in ready]), strict=True):
            self.leave(exchange, self.made(partial(self.tell_of, pending, ran), exchange))

    def begun(self, exchange: Exchange) -> Pending | Answer | None:
        """The first part of the work, if the rest takes no time; else it all goes to a thread, and None comes back."""
        taken = self.fast.takes(exchange)
        if taken is None:
            self.hand_over(exchange, self.flask)
            return None
        route, rule = taken
        begun = self.made(partial(self.fast.asks, route.begin, rule), exchange)
        if begun is None:
            self.hand_over(exchange, partial(self.fast.asks, route.full, rule))
        return begun

    def hand_over(self, exchange: Exchange, make: Callable[[Exchange], Answer]) -> None:
        loop = asyncio.get_running_loop()

        def work() -> None:
            loop.call_soon_threadsafe(self.leave, exchange, self.made(make, exchange))

        self.pool.submit(work)

    def leave(self, exchange: Exchange, answer: Answer) -> None:
        """The request gives its place back, and is answered."""
        self.gate.leave()
        self.finish(exchange, answer)

    def tell_of(self, pending: Pending, ran: Ran | Exception, exchange: Exchange) -> Answer:
        if isinstance(ran, Exception):
            pending.failed()
            raise ran
        return self.fast.told(lambda _: pending.tell(ran), exchange)

    def made(self, make: Callable[[Exchange], Made], exchange: Exchange) -> Made | Answer:
        """What `make` answers; a defect is logged, and tells the client nothing."""
        try:
            return exchange.work(make)
        except Exception as error:
            log.error("a request failed", exc_info=error)
            return 500, [JSON], failure(exchange.path, *UNFORESEEN)

    def flask(self, exchange: Exchange) -> Answer:
        return call(self.app, environ(exchange))

    def refuse(self, exchange: Exchange, error: RequestError) -> None:
        """Answer a request that comes no further than this."""
        headers = [JSON]
        if isinstance(error, Overloaded):
            self.metrics.add("numserve_refused_total", reason=error.reason)
            headers.append(RETRY_AFTER)
        self.finish(exchange, (error.status, headers, failure(exchange.path, error.code, str(error))))

    def forget(self, exchange: Exchange) -> bool:
        waits = self.gate.forget(exchange)
        if waits:
            self.abandon(exchange)
        return waits

    def abandon(self, exchange: Exchange) -> None:
        self.metrics.add("numserve_abandoned_total")
        self.end(exchange, CLIENT_CLOSED_REQUEST, 0)

    def finish(self, exchange: Exchange, answer: Answer) -> None:
        status, headers, body = answer
        exchange.wire.answer((status, headers + self.own_headers(exchange), body))
        self.end(exchange, status, len(body))

    def own_headers(self, exchange: Exchange) -> list[tuple[str, str]]:
        headers = [("X-Request-ID", exchange.id)]
        if exchange.traceparent and trace_id(exchange.traceparent):
            headers.append(("traceparent", exchange.traceparent))
        if self.cors.origins:
            headers += self.cors.headers(exchange.headers.get("origin"))
        return headers

    def end(self, exchange: Exchange, status: int, size: int) -> None:
        self.in_flight -= 1
        self.bodies.release(exchange.held)
        if exchange.route == UNKNOWN and status in UNROUTED:
            exchange.route = self.rule(exchange)
        exchange.ended(status, size)
        self.telling.append(exchange)
        if len(self.telling) >= TOLD_AT_ONCE:
            self.tell()

    def rule(self, exchange: Exchange) -> str:
        """The rule of a request that never came to its route."""
        try:
            found, _ = self.app.url_map.bind("").match(exchange.path, exchange.method, return_rule=True)
            return found.rule
        except HTTPException:
            return UNKNOWN

    def tell(self) -> None:
        """Count and log the requests of late. Many at once take half the time, and none of it is a client's."""
        telling, self.telling = self.telling, []
        for exchange in telling:
            self.metrics.answered(exchange.route, exchange.status, exchange.took)
            self.metrics.worked(exchange.stages, exchange.batches, exchange.predicted)
            if self.logs_requests:
                self.writer.write(line(exchange))
            if self.tracing is not None:
                self.tracing.tell(exchange)


def line(exchange: Exchange) -> str:
    """The log's line about a request. Whatever the client made up is quoted."""
    trace = trace_id(exchange.traceparent)
    traced = f', "trace_id": "{trace}"' if trace else ""
    answered = f', "model": "{exchange.predicted[0][0]}/{exchange.predicted[0][1]}"' if exchange.predicted else ""
    return (
        f'{{"time": "{stamp(exchange.ended_at)}", "level": "info", "message": "request", '
        f'"method": {quoted(exchange.method)}, "path": {quoted(exchange.path)}, "route": "{exchange.route}", '
        f'"status": {exchange.status}, "bytes": {exchange.size}, "milliseconds": {exchange.took * 1000:.3f}, '
        f'"client": "{exchange.client}", "request_id": "{exchange.id}"{traced}{answered}}}\n'
    )
