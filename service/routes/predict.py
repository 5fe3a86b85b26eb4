"""POST /predict and POST /predict/<model>: pictures or numbers in, labels out."""

from typing import Any

from flask import Blueprint, Response, request

from service.answers import Question, question
from service.batch import Ran, run
from service.body import parse_body, read_body
from service.config import Config
from service.errors import InvalidParameter
from service.models import Models
from service.routes.reply import reply

DEFAULT_TOP_K = 3


def routes(config: Config, models: Models) -> Blueprint:
    """The routes, bound to the settings and to what is served."""
    blueprint = Blueprint("predict", __name__)

    @blueprint.post("/predict")
    @blueprint.post("/predict/<name>")
    def answer(name: str = config.default_model) -> Response:
        """What the served version of a model, or ?version=, says of each picture or row; ?top_k= labels of it."""
        model = models.get(name, whole_parameter("version"))
        top_k = whole_parameter("top_k") or DEFAULT_TOP_K
        sent = parse_body(request, read_body(request, config.max_body), config.max_images)
        asked = question(model, sent, top_k, config.max_pixels)
        return reply(document(asked, run(model, asked.X)))

    return blueprint


def document(asked: Question, ran: Ran) -> dict[str, Any]:
    """The answer to it."""
    version = asked.model.version
    return {"model": version.name, "version": version.number, "predictions": asked.predictions(ran)}


def whole_parameter(name: str) -> int | None:
    """A parameter of the query that is a whole number from 1 on; None when it is not given."""
    return read_whole(name, request.args.get(name) if request.query_string else None)


def read_whole(name: str, text: str | None) -> int | None:
    """The text of such a parameter, read. Raises InvalidParameter."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise InvalidParameter(f"expected ?{name}= to be a whole number of at least 1, got {text[:40]!r}")
    return int(text)
