"""The real server as a process with two workers, for the tests that ask it over the wire."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any

import pytest
from documented import Document, read
from prometheus_client.parser import text_string_to_metric_families

PATIENCE = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(store: Path, port: int, workers: int = 2) -> list[str]:
    return [sys.executable, "-m", "service", "--port", str(port), "--workers", str(workers), "--store", str(store)]


class Service:
    """A running service: `port` to ask it, `log` to read what it says.

    document: its own OpenAPI document, against which every answer to `exchange` is held.
    """

    def __init__(self, store: Path, log: Path, port: int = 0, workers: int = 2, **settings: str) -> None:
        self.store, self.port, self.log = store, port or free_port(), log
        with log.open("a") as file:
            self.process = subprocess.Popen(
                command(store, self.port, workers),
                stdout=file,
                stderr=file,
                env=os.environ | {"NUMSERVE_DRAIN_SECONDS": "0"} | settings,
                start_new_session=True,
            )
        self.document: Document | None = None
        until(lambda: self.get("/healthz")[0] == 200)
        self.document = read(self.exchange("GET", "/openapi.json")[2])

    def exchange(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, HTTPMessage, bytes]:
        """One request on a connection of its own, so that any worker may take it; `_` stands for `-` in headers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            found = answer.status, answer.headers, answer.read()
        finally:
            connection.close()
        if self.document:
            self.document.check(method, path.partition("?")[0], *found, wire=True)
        return found

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        """The status and the JSON."""
        status, _, answer = self.exchange(method, path, body)
        return status, json.loads(answer)

    def sample(self, name: str, **labels: str) -> float:
        """The sum of the samples of a metric that have these labels among theirs."""
        families = text_string_to_metric_families(self.exchange("GET", "/metrics")[2].decode())
        samples = (sample for family in families for sample in family.samples)
        return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())

    def get(self, path: str) -> tuple[int, Any]:
        return self.ask("GET", path)

    def version(self, picture: bytes) -> int:
        return int(self.ask("POST", "/predict", picture)[1]["version"])

    def workers(self) -> list[int]:
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]


def until(fits: Callable[[], bool]) -> None:
    """Wait for something to become true; a refused connection is not yet."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if fits():
                return
        except OSError:
            pass
        time.sleep(0.05)
    pytest.fail("it did not become true in time")


@contextmanager
def running(store: Path, log: Path, port: int = 0, workers: int = 2, **settings: str) -> Iterator[Service]:
    service = Service(store, log, port, workers, **settings)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.process.terminate()
            service.process.wait(PATIENCE)


def shared_with(worker: int) -> Path:
    """The folder that a service shares with its workers, from what this one has mapped."""
    found = re.search(r"/\S*/numserve-[^/\s]+(?=/)", Path(f"/proc/{worker}/maps").read_text())
    assert found, "it has mapped its table"
    return Path(found[0])
