"""GET /models and GET /models/<name>: what is in the store, what of it is served, and what is broken."""

from typing import Any

from flask import Blueprint, Response, request

from service.config import Config
from service.models import Models
from service.routes.predict import whole_parameter
from service.routes.reply import keep, reply

# A version does not change; a store may be replaced, though. Which version is served may change at any time.
SECONDS_TO_KEEP = 3600


def routes(config: Config, models: Models) -> Blueprint:
    blueprint = Blueprint("models", __name__)

    @blueprint.get("/models")
    def index() -> Response:
        """Every model in the store."""
        return reply({"default": config.default_model, "models": [describe(models, name) for name in models.listings]})

    @blueprint.get("/models/<name>")
    def manifest(name: str) -> Response:
        """The manifest of the served version, or of ?version=; who has it already is told so with 304."""
        number = whole_parameter("version")
        answer = reply(models.get(name, number).manifest.document)
        return keep(answer, request, SECONDS_TO_KEEP if number else 0)

    return blueprint


def describe(models: Models, name: str) -> dict[str, Any]:
    """One model: version is the one that is served, current the one that the file `current` names; else null."""
    listing, model = models.listing(name), models.served.get(name)
    return {
        "name": name,
        "version": model and model.version.number,
        "versions": list(listing.versions),
        "current": listing.pointer,
        "unloaded": name in models.off,
        "task": model and model.manifest.task,
        "labels": model and len(model.manifest.labels),
        "input": model and model.manifest.kind,
        "accuracy": model and model.manifest.accuracy,
        "broken": [{"version": number, "reason": why} for number, why in models.reasons(listing).items()],
    }
