"""Spans for OpenTelemetry, when it is installed and OTEL_EXPORTER_OTLP_ENDPOINT says where to send them; else nothing.

    POST /predict                 the request, a child of the client's span when it sent a `traceparent`
    ├── decode, preprocess        of each picture
    └── inference                 of the batch

Spans are made when the request has been answered, from what was noted down, so that no client waits for them.
"""

import logging
import os
from collections.abc import Mapping
from typing import Any

from service.exchange import Exchange

log = logging.getLogger(__name__)
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
NANOSECONDS = 1_000_000_000


class Tracing:
    """Makes spans of exchanges and hands them to `provider`, an SDK TracerProvider."""

    def __init__(self, provider: Any) -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self.provider, self.server, self.propagator = provider, SpanKind.SERVER, TraceContextTextMapPropagator()
        self.tracer = provider.get_tracer("numserve")

    def tell(self, exchange: Exchange) -> None:
        """The span of a request that was answered, and those of its stages."""
        from opentelemetry.trace import set_span_in_context

        # Stages are timed by perf_counter; this is what it lacks to the time of day.
        offset = exchange.ended_at - exchange.took - exchange.began
        parent = self.propagator.extract({"traceparent": exchange.traceparent or ""})
        name, start = f"{exchange.method} {exchange.route}", nanoseconds(exchange.began, offset)
        span = self.tracer.start_span(name, parent, self.server, attributes(exchange), start_time=start)
        inside = set_span_in_context(span)
        for stage, began, ended in exchange.stages:
            child = self.tracer.start_span(stage, inside, start_time=nanoseconds(began, offset))
            child.end(nanoseconds(ended, offset))
        span.end(nanoseconds(exchange.began + exchange.took, offset))

    def stop(self) -> None:
        """Send what is left."""
        self.provider.shutdown()


def nanoseconds(moment: float, offset: float) -> int:
    return int((moment + offset) * NANOSECONDS)


def attributes(exchange: Exchange) -> dict[str, str | int]:
    """What the conventions of OpenTelemetry name, and what is our own."""
    found: dict[str, str | int] = {
        "http.request.method": exchange.method,
        "http.route": exchange.route,
        "url.path": exchange.path,
        "http.response.status_code": exchange.status,
        "numserve.request_id": exchange.id,
    }
    if exchange.predicted:
        model, version, _ = exchange.predicted[0]
        found |= {"numserve.model": model, "numserve.version": version, "numserve.batch": sum(exchange.batches)}
    return found


def from_environment(environment: Mapping[str, str] = os.environ) -> Tracing | None:
    """Tracing to the endpoint that the environment names; None without one, or without the packages."""
    if not any(environment.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning(
            "%s is set, but OpenTelemetry is not installed: pip install 'numserve[opentelemetry]'", ENDPOINTS[0]
        )
        return None
    named = {} if environment.get("OTEL_SERVICE_NAME") else {"service.name": "numserve"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
