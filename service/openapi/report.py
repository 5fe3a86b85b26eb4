"""GET /models/<name>/versions/<version>/report/ and what is beside it."""

from service.config import Config
from service.errors import ModelNotFound, ModelUnavailable, NoSuchFile, VersionNotFound
from service.openapi.operation import (
    BINARY,
    IF_NONE_MATCH,
    NAME,
    NUMBER_OF_VERSION,
    Described,
    Operation,
    kept,
    parameter,
    text,
)

NUMBER = parameter("number", "path", NUMBER_OF_VERSION, "The version", 1)
FILE = parameter("file", "path", text(), "A picture of the report", "curves.png")
REFUSALS = (ModelNotFound, VersionNotFound, NoSuchFile, ModelUnavailable)


def described(config: Config) -> Described:
    page = Operation(
        "report",
        "models",
        "The report of a version: curves, confusion matrix, mistakes",
        kept("A page", {"text/html": {"schema": text()}}),
        REFUSALS,
        (NAME, NUMBER, IF_NONE_MATCH),
    )
    kinds = {kind: {"schema": BINARY} for kind in ("image/png", "text/html", "application/octet-stream")}
    file = Operation(
        "reportFile",
        "models",
        "A picture of that report",
        kept("As its name says", kinds),
        REFUSALS,
        (NAME, NUMBER, FILE, IF_NONE_MATCH),
    )
    path = "/models/{name}/versions/{number}/report/"
    return Described({path: {"get": page}, path + "{file}": {"get": file}})
