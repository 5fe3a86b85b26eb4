"""Spans: those of a request and of its stages, in the client's trace; and nothing at all unless it is asked for."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from running import running, until

from service.exchange import Exchange
from service.tracing import Tracing, from_environment

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def exchange(**headers: str) -> Exchange:
    made = Exchange(None, "POST", "/predict", "", headers, "x:1")  # type: ignore[arg-type]
    made.route, made.stages = (
        "/predict",
        [("decode", made.began + 1, made.began + 2), ("inference", made.began + 2, made.began + 4)],
    )
    made.batches, made.predicted = [3], [("cnn", 2, "7")] * 3
    made.ended(200, 10)
    made.took = 5.0
    return made


@pytest.fixture
def exported() -> Iterator[tuple[Tracing, InMemorySpanExporter]]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider)
    yield tracing, exporter
    tracing.stop()


def test_spans_of_a_request(exported: tuple[Tracing, InMemorySpanExporter]) -> None:
    tracing, exporter = exported
    tracing.tell(exchange(traceparent=f"00-{TRACE}-{SPAN}-01"))
    decode, inference, request = exporter.get_finished_spans()
    assert [decode.name, inference.name, request.name] == ["decode", "inference", "POST /predict"]
    assert {f"{each.context.trace_id:032x}" for each in (decode, inference, request)} == {TRACE}
    assert f"{request.parent.span_id:016x}" == SPAN
    assert decode.parent.span_id == inference.parent.span_id == request.context.span_id
    assert [round((each.end_time - each.start_time) / 1e9) for each in (decode, inference, request)] == [1, 2, 5]
    assert request.attributes["numserve.batch"] == 3
    assert request.attributes["http.response.status_code"] == 200


def test_request_without_a_trace_begins_one(exported: tuple[Tracing, InMemorySpanExporter]) -> None:
    tracing, exporter = exported
    tracing.tell(exchange())
    assert exporter.get_finished_spans()[-1].parent is None


def test_nothing_unless_an_endpoint_is_named() -> None:
    assert from_environment({}) is None
    assert from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}) is None
    code = "import sys, service.server; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "[]"


def test_endpoint_without_the_packages_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}) is None
    assert "pip install 'numserve[opentelemetry]'" in caplog.text


class Collector(BaseHTTPRequestHandler):
    """Takes what is exported and keeps it."""

    received: list[bytes]

    def do_POST(self) -> None:
        self.received.append(self.path.encode() + self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_spans_leave_a_real_service(store: Path, picture: Callable[..., bytes], tmp_path: Path) -> None:
    Collector.received = []
    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        }
        with running(store, tmp_path / "log", **settings) as service:
            service.exchange("POST", "/predict", picture(), traceparent=f"00-{TRACE}-{SPAN}-01")
        until(lambda: any(bytes.fromhex(TRACE) in each for each in Collector.received))
        sent = b"".join(Collector.received)
        collector.shutdown()
    assert sent.startswith(b"/v1/traces")
    assert all(name in sent for name in (b"POST /predict", b"decode", b"preprocess", b"inference", b"numserve"))
    assert os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") is None
