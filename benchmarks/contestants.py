"""Who serves in serving.py, and how each is started: with two workers, and the peers without a log line a request."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asked import Paths
from peers.network import VARIABLE
from processes import ROOT, free_port

WORKERS, THREADS = 2, 4
PEERS = ROOT / "benchmarks" / "peers"
V2 = "/v2/models/benchmark/infer"


@dataclass(frozen=True)
class Contestant:
    """A server: its command, where it listens, the path that says it is ready, and what its environment has more."""

    title: str
    command: list[str]
    port: int
    ready: str
    paths: Paths
    environment: dict[str, str]

    @property
    def ready_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.ready}"


@dataclass(frozen=True)
class Stage:
    """What is served: the folder of a version; and where `make peers` has made the environments."""

    version: Path
    build: Path

    @property
    def python(self) -> str:
        """Of all peers but MLServer."""
        return str(self.build / "peers" / "bin" / "python")

    @property
    def peer(self) -> dict[str, str]:
        """A peer's environment."""
        return {"PYTHONPATH": f"{PEERS}:{ROOT}", VARIABLE: str(self.version)}

    @property
    def settings(self) -> dict[str, str]:
        """This service's."""
        store, model = str(self.version.parent.parent), self.version.parent.name
        return {"NUMSERVE_STORE": store, "NUMSERVE_DEFAULT_MODEL": model, "NUMSERVE_THREADS": str(THREADS)}

    @property
    def own_paths(self) -> Paths:
        infer = f"/v2/models/{self.version.parent.name}/infer"
        return Paths("/predict", "/predict", infer, infer)


def numserve(stage: Stage, port: int) -> Contestant:
    command = [sys.executable, "-m", "service", f"--port={port}", f"--workers={WORKERS}"]
    return Contestant("numserve", command, port, "/readyz", stage.own_paths, stage.settings)


def gunicorn(stage: Stage, port: int) -> Contestant:
    """The service's own application, to see what its server and its short cuts are worth."""
    threads = ["--worker-class=gthread", f"--threads={THREADS}", "--keep-alive=30"]
    bound = [f"--bind=127.0.0.1:{port}", f"--workers={WORKERS}", "on_gunicorn:application()"]
    command = [stage.python, "-m", "gunicorn", *threads, *bound]
    title = "numserve's Flask on gunicorn gthread"
    return Contestant(title, command, port, "/readyz", stage.own_paths, stage.peer | stage.settings)


def fastapi(stage: Stage, port: int) -> Contestant:
    tuned = ["--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=error"]
    command = [stage.python, "-m", "uvicorn", "on_fastapi:app", f"--port={port}", f"--workers={WORKERS}", *tuned]
    return Contestant(
        "FastAPI on uvicorn", command, port, "/ready", Paths("/predict", "/predict", "/infer", None), stage.peer
    )


def litserve(stage: Stage, port: int) -> Contestant:
    command = [stage.python, str(PEERS / "on_litserve.py"), str(port)]
    return Contestant("LitServe", command, port, "/ready", Paths("/ask", "/ask", "/ask", None), stage.peer)


def bentoml(stage: Stage, port: int) -> Contestant:
    command = [stage.python, "-m", "bentoml", "serve", "on_bentoml:Served", "--host=127.0.0.1", f"--port={port}"]
    private = {"BENTOML_DO_NOT_TRACK": "1"}
    return Contestant("BentoML", command, port, "/readyz", Paths("/raw", "/form", "/infer", None), stage.peer | private)


def kserve(stage: Stage, port: int) -> Contestant:
    quiet = ["--enable_latency_logging=false", f"--log_config_file={PEERS / 'kserve_logging.json'}"]
    rest = [f"--http_port={port}", f"--workers={WORKERS}", "--enable_grpc=false"]
    command = [stage.python, str(PEERS / "on_kserve.py"), *rest, *quiet]
    return Contestant("KServe", command, port, "/v2/health/ready", Paths(None, None, V2, None), stage.peer)


def mlserver(stage: Stage, port: int) -> Contestant:
    settings = {
        "MODEL_NAME": "benchmark",
        "MODEL_IMPLEMENTATION": "on_mlserver.Served",
        "PARALLEL_WORKERS": str(WORKERS),
        "HOST": "127.0.0.1",
        "HTTP_PORT": str(port),
        "GRPC_PORT": str(free_port()),
        "METRICS_PORT": str(free_port()),
        "METRICS_DIR": str(stage.build / "serving"),
        "ENVIRONMENTS_DIR": str(stage.build / "serving"),
        "DEBUG": "false",
        "GZIP_ENABLED": "false",
    }
    environment = stage.peer | {f"MLSERVER_{name}": value for name, value in settings.items()}
    command = [str(stage.build / "mlserver" / "bin" / "mlserver"), "start", str(PEERS)]
    return Contestant("MLServer", command, port, "/v2/health/ready", Paths(None, None, V2, None), environment)


CONTESTANTS: dict[str, Callable[[Stage, int], Contestant]] = {
    each.__name__: each for each in (numserve, fastapi, gunicorn, litserve, bentoml, mlserver, kserve)
}
