"""`make demo`: what .ci/run does not try of it, a machine without curl and Ctrl-C."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from project import ROOT, eventually

pytestmark = pytest.mark.slow

DEMO = [sys.executable, str(ROOT / "tools" / "demo.py")]


def test_without_curl_it_says_so_and_goes_on_and_leaves_the_shipped_models(tmp_path: Path) -> None:
    shipped = state(ROOT / "models")
    environment = os.environ | {"PATH": str(tmp_path)}  # an empty folder
    done = subprocess.run(DEMO, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "no curl on this machine" in done.stdout
    assert re.search(r"cnn: 3\d\d of 360 right over HTTP", done.stdout)
    assert state(ROOT / "models") == shipped


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_the_service_runs_it_leaves_none(number: signal.Signals, need: Callable[..., None]) -> None:
    need("curl")
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "/readyz answers" in line)
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == 130
    port = int(re.search(r":(\d+)/", line)[1])  # type: ignore[index]
    eventually(lambda: refused(port))


def state(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
