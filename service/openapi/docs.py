"""GET /openapi.json, GET /docs and what the page there is made of."""

from service.config import Config
from service.errors import NoSuchFile
from service.openapi.operation import (
    IF_NONE_MATCH,
    Described,
    Operation,
    json,
    kept,
    parameter,
    record,
    text,
)

OPENAPI = record(openapi=text(), info={"type": "object"}, paths={"type": "object"}) | {"additionalProperties": True}
FILES = ("initializer.js", "swagger-ui-bundle.js", "swagger-ui.css")


def described(config: Config) -> Described:
    document = Operation(
        "openapi",
        "docs",
        "This document",
        kept("OpenAPI 3.1", json(OPENAPI)),
        parameters=(IF_NONE_MATCH,),
    )
    page = Operation(
        "docs",
        "docs",
        "This document as a page, by Swagger UI",
        kept("A page", {"text/html": {"schema": text()}}),
        parameters=(IF_NONE_MATCH,),
    )
    file = Operation(
        "docsFile",
        "docs",
        "A file of that page",
        kept("As its name says", {kind: {"schema": text()} for kind in ("text/css", "text/javascript")}),
        (NoSuchFile,),
        (parameter("file", "path", text(enum=list(FILES)), "Its name"), IF_NONE_MATCH),
    )
    return Described({"/openapi.json": {"get": document}, "/docs": {"get": page}, "/docs/{file}": {"get": file}})
