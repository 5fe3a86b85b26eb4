"""POST /v2/repository/…: the index of the store, and models taken out of service and brought back."""

from typing import Any

from flask import Blueprint, Response, request

from service.body import read_body
from service.config import Config
from service.errors import EmptyBody, Forbidden, InvalidInputs
from service.models import Models
from service.routes.reply import reply
from service.v2.describe import index
from service.v2.question import expect, flag, load, parameters


def routes(config: Config, models: Models) -> Blueprint:
    blueprint = Blueprint("repository", __name__, url_prefix="/v2/repository")

    @blueprint.post("/index")
    def list_all() -> Response:
        """Every version in the store; with {"ready": true} those that can be asked."""
        only_ready = read_document(config).get("ready", False)
        expect(isinstance(only_ready, bool), "'ready'", "true or false", only_ready)
        return reply([each for each in index(models) if each["state"] == "READY" or not only_ready])

    @blueprint.post("/models/<name>/load")
    def load_model(name: str) -> Response:
        """Bring back what was unloaded; of what is served, look for another version at once."""
        refuse_unless_keys(config)
        refuse_parameters(parameters(read_document(config)), set())
        model = models.load(name)
        return reply({"name": name, "version": str(model.version.number), "state": "READY"})

    @blueprint.post("/models/<name>/unload")
    def unload_model(name: str) -> Response:
        refuse_unless_keys(config)
        document = read_document(config)
        refuse_parameters(parameters(document), {"unload_dependents"})
        flag(document, "unload_dependents", False)  # no model has any, but it must be true or false
        models.unload(name)
        return reply({"name": name, "state": "UNAVAILABLE", "reason": "unloaded"})

    return blueprint


def refuse_unless_keys(config: Config) -> None:
    """Where there are keys, who got as far as here has shown one."""
    if config.api_keys_file is None:
        raise Forbidden(
            "models are loaded and unloaded only with an API key: set NUMSERVE_API_KEYS_FILE to a file of keys"
        )


def refuse_parameters(sent: dict[str, Any], known: set[str]) -> None:
    """What would change the model is no matter of a request: the store alone says what a model is."""
    if unknown := sorted(sent.keys() - known):
        raise InvalidInputs(
            f"expected no parameters, got {', '.join(unknown)[:80]}; a model is what the store has of it"
        )


def read_document(config: Config) -> dict[str, Any]:
    """The JSON object of the body, {} when there is no body."""
    try:
        return load(read_body(request, config.max_body))
    except EmptyBody:
        return {}
