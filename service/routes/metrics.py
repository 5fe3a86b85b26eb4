"""GET /metrics: what all workers have counted, for Prometheus."""

from flask import Blueprint, Response

from service.exposition import CONTENT_TYPE, exposition
from service.shared import Shared


def routes(shared: Shared | None) -> Blueprint:
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(shared) if shared else "", content_type=CONTENT_TYPE)

    return blueprint
