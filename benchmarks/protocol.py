"""How long an infer request takes without a server: every way to send a picture's pixels, in process.

    python benchmarks/protocol.py --models cnn fnn

In µs, what one call of ten stays below. serving.py measures the same behind the server, beside others.
"""

import argparse
import json
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from asked import LENGTH, binary, tensor
from flask import Flask
from processes import ROOT
from werkzeug.test import EnvironBuilder
from wrk import Ask

from service.app import create_app
from service.config import Config
from service.v2.infer import Inference


def asks(model: str) -> dict[str, Ask]:
    """One picture of 28x28, four of five pixels black, in each way."""
    rng = np.random.default_rng(1)
    X = rng.integers(1, 256, (1, 1, 28, 28), np.uint8) * (rng.random((1, 1, 28, 28)) < 0.2)
    path = f"/v2/models/{model}/infer"
    flat = tensor(path, X)
    nested = json.loads(flat.body)
    nested["inputs"][0]["data"] = X.tolist()
    return {
        "JSON, nested": Ask(path, json.dumps(nested).encode()),
        "JSON": flat,
        "JSON and bytes": binary(path, X),
        "raw": Ask(path, X.tobytes(), {LENGTH: "0"}),
    }


def direct(inference: Inference, model: str, ask: Ask) -> Callable[[], object]:
    """The request as the short way in front of Flask answers it."""

    def call() -> object:
        target = inference.find(model, None)
        return inference.answer(inference.understand(target, ask.body, ask.headers.get(LENGTH)), None)

    return call


def by_flask(app: Flask, ask: Ask) -> Callable[[], object]:
    """The same by Flask's context, route and response."""
    environ = EnvironBuilder(ask.path, method="POST", headers=ask.headers).get_environ()
    environ["CONTENT_LENGTH"] = str(len(ask.body))

    def start(status: str, *_: Any) -> None:
        assert status == "200 OK", status

    return lambda: list(app.wsgi_app({**environ, "wsgi.input": BytesIO(ask.body)}, start))


def best_tenth(call: Callable[[], object], repeats: int) -> str:
    """Microseconds below which one call of ten stays."""
    took = []
    for _ in range(repeats):
        began = time.perf_counter_ns()
        call()
        took.append(time.perf_counter_ns() - began)
    return f"{sorted(took)[repeats // 10] / 1000:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=ROOT / "models")
    parser.add_argument("--models", nargs="+", default=["cnn", "fnn"], help="of pictures of 28x28")
    parser.add_argument("--repeats", type=int, default=4000)
    given = parser.parse_args()
    app = create_app(Config(store=given.store))
    inference: Inference = app.extensions["numserve.inference"]
    print(f"| request | {' | '.join(given.models)} |\n| --- |{' ---: |' * len(given.models)}")
    for kind in asks(""):
        cells = [best_tenth(direct(inference, model, asks(model)[kind]), given.repeats) for model in given.models]
        print(f"| {kind} | {' | '.join(cells)} |")
    flask = [best_tenth(by_flask(app, asks(model)["JSON"]), given.repeats) for model in given.models]
    print(f"| JSON, by Flask's route | {' | '.join(flask)} |")


if __name__ == "__main__":
    main()
