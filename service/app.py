"""The Flask application: routes, one error shape, and nothing that a request would not need."""

import logging
from typing import Any

from flask import Flask, Response, request
from flask.sessions import SessionInterface
from werkzeug.exceptions import HTTPException

from service.access import CHALLENGE, guard
from service.config import Config
from service.errors import RequestError, Unauthorized
from service.keys import Keys
from service.models import Models
from service.notes import notes
from service.routes import docs, explain, health, infer, metrics, models, page, predict, report, repository, v2
from service.routes.reply import refuse
from service.store import Store
from service.table import Table
from service.unloaded import Unloaded
from service.v2.infer import Inference
from service.v2.statistics import Statistics

log = logging.getLogger(__name__)
REFUSALS = {
    404: (
        "not_found",
        "no such route; /docs tells of those that there are",
    ),
    405: ("method_not_allowed", "this route does not take this method; the header Allow says which it takes"),
}


class NoSession(SessionInterface):
    """There are no cookies here, so no request looks for one."""

    def open_session(self, app: Flask, request: Any) -> None:
        return None


def create_app(config: Config, table: Table | None = None) -> Flask:
    """The application with the models of `config.store` loaded. Nothing is watched yet: see Models.watch.

    table: what the workers have in common; without it, as under another server, nothing is counted.

    Raises ServiceError when the store is not a folder that can be read.
    """
    served = Models(Store(config.store), Unloaded(config.shared))
    served.refresh()
    statistics = Statistics(config.shared)
    keys = Keys(config.api_keys_file) if config.api_keys_file else None
    app = Flask("service", static_folder=None)
    app.extensions["numserve"] = served
    app.session_interface = NoSession()
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    for part in (predict, explain, models, report, repository):
        app.register_blueprint(part.routes(config, served))
    app.register_blueprint(health.routes(config, served, table))
    app.register_blueprint(metrics.routes(table))
    app.register_blueprint(page.routes())
    app.extensions["numserve.inference"] = inference = Inference(config, served, statistics)
    app.register_blueprint(v2.routes(config, served, statistics))
    app.register_blueprint(infer.routes(inference))
    app.register_blueprint(docs.routes(config))
    guard(app, keys)
    app.url_value_preprocessor(note_route)
    app.register_error_handler(RequestError, answer_request_error)
    app.register_error_handler(HTTPException, answer_http)
    app.register_error_handler(Exception, answer_unforeseen)
    return app


def answer_request_error(error: RequestError) -> Response:
    answer = refuse(error.code, str(error), error.status)
    if isinstance(error, Unauthorized):
        answer.headers.add(*CHALLENGE)
    return answer


def answer_http(error: HTTPException) -> Any:
    """What werkzeug refuses by itself (no such route, wrong method), in the shape of our errors."""
    if error.code is None or error.code < 400:
        return error
    code, message = REFUSALS.get(error.code, ("bad_request", error.description))
    answer = refuse(code, message or error.name, error.code)
    answer.headers.extend({"Allow": allow} if (allow := error.get_response().headers.get("Allow")) else {})
    return answer


def answer_unforeseen(error: Exception) -> Response:
    """A defect of ours: the traceback goes to the log, the client learns no more than that it happened."""
    log.error("a request failed", exc_info=error)
    return refuse("internal_error", "the service failed on this request", 500)


def note_route(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """The rule that matched, for log and metrics: there are as many as there are routes, and not as many as paths."""
    if request.url_rule is not None:
        notes.route = request.url_rule.rule
