"""Servers as processes: started in a group of their own, waited for, looked at, ended."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS, END_SECONDS = 60, 15


@contextmanager
def service(store: Path, stdout: Any = subprocess.DEVNULL) -> Iterator[tuple[int, int]]:
    """This service with two workers; gives its process id and its port. stdout: where its log goes."""
    port = free_port()
    command = [sys.executable, "-m", "service", f"--port={port}", "--workers=2"]
    ready, environment = f"http://127.0.0.1:{port}/readyz", {"NUMSERVE_STORE": str(store.resolve())}
    with running(command, ready, environment, stdout=stdout) as process:
        yield process.pid, port


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    command: list[str], ready: str, environment: Mapping[str, str], **output: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server, once its address `ready` answers 200; at the end its whole group is ended. output: stdout and stderr.

    Raises SystemExit when it does not become ready.
    """
    where = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | output
    process: subprocess.Popen[bytes] = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, start_new_session=True, **where
    )
    try:
        wait_until_ready(process, ready)
        yield process
    finally:
        end(process)


def wait_until_ready(process: "subprocess.Popen[bytes]", ready: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(ready, timeout=5):
            return
        time.sleep(0.01)
    raise SystemExit(f"{process.args!r} did not answer at {ready}")


def end(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to the server, and SIGKILL to whatever of its group is left."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def family(pid: int) -> list[int]:
    """A process and all that come from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def megabytes(pid: int) -> float:
    """The memory of a process, what it shares with others counted in part (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def cpu_seconds(pid: int) -> float:
    """What a process and all that came from it have used so far."""
    stats = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in family(pid)]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")
