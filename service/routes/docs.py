"""GET /openapi.json, and GET /docs: Swagger UI, whose files come from the package flask-swagger-ui, as a page of it."""

from importlib.resources import files

from flask import Blueprint, Response, request

from service.config import Config
from service.errors import NoSuchFile
from service.openapi.document import document
from service.routes.reply import encode, keep

# Swagger UI has its icons as data. No script and no style stands in the page, and no other host is asked.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECONDS_TO_KEEP = 3600
JAVASCRIPT, CSS = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
OWN, SWAGGER_UI = files("service.openapi"), files("flask_swagger_ui").joinpath("dist")


def routes(config: Config) -> Blueprint:
    blueprint = Blueprint("docs", __name__)
    described = encode(document(config))
    page = OWN.joinpath("docs.html").read_bytes()
    kinds = {
        "initializer.js": (OWN.joinpath("initializer.js"), JAVASCRIPT),
        "swagger-ui-bundle.js": (SWAGGER_UI.joinpath("swagger-ui-bundle.js"), JAVASCRIPT),
        "swagger-ui.css": (SWAGGER_UI.joinpath("swagger-ui.css"), CSS),
    }

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        """What all routes take and answer. It changes with the settings, so a client asks each time whether it has."""
        return keep(Response(described, content_type="application/json"), request, 0)

    @blueprint.get("/docs")
    def docs() -> Response:
        answer = Response(page, content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = POLICY
        return keep(answer, request, SECONDS_TO_KEEP)

    @blueprint.get("/docs/<file>")
    def docs_file(file: str) -> Response:
        if file not in kinds:
            raise NoSuchFile(f"no file {file[:40]!r} here; there are {', '.join(kinds)}")
        source, content_type = kinds[file]
        return keep(Response(source.read_bytes(), content_type=content_type), request, SECONDS_TO_KEEP)

    return blueprint
