"""GET /healthz: the process lives. GET /readyz: it can answer, with every model that should be loaded and warm."""

from flask import Blueprint, Response

from service.config import Config
from service.errors import NotReady
from service.models import Models, absent, unloaded
from service.routes.reply import reply
from service.table import Table


def routes(config: Config, models: Models, table: Table | None) -> Blueprint:
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return reply({"status": "ok"})

    @blueprint.get("/readyz")
    def readyz() -> Response:
        """Ready when the default model answers. Another model that is broken is reported, but stops no balancer."""
        if table is not None and table.stopping:
            raise NotReady("the service is stopping; ask another one")
        problem = missing(models, config.default_model)
        if problem:
            raise NotReady(problem)
        served = {name: model.version.number for name, model in models.served.items()}
        return reply({"status": "ready", "models": served, "broken": broken(models)})

    return blueprint


def missing(models: Models, name: str) -> str | None:
    """Why the default model cannot answer, and the way out; None when it can."""
    if name in models.served:
        return None
    if name in models.off:
        return unloaded(name)
    if name in models.listings:
        return f"no version of the default model {name!r} can be served: {models.reasons(models.listing(name))}"
    return absent(name, models.listings) + "; publish it, or set NUMSERVE_DEFAULT_MODEL"


def broken(models: Models) -> list[str]:
    """The versions that are not served because they are broken, as name/number."""
    return [f"{name}/{number}" for name, each in models.listings.items() for number in models.reasons(each)]
