"""What the workers of the real server share: models that were unloaded, and the counts of what was asked."""

import json
import os
import signal
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import PATIENCE, Service, running, shared_with, until

KEY = {"X-API-Key": "secret"}
RAW = {**KEY, "Inference-Header-Content-Length": "0"}
ROW = np.ones((1, 4), np.float32).tobytes()
CONNECTIONS = 24  # so many that every worker takes some


@pytest.fixture
def service(store: Path, tmp_path: Path) -> Iterator[Service]:
    (tmp_path / "keys").write_text("secret\n")
    with running(
        store, tmp_path / "log", NUMSERVE_API_KEYS_FILE=str(tmp_path / "keys"), TMPDIR=str(tmp_path)
    ) as service:
        until(lambda: len(service.workers()) == 2)
        until(lambda: statuses(service, "GET", "/readyz") == {200})
        yield service


def ask(
    service: Service, method: str, path: str, body: bytes = b"", headers: dict[str, str] = KEY
) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def statuses(service: Service, method: str, path: str) -> set[int]:
    return {ask(service, method, path)[0] for _ in range(CONNECTIONS)}


def replace_a_worker(service: Service) -> None:
    """Kill one and wait until another answers in its place."""
    killed = service.workers()[0]
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(service.workers()) == 2 and killed not in service.workers())
    until(lambda: statuses(service, "GET", "/readyz") == {200})


def test_unloading_reaches_every_worker_and_one_that_is_started_later(service: Service) -> None:
    def states() -> set[int]:
        return statuses(service, "GET", "/v2/models/linear/ready")

    assert ask(service, "POST", "/v2/repository/models/linear/unload")[0] == 200
    until(lambda: states() == {503})
    replace_a_worker(service)
    assert states() == {503}
    assert ask(service, "POST", "/v2/repository/models/linear/load")[0] == 200
    until(lambda: states() == {200})


def test_the_worker_that_answers_follows_at_once(service: Service) -> None:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)  # one connection is one worker
    for action, status in (("unload", 503), ("load", 200)) * 5:
        connection.request("POST", f"/v2/repository/models/linear/{action}", b"", KEY)
        assert connection.getresponse().read()
        connection.request("GET", "/v2/models/linear/ready", headers=KEY)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (status, True)
    connection.close()


def test_counts_are_those_of_all_workers_dead_ones_included(service: Service) -> None:
    def counted() -> set[int]:
        found = set()
        for _ in range(CONNECTIONS):
            stats: Any = json.loads(ask(service, "GET", "/v2/models/linear/stats")[1])
            found.add(stats["model_stats"][0]["inference_count"])
        return found

    for _ in range(30):
        assert ask(service, "POST", "/v2/models/linear/infer", ROW, RAW)[0] == 200
    assert counted() == {30}
    replace_a_worker(service)
    until(lambda: ask(service, "POST", "/v2/models/linear/infer", ROW, RAW)[0] == 200)
    until(lambda: len(counted()) == 1)
    assert min(counted()) >= 31


def test_shared_folder_goes_with_the_service(store: Path, tmp_path: Path) -> None:
    with running(store, tmp_path / "log") as service:
        until(lambda: statuses(service, "GET", "/healthz") == {200})
        shared = shared_with(service.workers()[0])
        assert shared.is_dir()
    assert not shared.exists()
