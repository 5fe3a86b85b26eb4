"""The real server, as a process with two workers: curl, limits, stopping, and versions that come while it runs."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from running import PATIENCE, Service, command, free_port, running, shared_with, until
from stores import promote, publish_broken, publish_features, publish_images

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for the tests that change nothing in it."""
    folder = tmp_path_factory.mktemp("server")
    publish_images(folder / "models")
    publish_features(folder / "models")
    with running(folder / "models", folder / "log", NUMSERVE_MAX_BODY="100000") as service:
        yield service


def curl(service: Service, path: str, *options: str) -> Any:
    ran = subprocess.run(
        ["curl", "--silent", "--show-error", *options, f"http://127.0.0.1:{service.port}{path}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return json.loads(ran.stdout)


@needs_curl
def test_curl_as_the_readme_has_it(service: Service, picture: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "light.png").write_bytes(picture(colour="white"))
    (tmp_path / "dark.jpg").write_bytes(picture("JPEG", colour="black", size=(300, 200)))
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    light, dark, bad = (str(tmp_path / name) for name in ("light.png", "dark.jpg", "bad.png"))
    several = curl(service, "/predict", "-F", f"image=@{light}", "-F", f"image=@{bad}", "-F", f"image=@{dark}")
    assert [each.get("label") for each in several["predictions"]] == ["light", None, "dark"]
    assert several["predictions"][1]["error"]["code"] == "not_an_image"
    for header in ((), ("-H", "Content-Type: image/png"), ("-H", "Content-Type: image/jpeg"), ("-H", "Content-Type:")):
        answer = curl(service, "/predict/cnn?top_k=1", "--data-binary", f"@{light}", *header)
        assert answer["predictions"][0]["label"] == "light"
    chunked = curl(service, "/predict", "--data-binary", f"@{dark}", "-H", "Transfer-Encoding: chunked")
    assert chunked["predictions"][0]["label"] == "dark"
    numbers = curl(service, "/predict/linear", "-d", '{"inputs": [[1, 2, 3, 4]]}')
    assert numbers["predictions"][0]["label"] == "plus"
    assert curl(service, "/readyz")["models"] == {"cnn": 1, "linear": 1}


def raw(service: Service, head: bytes, chunks: list[bytes]) -> bytes:
    """What the server answers to bytes as they are; it may hang up before it has read them all."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as wire:
        wire.sendall(head)
        try:
            for chunk in chunks:
                wire.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            wire.sendall(b"0\r\n\r\n")
        except OSError:
            pass
        return receive(wire)


def receive(wire: socket.socket) -> bytes:
    """An answer to its end: the newline after the JSON, or the end of the connection."""
    answer = b""
    while not answer.endswith(b"}\n") and (more := wire.recv(65536)):
        answer += more
    return answer


def test_chunked_body_over_the_limit(service: Service, picture: Callable[..., bytes]) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    for body in (picture("BMP", size=(200, 200)), bytes(100_001)):
        answer = raw(service, head, [body[at : at + 10_000] for at in range(0, len(body), 10_000)])
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b'"body_too_large"' in answer
    small = picture(colour="white")
    assert b'"label":"light"' in raw(service, head, [small[at : at + 20] for at in range(0, len(small), 20)])


def test_declared_body_over_the_limit(service: Service) -> None:
    status, answer = service.ask("POST", "/predict", bytes(100_001))
    assert (status, answer["error"]["code"]) == (413, "body_too_large")
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n"
    assert raw(service, head, []).startswith(b"HTTP/1.1 413 ")


def test_sender_that_stops_half_way(service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as wire:
        wire.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        wire.shutdown(socket.SHUT_WR)
        assert b'"incomplete_body"' in receive(wire)
    assert service.get("/healthz")[0] == 200


def test_errors_and_headers_on_the_wire(service: Service) -> None:
    for path, status, code in (("/nope", 404, "not_found"), ("/predict", 405, "method_not_allowed")):
        connection = HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["error"]["code"]) == (status, code)
        assert answer.headers["Server"] == "numserve"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        connection.close()


def test_publications_and_promotions_under_load(store: Path, picture: Callable[..., bytes], tmp_path: Path) -> None:
    body, failures, versions, done = picture(), [], [], threading.Event()

    def load() -> None:
        while not done.is_set():
            try:
                versions.append(service.version(body))
            except Exception as error:
                failures.append(error)

    def all_workers_serve(version: int) -> bool:
        return {service.version(body) for _ in range(24)} == {version}

    with running(store, tmp_path / "log") as service:
        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            publish_images(store, version=2)
            until(lambda: all_workers_serve(2))
            publish_broken(store, version=3)
            until(lambda: service.get("/models")[1]["models"][0]["broken"] != [])
            assert all_workers_serve(2)
            promote(store, "cnn", 1)
            until(lambda: all_workers_serve(1))
        finally:
            done.set()
            for thread in threads:
                thread.join()
    assert failures == []
    assert set(versions) == {1, 2}
    assert "version 3 of model 'cnn' is broken and not served" in service.log.read_text()


def test_sigterm_lets_requests_finish_and_ends_cleanly(
    store: Path, picture: Callable[..., bytes], tmp_path: Path
) -> None:
    body = picture()
    with running(store, tmp_path / "log") as service:
        with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as wire:
            wire.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
            wire.sendall(body[:10])
            time.sleep(0.3)  # the worker has the request and waits for the rest of its body
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            wire.sendall(body[10:])
            assert b'"label":"light"' in receive(wire)
        assert service.process.wait(PATIENCE) == 0
    assert "Traceback" not in service.log.read_text()


def test_ctrl_c_reaches_all_processes_and_ends_cleanly(store: Path, tmp_path: Path) -> None:
    with running(store, tmp_path / "log") as service:
        os.killpg(service.process.pid, signal.SIGINT)
        assert service.process.wait(PATIENCE) in (0, 130)
    assert "Traceback" not in service.log.read_text()


def test_killed_worker_is_replaced_and_a_killed_main_process_leaves_no_orphan(store: Path, tmp_path: Path) -> None:
    with running(store, tmp_path / "log") as service:
        until(lambda: len(service.workers()) == 2)
        first, second = service.workers()
        shared = shared_with(second)
        assert shared.is_dir()
        os.kill(first, signal.SIGKILL)
        until(lambda: len(service.workers()) == 2 and first not in service.workers())
        until(lambda: service.get("/readyz")[0] == 200)
        workers = service.workers()
        service.process.kill()
        service.process.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in (second, *workers)))
    until(lambda: not shared.exists())


def test_workers_share_the_connections_and_one_takes_them_if_the_other_does_not(store: Path, tmp_path: Path) -> None:
    def connect() -> None:
        """A connection that was answered on, and stays open."""
        wire = open_ones.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE))
        wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.recv(65_536).startswith(b"HTTP/1.1 200 ")

    def held() -> list[float]:
        return [service.sample("numserve_worker_connections", worker=str(number)) for number in range(2)]

    with running(store, tmp_path / "log") as service, ExitStack() as open_ones:
        until(lambda: len(service.workers()) == 2 and service.sample("numserve_workers") == 2)
        for _ in range(24):
            connect()
        until(lambda: sum(held()) >= 24)
        assert min(held()) >= 6
        stopped = service.workers()[0]
        os.kill(stopped, signal.SIGSTOP)
        try:
            for _ in range(12):
                connect()
        finally:
            os.kill(stopped, signal.SIGCONT)
        until(lambda: sum(held()) >= 36)


def refused_start(arguments: list[str], **settings: str) -> tuple[int, str]:
    """Exit code and the one line of a service that cannot start."""
    ran = subprocess.run(
        arguments, capture_output=True, text=True, timeout=PATIENCE, env=os.environ | settings, check=False
    )
    assert ran.stderr.startswith("service: ")
    assert ran.stderr.count("\n") == 1
    return ran.returncode, ran.stderr


def test_port_in_use(service: Service, store: Path) -> None:
    code, line = refused_start(command(store, service.port))
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{service.port}: address already in use" in line


def test_starts_that_are_refused(store: Path) -> None:
    code, line = refused_start(command(store / "nowhere", free_port()))
    assert (code, "no such file or directory" in line) == (1, True)
    code, line = refused_start(command(store, free_port()), NUMSERVE_PORTS="1")
    assert (code, "did you mean NUMSERVE_PORT?" in line) == (2, True)
    code, line = refused_start([*command(store, free_port()), "--host", "no.such.host.invalid"])
    assert (code, "cannot listen on no.such.host.invalid" in line) == (1, True)


def test_empty_store_starts_and_takes_the_first_publication(tmp_path: Path, picture: Callable[..., bytes]) -> None:
    store = tmp_path / "models"
    store.mkdir()
    with running(store, tmp_path / "log") as service:
        assert service.get("/readyz")[0] == 503
        assert "no model 'cnn' in the store (models: none yet)" in service.log.read_text()
        publish_images(store)
        until(lambda: service.get("/readyz")[0] == 200)
        until(lambda: all(service.ask("POST", "/predict", picture())[0] == 200 for _ in range(16)))
