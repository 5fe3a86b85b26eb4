"""How fast /v2 answers: every way to send a tensor, in process; and JSON and bytes beside FastAPI, under wrk.

    python benchmarks/protocol.py --store models --fastapi path/to/python-with-fastapi-uvicorn-uvloop-httptools-orjson

That Python needs numpy and onnxruntime too. Without --fastapi there is only the first table, without wrk neither. The
servers are asked by turns, in short slots, so that a neighbour's load falls on both: the tables have the median of the
slots, and for the CPU that a request took the least, since neighbours can only add to it.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from servers import ROOT, cpu_seconds
from werkzeug.test import EnvironBuilder

from service.app import create_app
from service.config import Config

WORKERS = 2
PORTS = {"numserve": 8765, "fastapi": 8766}
LENGTH = "Inference-Header-Content-Length"


class Asked:
    """A request: the path, the body, its headers."""

    def __init__(self, model: str, body: bytes, json_length: int | None = None, slash: str = "") -> None:
        self.path, self.body = f"/v2/models/{model}/infer{slash}", body
        self.headers = {} if json_length is None else {LENGTH: str(json_length)}


def requests(model: str) -> dict[str, Asked]:
    """One picture of 28x28, four of five pixels white, in each way."""
    rng = np.random.default_rng(1)
    X = rng.integers(1, 256, (1, 1, 28, 28), np.uint8) * (rng.random((1, 1, 28, 28)) < 0.2)
    tensor = {"name": "pixels", "shape": X.shape, "datatype": "UINT8"}
    flat = orjson.dumps({"inputs": [{**tensor, "data": X.ravel().tolist()}]})
    parameters = {"binary_data_size": X.nbytes}
    head = orjson.dumps({"inputs": [{**tensor, "parameters": parameters}], "parameters": {"binary_data_output": True}})
    return {
        "JSON, by Flask's route": Asked(model, flat, slash="/"),
        "JSON, nested": Asked(model, orjson.dumps({"inputs": [{**tensor, "data": X.tolist()}]})),
        "JSON": Asked(model, flat),
        "JSON and bytes": Asked(model, head + X.tobytes(), len(head)),
        "raw": Asked(model, X.tobytes(), 0),
    }


def in_process(store: Path, models: list[str], repeats: int) -> None:
    """The time of a whole request in this process, without a server: the best tenth of many."""
    application = create_app(Config(store=store)).wsgi_app
    print("| request | " + " | ".join(f"{model}, µs" for model in models) + " |\n| --- |" + " ---: |" * len(models))
    for kind in requests(""):
        cells = [f"{best_tenth(caller(application, requests(model)[kind]), repeats):.0f}" for model in models]
        print(f"| {kind} | {' | '.join(cells)} |")


def caller(application: Any, asked: Asked) -> Callable[[], None]:
    environ = EnvironBuilder(asked.path, method="POST", headers=asked.headers).get_environ()
    environ["CONTENT_LENGTH"] = str(len(asked.body))

    def start(status: str, *_: Any) -> None:
        assert status == "200 OK", status

    return lambda: list(application({**environ, "wsgi.input": BytesIO(asked.body)}, start)) and None


def best_tenth(call: Callable[[], None], repeats: int) -> float:
    """Microseconds below which one call of ten stays."""
    took = []
    for _ in range(repeats):
        began = time.perf_counter_ns()
        call()
        took.append(time.perf_counter_ns() - began)
    return sorted(took)[repeats // 10] / 1000


def commands(fastapi: str) -> dict[str, list[str]]:
    uvicorn = ["-m", "uvicorn", "--app-dir", str(ROOT / "benchmarks"), "protocol_fastapi:app", "--no-access-log"]
    tuned = [*uvicorn, "--loop=uvloop", "--http=httptools", "--log-level=error"]
    return {
        "numserve": [sys.executable, "-m", "service", f"--port={PORTS['numserve']}", f"--workers={WORKERS}"],
        "fastapi": [fastapi, *tuned, f"--port={PORTS['fastapi']}", f"--workers={WORKERS}"],
    }


@contextmanager
def running(store: Path, fastapi: str) -> Iterator[dict[str, int]]:
    """Both servers; their process ids by name."""
    environment = os.environ | {"NUMSERVE_STORE": str(store.resolve()), "PYTHONPATH": str(ROOT)}
    processes = {name: subprocess.Popen(each, env=environment, cwd=ROOT) for name, each in commands(fastapi).items()}
    try:
        time.sleep(4)
        yield {name: process.pid for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.terminate()
            process.wait()


def measure(asked: Asked, name: str, parent: int, seconds: int) -> tuple[float, float]:
    """Requests per second, and microseconds of CPU per request. Fails when a request does."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        quoted = "".join(f"\\{byte:03d}" for byte in asked.body)
        headers = "".join(f'wrk.headers["{key}"] = "{value}"\n' for key, value in asked.headers.items())
        file.write(f'wrk.method = "POST"\nwrk.body = "{quoted}"\n{headers}')
        file.flush()
        before = cpu_seconds(parent)
        wrk = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", file.name, f"http://127.0.0.1:{PORTS[name]}{asked.path}"]
        said = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(parent) - before
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(said)
    total = int(re.findall(r"(\d+) requests in", said)[0])
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0]), used / total * 1e6


def beside_fastapi(store: Path, models: list[str], fastapi: str, slots: int, seconds: int) -> None:
    found: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    with running(store, fastapi) as processes:
        for _ in range(slots):
            for model in models:
                for kind, name in (("JSON", "fastapi"), ("JSON", "numserve"), ("JSON and bytes", "numserve")):
                    slot = measure(requests(model)[kind], name, processes[name], seconds)
                    found.setdefault((model, kind, name), []).append(slot)
    print("| model | request | server | requests/s | CPU µs/request |\n| --- | --- | --- | ---: | ---: |")
    for (model, kind, name), each in found.items():
        speeds, cpu = zip(*each, strict=True)
        print(f"| {model} | {kind} | {name} | {statistics.median(speeds):,.0f} | {min(cpu):,.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=ROOT / "models")
    parser.add_argument("--models", nargs="+", default=["cnn", "fnn"], help="of pictures of 28x28")
    parser.add_argument("--fastapi", help="a Python that has FastAPI")
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--slots", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=2)
    given = parser.parse_args()
    in_process(given.store, given.models, given.repeats)
    if given.fastapi:
        print()
        beside_fastapi(given.store, given.models, given.fastapi, given.slots, given.seconds)


if __name__ == "__main__":
    main()
