"""GET /metrics: what all workers have counted, for Prometheus."""

from flask import Blueprint, Response

from service.exposition import CONTENT_TYPE, exposition
from service.table import Table


def routes(table: Table | None) -> Blueprint:
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(table) if table else "", content_type=CONTENT_TYPE)

    return blueprint
