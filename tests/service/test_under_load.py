"""The real server under load: refusals, senders that stall, clients that go away, restarts, what it says of itself."""

import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from running import PATIENCE, Service, free_port, running, until
from stores import promote, publish_images, shrink, slow_network

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture
def slow_store(tmp_path: Path) -> Path:
    publish_images(tmp_path / "models", networks={"model.onnx": slow_network(), "preprocess.onnx": shrink()})
    return tmp_path / "models"


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE)


def test_overload_is_refused_at_once_and_health_is_not(
    slow_store: Path, picture: Callable[..., bytes], tmp_path: Path
) -> None:
    settings = {"NUMSERVE_THREADS": "1", "NUMSERVE_QUEUE": "1", "NUMSERVE_QUEUE_SECONDS": "60"}
    with running(slow_store, tmp_path / "log", **settings) as service, ThreadPoolExecutor(24) as clients:
        asked = [clients.submit(service.exchange, "POST", "/predict", picture()) for _ in range(20)]
        assert all(service.get("/healthz")[0] == service.get("/readyz")[0] == 200 for _ in range(5))
        answers = [each.result() for each in asked]
        refused = [headers for status, headers, _ in answers if status == 503]
        assert {status for status, _, _ in answers} == {200, 503}
        assert all(headers["Retry-After"] == "1" for headers in refused)
        until(lambda: service.sample("numserve_refused_total", reason="queue_full") == len(refused))
        until(lambda: service.sample("numserve_requests_total", route="/predict", code="200") == 20 - len(refused))


def test_queue_has_a_deadline(slow_store: Path, picture: Callable[..., bytes], tmp_path: Path) -> None:
    settings = {"NUMSERVE_THREADS": "1", "NUMSERVE_QUEUE": "100", "NUMSERVE_QUEUE_SECONDS": "0.01"}
    with running(slow_store, tmp_path / "log", **settings) as service, ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(lambda _: service.exchange("POST", "/predict", picture()), range(10)))
        assert {status for status, _, _ in answers} == {200, 503}
        until(lambda: service.sample("numserve_refused_total", reason="deadline") > 0)


def test_clients_that_went_away_cost_no_inference(
    slow_store: Path, picture: Callable[..., bytes], tmp_path: Path
) -> None:
    body = picture()
    settings = {"NUMSERVE_THREADS": "1", "NUMSERVE_QUEUE_SECONDS": "60"}
    with running(slow_store, tmp_path / "log", workers=1, **settings) as service:
        wires = [connect(service) for _ in range(9)]
        for wire in wires:
            wire.sendall(HEAD % len(body) + body)
        until(lambda: service.sample("numserve_requests_waiting") >= 5)
        for wire in wires:
            wire.close()
        until(lambda: service.sample("numserve_requests_in_flight") == 0)
        until(lambda: service.sample("numserve_abandoned_total") >= 5)
        done = service.sample("numserve_predictions_total")
        assert done + service.sample("numserve_abandoned_total") == 9
        assert service.ask("POST", "/predict", body)[0] == 200


def test_a_thousand_senders_that_stall_hold_up_nobody(
    store: Path, picture: Callable[..., bytes], tmp_path: Path
) -> None:
    with running(store, tmp_path / "log", NUMSERVE_READ_SECONDS="5") as service:
        wires = [connect(service) for _ in range(1000)]
        for wire in wires:
            wire.sendall(HEAD % 100 + b"abc")
        assert all(service.version(picture()) == 1 for _ in range(50))
        answer = wires[0].recv(65536)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"body_timeout"' in answer
        until(lambda: service.sample("numserve_requests_total", code="408") == 1000)
        assert all(service.version(picture()) == 1 for _ in range(50))
        for wire in wires:
            wire.close()


@pytest.mark.parametrize("begun", [b"", b"POST /predict HTTP/1.1\r\nHo"])
def test_headers_that_do_not_come(store: Path, tmp_path: Path, begun: bytes) -> None:
    with running(store, tmp_path / "log", NUMSERVE_READ_SECONDS="1") as service, connect(service) as wire:
        wire.sendall(begun)
        assert wire.recv(100) == b""


def test_counts_survive_a_killed_worker(store: Path, picture: Callable[..., bytes], tmp_path: Path) -> None:
    with running(store, tmp_path / "log") as service:
        for _ in range(40):
            service.version(picture())
        until(lambda: service.sample("numserve_predictions_total") == 40)
        killed = service.workers()[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(service.workers()) == 2 and killed not in service.workers())
        until(lambda: service.sample("numserve_workers") == 2)
        assert service.sample("numserve_predictions_total") == 40
        for _ in range(40):
            service.version(picture())
        until(lambda: service.sample("numserve_predictions_total", model="cnn", version="1", label="light") == 80)
        until(lambda: service.sample("numserve_model_loaded", model="cnn", version="1") == 2)


def test_one_json_line_a_request(store: Path, picture: Callable[..., bytes], tmp_path: Path) -> None:
    with running(store, tmp_path / "log") as service:
        for number in range(30):
            service.exchange("POST", "/predict", picture(), X_Request_ID=f"id-{number}")
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["message"] == "request" and line["path"] == "/predict"]
    assert {line["request_id"] for line in requests} == {f"id-{number}" for number in range(30)}
    assert len(requests) == 30
    assert any(line["message"] == "serving version 1 of model 'cnn'" for line in lines)


class Balancer:
    """Sends each request to the next backend that was ready when last looked at. It never asks twice."""

    def __init__(self, ports: list[int]) -> None:
        self.ports, self.ready, self.turn, self.done = ports, list(ports), 0, threading.Event()
        self.looking = threading.Thread(target=self.look)
        self.looking.start()

    def look(self) -> None:
        while not self.done.wait(0.05):
            self.ready = [port for port in self.ports if self.is_ready(port)]

    def is_ready(self, port: int) -> bool:
        try:
            return exchange_with(port, "GET", "/readyz", b"") == 200
        except OSError:
            return False

    def post(self, body: bytes) -> int:
        self.turn += 1
        return exchange_with(self.ready[self.turn % len(self.ready)], "POST", "/predict", body)


def exchange_with(port: int, method: str, path: str, body: bytes) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as wire:
        wire.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = wire.recv(65536)
        if not answer:
            raise OSError("no answer")
        return int(answer.split()[1])


def test_no_request_is_lost_in_a_restart_behind_a_balancer(
    store: Path, picture: Callable[..., bytes], tmp_path: Path
) -> None:
    body, ports, outcomes, done = picture(), [free_port(), free_port()], [], threading.Event()
    services = [Service(store, tmp_path / f"log{port}", port, NUMSERVE_DRAIN_SECONDS="1") for port in ports]
    balancer = Balancer(ports)

    def load() -> None:
        while not done.is_set():
            try:
                outcomes.append(balancer.post(body))
            except Exception as error:
                outcomes.append(repr(error))

    clients = [threading.Thread(target=load) for _ in range(4)]
    try:
        for client in clients:
            client.start()
        for number, port in enumerate(ports):
            services[number].process.terminate()
            assert services[number].process.wait(PATIENCE) == 0
            services[number] = Service(store, tmp_path / f"log{port}", port)
            until(lambda port=port: port in balancer.ready)  # type: ignore[misc]
    finally:
        done.set()
        for client in clients:
            client.join()
        balancer.done.set()
        balancer.looking.join()
        for service in services:
            service.process.terminate()
            service.process.wait(PATIENCE)
    assert set(outcomes) == {200}
    assert len(outcomes) > 100


@pytest.mark.slow
def test_two_hundred_publications_promotions_and_rollbacks_under_full_load(
    store: Path, picture: Callable[..., bytes], tmp_path: Path
) -> None:
    """Not one failed request, and every worker on the new version soon: benchmarks/swaps.py has the seconds."""
    body, failures, done = picture(), [], threading.Event()

    def load() -> None:
        while not done.is_set():
            try:
                service.version(body)
            except Exception as error:
                failures.append(error)

    with running(store, tmp_path / "log", NUMSERVE_QUEUE_SECONDS="60") as service:
        clients = [threading.Thread(target=load) for _ in range(4)]
        for client in clients:
            client.start()
        try:
            newest = 1
            for change in range(200):
                if change % 3 == 0:
                    newest += 1
                    publish_images(store, version=newest)
                wanted = newest if change % 3 == 0 else newest - 1 if change % 3 == 1 else newest
                promote(store, "cnn", wanted)
                until(lambda v=str(wanted): service.sample("numserve_model_loaded", model="cnn", version=v) == 2)  # type: ignore[misc]
        finally:
            done.set()
            for client in clients:
                client.join()
    assert failures == []
