"""POST /predict without the detours of a framework: the route that is asked most answers by the same functions.

Flask takes some 100 µs where a small picture takes 60. So the path, the parameters and the headers of this one route
are read here, and the API key where one is wanted; everything else, and everything when the application has other
hooks that come before a request, is Flask's.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask
from werkzeug.http import parse_options_header

from service.access import CHALLENGE, ask, check
from service.body import understood
from service.config import Config
from service.environ import Answer
from service.errors import RequestError, Unauthorized
from service.exchange import Exchange
from service.keys import Keys
from service.models import Models
from service.notes import notes
from service.routes.predict import DEFAULT_TOP_K, document, read_whole
from service.routes.reply import encode
from service.runtime import Model

PATH = "/predict"
JSON = ("Content-Type", "application/json")
# What may be answered on the event loop itself, where it takes less than handing it to a thread: small bodies with few
# and small pictures, for a model that takes no longer than this.
SMALL_BODY, FEW_IMAGES, FEW_PIXELS = 8192, 4, 65_536
QUICK_SECONDS = 0.005
# The hooks before a request whose work is done here too.
OWN_HOOKS: tuple[dict[None, Any], ...] = ({}, {None: [ask]})


class Declaration:
    """What the Content-Type of a request says, read when somebody asks."""

    def __init__(self, content_type: str) -> None:
        self.content_type = content_type

    @cached_property
    def parsed(self) -> tuple[str, dict[str, str]]:
        if ";" not in self.content_type:
            return self.content_type.strip(), {}
        return parse_options_header(self.content_type)

    @property
    def mimetype(self) -> str:
        return self.parsed[0].lower()

    @property
    def mimetype_params(self) -> Mapping[str, str]:
        return self.parsed[1]


class Fast:
    """Answers POST /predict and POST /predict/<model>; `takes` says whether a request is one of them."""

    def __init__(self, app: Flask, config: Config, models: Models) -> None:
        self.app, self.config, self.models = app, config, models
        self.keys: Keys | None = app.extensions["numserve.keys"]
        self.small = replace(config, max_images=FEW_IMAGES, max_pixels=FEW_PIXELS)

    def takes(self, asked: Exchange) -> bool:
        path: str = asked.path
        if asked.method != "POST" or self.app.before_request_funcs not in OWN_HOOKS:
            return False
        return path == PATH or (path.startswith("/predict/") and "/" not in path[9:] and len(path) > 9)

    def brief(self, asked: Exchange, body: bytes) -> Answer | None:
        """The answer to a request that takes next to no time; None when it may take longer, or is not that small."""
        if len(body) > SMALL_BODY or "content-encoding" in asked.headers or asked.query:
            return None
        model = self.models.served.get(asked.path[9:] or self.config.default_model)
        if model is None or model.seconds > QUICK_SECONDS:
            return None
        answer = self.answer(asked, body, self.small)
        return None if answer[0] == 413 or notes.too_large else answer

    def full(self, asked: Exchange, body: bytes) -> Answer:
        return self.answer(asked, body, self.config)

    def answer(self, asked: Exchange, body: bytes, limits: Config) -> Answer:
        notes.clear("/predict/<name>" if len(asked.path) > len(PATH) else PATH)
        headers = [JSON]
        try:
            check(self.keys, asked.path, asked.headers)
            status, said = 200, self.document(asked, body, limits)
        except RequestError as error:
            status, said = error.status, {"error": error.payload()}
            if isinstance(error, Unauthorized):
                headers.append(CHALLENGE)
        return status, headers, (encode(said) + "\n").encode()

    def document(self, asked: Exchange, body: bytes, limits: Config) -> dict[str, Any]:
        model, top_k = self.parameters(asked.path[9:] or self.config.default_model, asked.query)
        body = understood(body, asked.headers.get("content-encoding"), limits.max_body)
        return document(limits, model, top_k, Declaration(asked.headers.get("content-type", "")), body)

    def parameters(self, name: str, query: str) -> tuple[Model, int]:
        """The model, and how many labels of each answer."""
        if not query:
            return self.models.get(name), DEFAULT_TOP_K
        given = dict(reversed(parse_qsl(query, keep_blank_values=True)))  # of two alike the first counts
        version, top_k = (read_whole(each, given.get(each)) for each in ("version", "top_k"))
        return self.models.get(name, version), top_k or DEFAULT_TOP_K
