"""The server around the application: granian, one process a worker, an event loop and threads within it.

The main process imports everything, so that the workers share that memory, and starts another worker when one dies.
Each worker makes its own application and its own sessions, after the fork. At SIGTERM and Ctrl-C the service is not
ready any more but goes on for a moment, so that balancers turn away; then requests under way finish.
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
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from service.app import create_app
from service.config import Config
from service.errors import ServiceError
from service.front import Front
from service.jsonlog import JSONHandler, Writer
from service.metrics import Metrics
from service.models import POLL_SECONDS, absent
from service.store import Store
from service.table import Table, create

# Connections that one worker holds open; granian counts those that idle between two requests as well.
CONNECTIONS = 1024
# How long requests under way may take to finish when the service is stopped; Docker kills after 10 seconds.
GRACE_SECONDS = 8


class DrainingServer(Server):  # type: ignore[misc,valid-type]  # which of granian's two servers this is depends on the interpreter
    """Granian, which tells the workers that it is going to stop before it stops them."""

    def __init__(self, table: Table, drain_seconds: float, **settings: Any) -> None:
        super().__init__("numserve", **settings)
        self.table, self.drain_seconds = table, drain_seconds

    def shutdown(self, exit_code: int = 0) -> None:
        self.table.stop()
        sleep(self.drain_seconds)
        super().shutdown(exit_code)


def serve(config: Config) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ServiceError when the store or the address cannot be used."""
    names = list(Store(config.store).scan())
    address = usable_address(config.host, config.port)
    table = create(config.workers, config.shared)
    server = DrainingServer(
        table,
        config.drain_seconds,
        address=address,
        port=config.port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=config.read_seconds * 1000),
        workers=config.workers,
        backpressure=CONNECTIONS,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        log_level=LogLevels.error,
    )
    print(f"numserve: http://{config.host}:{config.port} with {config.workers} workers", file=sys.stderr, flush=True)
    if config.default_model not in names:
        print(
            f"numserve: {absent(config.default_model, names)}; publish it, or set NUMSERVE_DEFAULT_MODEL",
            file=sys.stderr,
            flush=True,
        )
    os.register_at_fork(after_in_child=settle_signals)
    server.serve(target_loader=partial(load, config, os.getpid(), table.path, table.regions), wrap_loader=False)


def usable_address(host: str, port: int) -> str:
    """The numeric address of `host`, IPv4 where it has one. Raises ServiceError unless it and `port` can be bound.

    granian's workers share the port by SO_REUSEPORT, so that a second service would bind it too and take half of the
    requests; a plain socket is told the truth.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        return str(address[0])
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ServiceError(f"cannot listen on {host}:{port}: {reason}; choose another --port or --host") from None


def load(config: Config, parent: int, path: str, regions: int) -> Front:
    """What each worker runs first: its own application, which follows the store from now on."""
    settle_signals()
    writer = Writer()
    set_up_logging(config.log_level, writer)
    table = Table(path, regions)
    app = create_app(config, table)
    app.extensions["numserve"].watch()
    threading.Thread(target=end_with, args=(parent, config.shared), name="parent-watch", daemon=True).start()
    front = Front(app, config, Metrics(table), writer)
    spare_the_collector()
    return front


def spare_the_collector() -> None:
    """Take what is there for good out of the garbage collector's sight: a look at all of it takes it 15 ms."""
    gc.collect()
    gc.freeze()


def settle_signals() -> None:
    """The signals of a worker while it starts. A fork inherits the main process's handlers, which only set a flag.

    SIGTERM ends it at once, until granian's own handler lets requests finish first. Ctrl-C reaches every process of a
    terminal, but is the main process's affair, which then stops the workers in order.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def end_with(parent: int, shared: Path | None) -> None:
    """End this worker when the main process is gone, even killed, so that no orphan keeps the port or their folder."""
    while os.getppid() == parent:
        sleep(POLL_SECONDS)
    if shared is not None:
        shutil.rmtree(shared, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)


def set_up_logging(level: str, writer: Writer) -> None:
    writer.start()
    logging.basicConfig(level=level.upper(), handlers=[JSONHandler(writer)])
    logging.captureWarnings(True)
    # Of odd pictures, in ever new words, each of which Python would print once and remember for ever.
    warnings.filterwarnings("ignore", module=r"PIL\b")
