"""What every test may use: `need`, for what a machine may not have, and `serving`. In CI nothing is skipped."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before any test imports onnxruntime
ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")


def on_path(program: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(program) else f"no {program} on this machine"


def docker_missing() -> str | None:
    """Compose speaks for the client too."""
    for command, what in ((["docker", "compose", "version"], "Docker with Compose"), (["docker", "info"], "engine")):
        try:
            done = subprocess.run(command, capture_output=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            done = None
        if done is None or done.returncode:
            return f"no {what} on this machine" if what != "engine" else "no Docker engine answers on this machine"
    return None


def models_missing() -> str | None:
    return None if any((ROOT / "models" / "cnn").glob("[0-9]*")) else "no models/cnn in this checkout"


MNIST = ROOT.parent / "shared" / "data" / "mnist"  # beside the checkout where it is developed, and in CI


def mnist_missing() -> str | None:
    return None if MNIST.is_dir() else "no MNIST in ../shared/data/mnist"


CLIENTS = ROOT / "build" / "clients" / "bin" / "python"  # other people's clients, in an environment of their own


def clients_missing() -> str | None:
    return None if CLIENTS.exists() else "no build/clients; `make clients` makes it"


def browser_missing() -> str | None:
    if not shutil.which("chromium"):
        return "no chromium on this machine"
    return None if find_spec("playwright") and find_spec("axe_playwright_python") else "no playwright; `make browser`"


# What a test may need, and what tells why it is not there.
NEEDS: dict[str, Callable[[], str | None]] = {
    "curl": on_path("curl"),
    "git": on_path("git"),
    "make": on_path("make"),
    "wrk": on_path("wrk"),
    "docker": docker_missing,
    "shipped models": models_missing,
    "MNIST": mnist_missing,
    "clients": clients_missing,
    "browser": browser_missing,
    "root": lambda: None if os.geteuid() == 0 else "not root",
}


@pytest.fixture(scope="session")
def need() -> Callable[..., None]:
    """need("docker", "curl"): skips the test with a reason when one of them is not there."""

    def check(*names: str) -> None:
        missing = [reason for name in names if (reason := NEEDS[name]())]
        if missing:
            pytest.skip("; ".join(missing))

    return check


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[str]]:
    """serving(workers=2, NUMSERVE_…="…"): HOST:PORT of a ready service with the shipped models."""
    return _serving


@contextmanager
def _serving(workers: int = 1, **settings: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "service", "--port", address.rpartition(":")[2], "--workers", str(workers)]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(900):
                time.sleep(0.1)
                with suppress(urllib.error.URLError):
                    urllib.request.urlopen(f"http://{address}/readyz").close()
                    break
            else:
                pytest.fail(f"{command} was not ready in time")
            yield address
        finally:
            process.terminate()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A test that is skipped in CI has failed: CI installs what the tests need."""
    report: Any = yield
    return refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """The same for a whole file."""
    report: Any = yield
    return refuse_skip(report)


def refuse_skip(report: Any) -> Any:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"nothing may be skipped in CI, this was: {reason}"
    return report
