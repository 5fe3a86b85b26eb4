"""Which WSGI server carries the service: granian against gunicorn's gthread worker, same application, same picture.

    python benchmarks/servers.py --store models --gunicorn path/to/python-with-gunicorn-and-the-service's-packages

Needs wrk. The servers run by turns, in short slots, so that a neighbour's load falls on both; the table has the median
of the slots. CPU is what the server's processes used, per request: it hardly depends on who else is busy.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

ROOT = Path(__file__).parent.parent
PORT, WORKERS = 8765, 2
URL = f"http://127.0.0.1:{PORT}"
BOUNDARY = "numserve"


def application() -> Any:
    """What gunicorn loads, in each of its workers after the fork."""
    from service.app import create_app
    from service.config import Config

    return create_app(Config.from_environment())


def servers(python: str, gunicorn: str, threads: list[int]) -> dict[str, list[str]]:
    """The command of each contestant by name; the number of threads comes last in the name."""
    bind = f"--bind=127.0.0.1:{PORT}"
    workers = f"--workers={WORKERS}"
    target = ["--chdir", str(ROOT / "benchmarks"), "--pythonpath", str(ROOT), "servers:application()"]
    commands = {}
    for count in threads:
        commands[f"granian {count}"] = [python, "-m", "service", f"--port={PORT}", workers]
        gthread = ["--worker-class=gthread", f"--threads={count}", "--keep-alive=30"]
        commands[f"gthread {count}"] = [gunicorn, "-m", "gunicorn", bind, workers, *gthread, *target]
    return commands


def digit() -> bytes:
    """A PNG of 28x28, like those of MNIST."""
    image, file = Image.new("L", (28, 28)), BytesIO()
    ImageDraw.Draw(image).line([(8, 6), (20, 6), (12, 22)], fill=255, width=3)
    image.save(file, "PNG")
    return file.getvalue()


def script(body: bytes, content_type: str) -> str:
    """A script for wrk that posts `body`."""
    quoted = "".join(f"\\{byte:03d}" for byte in body)
    return f'wrk.method = "POST"\nwrk.body = "{quoted}"\nwrk.headers["Content-Type"] = "{content_type}"\n'


def requests() -> dict[str, str]:
    """The script of each kind of request."""
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    form = part.encode() + digit() + f"\r\n--{BOUNDARY}--\r\n".encode()
    return {
        "raw": script(digit(), "image/png"),
        "multipart": script(form, f"multipart/form-data; boundary={BOUNDARY}"),
    }


@contextmanager
def running(command: list[str], store: Path, threads: str, stdout: Any = subprocess.DEVNULL) -> Iterator[int]:
    """The server, once it is ready; gives its process id. stdout: where its log goes."""
    settings = {"NUMSERVE_STORE": str(store.resolve()), "NUMSERVE_THREADS": threads}
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=stdout, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready()
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def wait_until_ready() -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{URL}/readyz").close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server did not become ready")


def cpu_seconds(parent: int) -> float:
    """What the children of `parent` have used so far."""
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True).stdout
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in children.split()]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def measure(parent: int, script: str, seconds: int, connections: int) -> tuple[float, float]:
    """Requests per second, and microseconds of CPU per request. Fails when a request does."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        before = cpu_seconds(parent)
        wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", file.name, f"{URL}/predict"]
        said = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(parent) - before
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(said)
    total = int(re.findall(r"(\d+) requests in", said)[0])
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0]), used / total * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=ROOT / "models")
    parser.add_argument("--gunicorn", default=sys.executable)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--slots", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    given = parser.parse_args()
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(given.slots):
        for name, command in servers(sys.executable, given.gunicorn, given.threads).items():
            with running(command, given.store, name.split()[1]) as pid:
                for kind, body in requests().items():
                    found.setdefault((name, kind), []).append(measure(pid, body, given.seconds, given.connections))
    print("| server, threads | request | requests/s | CPU µs/request |\n| --- | --- | ---: | ---: |")
    for (name, kind), slots in found.items():
        speed, cpu = (statistics.median(each) for each in zip(*slots, strict=True))
        print(f"| {name} | {kind} | {speed:,.0f} | {cpu:,.0f} |")


if __name__ == "__main__":
    main()
