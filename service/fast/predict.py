"""POST /predict and POST /predict/<model>."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial
from urllib.parse import parse_qsl

from werkzeug.http import parse_options_header

from service.answers import Question, question
from service.batch import Pending, Ran, run
from service.body import Rows, Upload, parse_body, understood
from service.config import Config
from service.errors import RequestError
from service.exchange import Answer, Exchange
from service.fast.quick import FEW_IMAGES, FEW_PIXELS, QUICK_SECONDS, SMALL_BODY
from service.models import Models
from service.notes import notes
from service.routes.predict import DEFAULT_TOP_K, document, read_whole
from service.routes.reply import JSON, encode
from service.runtime import Model

PATH = "/predict"


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


class Predict:
    """Answers them as routes/predict.py does."""

    def __init__(self, config: Config, models: Models) -> None:
        self.config, self.models = config, models
        few, small = min(config.max_images, FEW_IMAGES), min(config.max_pixels, FEW_PIXELS)
        self.small = replace(config, max_images=few, max_pixels=small)

    def rule(self, path: str) -> str | None:
        if path == PATH:
            return PATH
        named = path.startswith("/predict/") and "/" not in path[9:] and len(path) > 9
        return "/predict/<name>" if named else None

    def begin(self, asked: Exchange) -> Pending | None:
        if len(asked.body) > SMALL_BODY or "content-encoding" in asked.headers or asked.query:
            return None
        model = self.models.served.get(asked.path[9:] or self.config.default_model)
        if model is None:
            return None
        try:
            sent = self.parse(asked, self.small)
            if len(sent) * (model.seconds + model.preprocess_seconds) > QUICK_SECONDS:
                return None
            found = question(model, sent, DEFAULT_TOP_K, self.small.max_pixels)
        except RequestError as error:
            if error.status == 413:
                return None
            raise
        return None if notes.too_large else Pending(model, found.X, partial(tell, found))

    def full(self, asked: Exchange) -> Answer:
        model, top_k = self.parameters(asked.path[9:] or self.config.default_model, asked.query)
        found = question(model, self.parse(asked, self.config), top_k, self.config.max_pixels)
        return tell(found, run(model, found.X))

    def parse(self, asked: Exchange, limits: Config) -> list[Upload] | Rows:
        body = understood(asked.body, asked.headers.get("content-encoding"), limits.max_body)
        return parse_body(Declaration(asked.headers.get("content-type", "")), body, limits.max_images)

    def parameters(self, name: str, query: str) -> tuple[Model, int]:
        """The model, and how many labels of each answer."""
        if not query:
            return self.models.get(name), DEFAULT_TOP_K
        given = dict(reversed(parse_qsl(query, keep_blank_values=True)))  # of two alike the first counts
        version, top_k = (read_whole(each, given.get(each)) for each in ("version", "top_k"))
        return self.models.get(name, version), top_k or DEFAULT_TOP_K


def tell(asked: Question, ran: Ran) -> Answer:
    return 200, [JSON], encode(document(asked, ran))
