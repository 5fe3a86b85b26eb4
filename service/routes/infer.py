"""POST /v2/models/<model>/infer: a tensor in, a tensor out, as JSON or as bytes.

Answered in front of Flask, by a WSGI application of its own: to a network that costs nothing, JSON took 51 µs so and
134 by way of Flask's contexts, routes and responses (benchmarks/protocol.py). What goes wrong is answered by Flask.
"""

import re
from collections.abc import Iterable
from time import perf_counter_ns
from typing import Any

from flask import Blueprint, Flask, Request, Response

from service.access import check
from service.body import read_body
from service.config import Config
from service.keys import Keys
from service.models import Models
from service.notes import notes
from service.v2.answer import encode
from service.v2.compression import compress
from service.v2.graphs import find
from service.v2.inference import prepare, run
from service.v2.question import HEADER_LENGTH, parse
from service.v2.statistics import Statistics

RULE, VERSION_RULE = "/v2/models/<name>/infer", "/v2/models/<name>/versions/<version>/infer"
PATH = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?/infer")
Headers = list[tuple[str, str]]


class Infer:
    """Stands before Flask's WSGI application, and hands on to it all that is no infer request.

    keys: who may ask; None is everybody.
    """

    def __init__(self, app: Flask, config: Config, models: Models, statistics: Statistics, keys: Keys | None) -> None:
        self.app, self.behind = app, app.wsgi_app
        self.config, self.models, self.statistics, self.keys = config, models, statistics, keys

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or not environ.get("PATH_INFO", "").endswith("/infer"):
            return self.behind(environ, start_response)
        asked = Request(environ)
        path = PATH.fullmatch(asked.path)
        if path is None:
            return self.behind(environ, start_response)
        return self.infer(asked, path[1], path[2], start_response)

    def infer(self, asked: Request, name: str, version: str | None, start_response: Any) -> Iterable[bytes]:
        try:
            check(self.keys, asked.path, asked.headers)
            headers, body = self.answer(asked, name, version)
        except Exception as error:
            return self.refuse(asked.environ, error)(asked.environ, start_response)
        start_response("200 OK", headers)
        return [body]

    def answer(self, asked: Request, name: str, version: str | None) -> tuple[Headers, bytes]:
        """What a graph makes of its input. What each step took is counted, and so are requests that fail."""
        notes.route = RULE if version is None else VERSION_RULE
        target = find(self.models, name, version)
        body = read_body(asked, self.config.max_body)
        began = perf_counter_ns()
        try:
            question = parse(body, asked.headers.get(HEADER_LENGTH), target.graph)
            X = prepare(target, question.given, self.config.max_images, self.config.max_pixels)
            read = perf_counter_ns()
            Y = run(target, X)
            ran = perf_counter_ns()
            answer = respond(*encode(target, question, Y), asked.headers.get("Accept-Encoding"))
        except Exception:
            self.statistics.failed(name, target.version, perf_counter_ns() - began)
            raise
        notes.batches.append(len(Y))
        notes.stages.append(("inference", read / 1e9, ran / 1e9))
        took = (read - began, ran - read, perf_counter_ns() - ran)
        self.statistics.succeeded(name, target.version, len(Y), took)
        return answer

    def refuse(self, environ: dict[str, Any], error: Exception) -> Response:
        """The answer of the handler that the application has for such an error."""
        with self.app.request_context(environ):
            return self.app.make_response(self.app.handle_user_exception(error))

    def routes(self) -> Blueprint:
        """The same for Flask's table, which answers other methods, takes a slash at the end and tells what there is."""
        blueprint = Blueprint("infer", __name__, url_prefix="/v2/models/<name>")

        @blueprint.post("/infer")
        @blueprint.post("/versions/<version>/infer")
        def infer(name: str, version: str | None = None) -> Any:
            return lambda environ, start_response: self.infer(Request(environ), name, version, start_response)

        return blueprint


def respond(body: bytes, json_length: int | None, accepted: str | None) -> tuple[Headers, bytes]:
    """JSON, or JSON with bytes after it, compressed where the client takes that, and the headers that say so."""
    packed, method = compress(body, accepted)
    content_type = "application/json" if json_length is None else "application/octet-stream"
    headers = [("Content-Type", content_type), ("Content-Length", str(len(packed)))]
    if json_length is not None:
        headers.append((HEADER_LENGTH, str(json_length)))
    if method is not None:
        headers += [("Content-Encoding", method), ("Vary", "Accept-Encoding")]
    return headers, packed
