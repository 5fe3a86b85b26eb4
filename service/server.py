"""The WSGI server around the application: granian, one process a worker, threads within it.

The main process imports everything, so that the workers share that memory, and starts another worker when one dies.
Each worker makes its own application and its own sessions, after the fork. SIGTERM and Ctrl-C let requests under way
finish.
"""

import logging
import os
import signal
import socket
import sys
import threading
from functools import partial
from time import sleep
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from service.app import create_app
from service.config import Config
from service.errors import ServiceError
from service.models import POLL_SECONDS, absent
from service.store import Store

# Connections that one worker holds open; granian counts those that idle between two requests as well.
CONNECTIONS = 1024
# How long requests under way may take to finish when the service is stopped; Docker kills after 10 seconds.
GRACE_SECONDS = 8


def serve(config: Config) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ServiceError when the store or the address cannot be used."""
    names = list(Store(config.store).scan())
    address = usable_address(config.host, config.port)
    server: Any = Server(
        "numserve",
        address=address,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=config.workers,
        blocking_threads=config.threads,
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
    server.serve(target_loader=partial(load, config, os.getpid()), wrap_loader=False)


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


def load(config: Config, parent: int) -> Any:
    """What each worker runs first: its own application, which follows the store from now on."""
    settle_signals()
    set_up_logging(config.log_level)
    app = create_app(config)
    app.extensions["numserve"].watch()
    threading.Thread(target=end_with, args=(parent,), name="parent-watch", daemon=True).start()
    return app


def settle_signals() -> None:
    """The signals of a worker while it starts. A fork inherits the main process's handlers, which only set a flag.

    SIGTERM ends it at once, until granian's own handler lets requests finish first. Ctrl-C reaches every process of a
    terminal, but is the main process's affair, which then stops the workers in order.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def end_with(parent: int) -> None:
    """End this worker when the main process is gone, even killed, so that no orphan keeps the port."""
    while os.getppid() == parent:
        sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def set_up_logging(level: str) -> None:
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s [%(process)d] %(message)s"
    )
