"""What every request passes, on the event loop of its worker: body, admission, work, answer, log and metrics.

    headers ─▶ body, within its time ─▶ a place, or 503 ─▶ the work, in a thread ─▶ the answer

Health and metrics go past admission. Work that takes less than handing it over is done on the loop itself. Granian
calls this by its RSGI: its WSGI is some 30 µs cheaper, but knows neither time limits for bodies nor clients that went
away (docs/serving.md).
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from service.config import Config
from service.environ import Answer, call, environ
from service.errors import Overloaded, RequestError
from service.exchange import Exchange
from service.fast.answering import Fast
from service.gate import NEVER_REFUSED, RETRY_AFTER, ClientGone, Gate
from service.headers import CORS, complete
from service.ids import trace_id
from service.jsonlog import Writer, quoted, stamp
from service.metrics import Metrics
from service.notes import UNKNOWN
from service.reader import SWEEP_SECONDS, Reader, without_body
from service.routes.reply import JSON, failure
from service.tracing import from_environment

log = logging.getLogger(__name__)
CLIENT_CLOSED_REQUEST = 499
# What is answered before a request comes to its route.
UNROUTED = (400, 408, 413, CLIENT_CLOSED_REQUEST, 503)
TOLD_AT_ONCE = 64
UNFORESEEN = ("internal_error", "the service failed on this request")


class Front:
    """The application as granian calls it: one a worker."""

    def __init__(self, app: Flask, config: Config, metrics: Metrics, writer: Writer) -> None:
        self.app, self.config, self.metrics, self.writer = app, config, metrics, writer
        self.models = app.extensions["numserve"]
        self.gate = Gate(config.threads, config.queue, config.queue_seconds)
        self.reader = Reader(config.max_body, config.read_seconds)
        self.pool = ThreadPoolExecutor(config.threads, thread_name_prefix="work")
        self.fast = Fast(app, config)
        self.cors = CORS(config.cors_origins)
        self.logs_requests = config.log_level in ("debug", "info")
        self.in_flight = 0
        self.tracing = from_environment()
        self.telling: list[Exchange] = []

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.tick(loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """The last word, when all requests are answered."""
        self.tell()
        self.gauge()
        self.writer.flush()
        if self.tracing is not None:
            self.tracing.stop()

    def tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """What is to be done now and then."""
        self.reader.sweep()
        self.tell()
        self.gauge()
        loop.call_later(SWEEP_SECONDS, self.tick, loop)

    def gauge(self) -> None:
        metrics = self.metrics
        metrics.set("numserve_requests_in_flight", self.in_flight)
        metrics.set("numserve_requests_waiting", len(self.gate.queue))
        metrics.models(self.models)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        exchange = Exchange(scope)
        self.in_flight += 1
        try:
            status, headers, body = await self.answer(exchange, proto)
        except RequestError as error:
            status, headers, body = self.refuse(exchange, error)
        except ClientGone:
            self.metrics.add("numserve_abandoned_total")
            status, headers, body = CLIENT_CLOSED_REQUEST, [], b""
        except Exception as error:
            log.error("a request failed", exc_info=error)
            status, headers, body = 500, [JSON], failure(exchange.path, *UNFORESEEN)
        finally:
            self.in_flight -= 1
        if exchange.route == UNKNOWN and status in UNROUTED:
            exchange.route = self.rule(exchange)
        proto.response_bytes(status, complete(headers + self.own_headers(exchange)), body)
        exchange.ended(status, len(body))
        self.telling.append(exchange)
        if len(self.telling) >= TOLD_AT_ONCE:
            self.tell()

    async def answer(self, exchange: Exchange, proto: Any) -> Answer:
        headers = exchange.headers
        preflight = self.cors.preflight(exchange.method, headers)
        if preflight is not None:
            return 204, preflight, b""
        if exchange.path in NEVER_REFUSED:
            return exchange.work(partial(self.flask, exchange, b""))
        size = self.reader.expected(headers)
        held = self.reader.reserve(size)
        try:
            body = await self.reader.read(headers, proto, size)
            exchange.is_read = True
            self.metrics.queue.observe(await self.gate.enter(proto.client_disconnect))
            try:
                return await self.work(exchange, body)
            finally:
                self.gate.leave()
        finally:
            self.reader.release(held)

    async def work(self, exchange: Exchange, body: bytes) -> Answer:
        """The answer of a request that has its place: at once where that takes no time, else in a thread."""
        make: Callable[[Exchange, bytes], Answer] = self.flask
        taken = self.fast.takes(exchange)
        if taken is not None:
            route, rule = taken
            answer = exchange.work(partial(self.fast.answer, route.brief, rule, exchange, body))
            if answer is not None:
                return answer
            make = partial(self.fast.answer, route.full, rule)
        return await asyncio.get_running_loop().run_in_executor(self.pool, exchange.work, partial(make, exchange, body))

    def rule(self, exchange: Exchange) -> str:
        """The rule of a request that never came to its route."""
        try:
            found, _ = self.app.url_map.bind("").match(exchange.path, exchange.method, return_rule=True)
            return found.rule
        except HTTPException:
            return UNKNOWN

    def flask(self, exchange: Exchange, body: bytes) -> Answer:
        return call(self.app, environ(exchange.scope, body))

    def refuse(self, exchange: Exchange, error: RequestError) -> Answer:
        """The answer to a request that came no further than this."""
        headers = [JSON]
        if isinstance(error, Overloaded):
            self.metrics.add("numserve_refused_total", reason=error.reason)
            headers.append(RETRY_AFTER)
        return error.status, headers, failure(exchange.path, error.code, str(error))

    def own_headers(self, exchange: Exchange) -> list[tuple[str, str]]:
        headers = [("X-Request-ID", exchange.id)]
        if exchange.traceparent and trace_id(exchange.traceparent):
            headers.append(("traceparent", exchange.traceparent))
        if self.cors.origins:
            headers += self.cors.headers(exchange.headers.get("origin"))
        if self.metrics.table.stopping or not (exchange.is_read or without_body(exchange.headers)):
            headers.append(("Connection", "close"))
        return headers

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
        f'"client": "{exchange.scope.client}", "request_id": "{exchange.id}"{traced}{answered}}}\n'
    )
