"""GET /models/<name>/versions/<version>/report/: the report of a version, as it was published.

Only what the manifest has the SHA-256 of is given out, so that no path leads anywhere else.
"""

from pathlib import PurePosixPath

from flask import Blueprint, Response, request

from service.config import Config
from service.errors import BrokenVersion, ModelUnavailable, NoSuchFile, VersionNotFound
from service.models import Models
from service.routes.models import SECONDS_TO_KEEP
from service.routes.reply import keep
from service.store import Version

INDEX = "index.html"
TYPES = {".html": "text/html; charset=utf-8", ".png": "image/png"}
# A report has its own style, and pictures beside it; it runs nothing and reaches nowhere.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def routes(config: Config, models: Models) -> Blueprint:
    blueprint = Blueprint("report", __name__)

    @blueprint.get("/models/<name>/versions/<int:number>/report/")
    @blueprint.get("/models/<name>/versions/<int:number>/report/<file>")
    def report(name: str, number: int, file: str = INDEX) -> Response:
        """The page, or a picture of it; who has it already is told so with 304."""
        if request.path.endswith("/report"):  # from there the page would miss its pictures
            raise NoSuchFile(f"a report stands at {request.path}/, with a slash at its end")
        version = find(models, name, number)
        path = f"report/{file}"
        if path not in version.manifest.files:
            raise NoSuchFile(f"{name}/{number} was published without {path}")
        kind = TYPES.get(PurePosixPath(file).suffix, "application/octet-stream")
        answer = Response(read(version, path), content_type=kind)
        answer.headers["Content-Security-Policy"] = POLICY
        return keep(answer, request, SECONDS_TO_KEEP)

    return blueprint


def find(models: Models, name: str, number: int) -> Version:
    """The version, whether it is served or not; it is not loaded for that.

    Raises ModelNotFound, VersionNotFound, or ModelUnavailable for a broken one.
    """
    if number not in models.listing(name).versions:
        raise VersionNotFound(f"model {name!r} has no version {number}")
    try:
        return models.store.version(name, number)
    except BrokenVersion as error:
        raise ModelUnavailable(f"version {number} of model {name!r} is broken: {error}") from None


def read(version: Version, path: str) -> bytes:
    try:
        return version.read(path)
    except BrokenVersion as error:
        raise ModelUnavailable(f"the report of {version.name}/{version.number} is broken: {error}") from None
