"""The command `service`: settings from the environment and the command line, then the server."""

import argparse
import os
import sys
from dataclasses import replace

from service.config import Config
from service.errors import ServiceError
from service.shared import shared_folder


def parser() -> argparse.ArgumentParser:
    described = argparse.ArgumentParser(
        prog="service",
        description="Serve the published models over HTTP.",
        epilog="Every setting has an environment variable too: NUMSERVE_STORE, NUMSERVE_HOST and so on.",
    )
    described.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    described.add_argument("--port", help="port to listen on (default: 8000)")
    described.add_argument("--workers", help="worker processes (default: the cores this process may use)")
    described.add_argument("--store", help="folder of the published models (default: models)")
    return described


def main(arguments: list[str] | None = None) -> int:
    """Run the service until it is stopped; the exit code: 0, or that of the error."""
    options = vars(parser().parse_args(arguments))
    # Nothing here multiplies matrices in NumPy, and a process that forks should have one thread.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        config = Config.from_environment(options=options)
        from service.server import serve  # only now: NumPy reads the line above when it is imported

        with shared_folder() as folder:
            serve(replace(config, shared=folder))
    except ServiceError as error:
        print(f"service: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:  # before the server took over
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
