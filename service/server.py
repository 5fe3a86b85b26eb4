"""The server around the application: a main process, and workers with an event loop and some threads each.

The main process imports everything, so that the workers share that memory, and binds the socket that all of them
accept from. Each worker makes its own application and its own sessions, after the fork. At SIGTERM and Ctrl-C the
service is not ready any more but goes on for a moment, so that balancers turn away; then requests under way finish.
"""

import gc
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import warnings
from functools import partial
from pathlib import Path
from time import sleep

from service.app import create_app
from service.config import Config
from service.errors import ServiceError
from service.front import Front
from service.jsonlog import JSONFormatter, JSONHandler, Writer
from service.memory import return_large_blocks
from service.metrics import Metrics
from service.models import POLL_SECONDS, absent
from service.store import Store
from service.supervisor import Supervisor
from service.table import Table, create
from service.wire.worker import Worker

# Connections that wait in the system until a worker takes them.
BACKLOG = 1024


def serve(config: Config) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ServiceError when the store or the address cannot be used."""
    names = list(Store(config.store).scan())
    listener = listen(config.host, config.port)
    table = create(config.workers, config.shared)
    say_in_json(config.log_level)
    print(f"numserve: http://{config.host}:{config.port} with {config.workers} workers", file=sys.stderr, flush=True)
    if config.default_model not in names:
        print(
            f"numserve: {absent(config.default_model, names)}; publish it, or set NUMSERVE_DEFAULT_MODEL",
            file=sys.stderr,
            flush=True,
        )
    supervisor = Supervisor(config.workers, partial(work, config, os.getpid(), table, listener))
    spare_the_collector()
    supervisor.run(partial(drain, table, config.drain_seconds))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at `host`, IPv4 where it has one, and does not block. Raises ServiceError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ServiceError(f"cannot listen on {host}:{port}: {reason}; choose another --port or --host") from None
    listener.setblocking(False)
    return listener


def drain(table: Table, seconds: float) -> None:
    """Go on for a moment, not ready any more."""
    table.stop()
    sleep(seconds)


def work(config: Config, parent: int, table: Table, listener: socket.socket) -> None:
    """What a worker does: an application of its own, which follows the store, and the loop around it."""
    return_large_blocks()
    writer = Writer()
    set_up_logging(config.log_level, writer)
    app = create_app(config, table)
    app.extensions["numserve"].watch()
    threading.Thread(target=end_with, args=(parent, config.shared), name="parent-watch", daemon=True).start()
    metrics = Metrics(table)
    worker = Worker(Front(app, config, metrics, writer), listener, metrics.region, config.read_seconds)
    spare_the_collector()
    worker.run()


def spare_the_collector() -> None:
    """Take what is there for good out of the garbage collector's sight: a look at all of it takes it 15 ms."""
    gc.collect()
    gc.freeze()


def end_with(parent: int, shared: Path | None) -> None:
    """End this worker when the main process is gone, even killed, so that no orphan keeps the port or their folder."""
    while os.getppid() == parent:
        sleep(POLL_SECONDS)
    if shared is not None:
        shutil.rmtree(shared, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)


def say_in_json(level: str) -> None:
    """The main process has little to say, and no thread for it: a fork would not take it along."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JSONFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def set_up_logging(level: str, writer: Writer) -> None:
    """A worker's, in place of the main process's."""
    writer.start()
    logging.basicConfig(level=level.upper(), handlers=[JSONHandler(writer)], force=True)
    logging.captureWarnings(True)
    # Of odd pictures, in ever new words, each of which Python would print once and remember for ever.
    warnings.filterwarnings("ignore", module=r"PIL\b")
