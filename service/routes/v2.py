"""GET /v2 and below: what the server and its models are, whether they are ready, and what they were asked so far."""

from flask import Blueprint, Response

from service.config import Config
from service.models import Models
from service.routes.health import missing
from service.routes.reply import reply
from service.v2.describe import configuration, metadata, model_stats, server
from service.v2.graphs import find
from service.v2.statistics import Counts, Statistics, Title


def routes(config: Config, models: Models, statistics: Statistics) -> Blueprint:
    blueprint = Blueprint("v2", __name__, url_prefix="/v2")

    @blueprint.get("")
    def index() -> Response:
        return reply(server())

    @blueprint.get("/health/live")
    def live() -> Response:
        return reply({"live": True})

    @blueprint.get("/health/ready")
    def ready() -> Response:
        """Ready as /readyz has it, in the shape that KServe's client reads."""
        problem = missing(models, config.default_model)
        return reply({"ready": False, "error": problem}, 503) if problem else reply({"ready": True})

    @blueprint.get("/models/<name>")
    @blueprint.get("/models/<name>/versions/<version>")
    def model(name: str, version: str | None = None) -> Response:
        return reply(metadata(find(models, name, version), models))

    @blueprint.get("/models/<name>/ready")
    @blueprint.get("/models/<name>/versions/<version>/ready")
    def model_ready(name: str, version: str | None = None) -> Response:
        """200, or the error that asking the model would give."""
        return reply({"name": find(models, name, version).name, "ready": True})

    @blueprint.get("/models/<name>/config")
    @blueprint.get("/models/<name>/versions/<version>/config")
    def model_config(name: str, version: str | None = None) -> Response:
        return reply(configuration(find(models, name, version), config.max_images))

    @blueprint.get("/models/stats")
    @blueprint.get("/models/<name>/stats")
    @blueprint.get("/models/<name>/versions/<version>/stats")
    def stats(name: str | None = None, version: str | None = None) -> Response:
        """What all workers have counted: of every model, of one, or of one of its versions."""
        return reply({"model_stats": model_stats(chosen(models, statistics.sums(), name, version))})

    return blueprint


def chosen(models: Models, sums: dict[Title, Counts], name: str | None, version: str | None) -> dict[Title, Counts]:
    """The counts that are asked for. A version that is served but was asked nothing yet is there with zeros."""
    if name is None:
        return {Title(each, model.version.number, 0): Counts() for each, model in models.served.items()} | sums
    zero = Title(name, find(models, name, version).version, 0)
    return {zero: Counts()} | {
        title: counts
        for title, counts in sums.items()
        if title.name == name and (version is None or title.version == zero.version)
    }
