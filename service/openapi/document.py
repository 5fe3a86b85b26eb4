"""All operations in one document, each with what is the same for all of them."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from service.access import is_open
from service.config import Config
from service.errors import (
    BodyTimeout,
    BodyTooLarge,
    HeadersTooLarge,
    IncompleteBody,
    MalformedRequest,
    Overloaded,
    Unauthorized,
)
from service.gate import RETRY_AFTER
from service.openapi import docs, explain, health, infer, models, page, predict, report, repository, v2
from service.openapi.operation import Errors, Operation, Part, answer, header, json, parameter, record, text, whole
from service.routes.reply import in_protocol

# Of the API, which is older or younger than the program; the first number changes when a client may have to.
VERSION = "1.0.0"
PARTS = (predict, explain, models, report, health, v2, infer, repository, docs, page)
TAGS = {
    "predict": "Pictures or numbers in, labels out",
    "explain": "What every layer makes of a picture",
    "models": "What is in the store",
    "v2": "The Open Inference Protocol, version 2, with Triton's extensions",
    "health": "For balancers and for Prometheus",
    "docs": "This description",
    "page": "The page to draw on",
}
ABOUT = (
    "Neural networks, served over REST. A route that does not exist answers 404 `not_found`, a method that a route "
    "does not take 405 `method_not_allowed` with `Allow`. GET means HEAD as well. Every answer has the X-Request-ID of "
    "its request, or one of its own, and gives back a `traceparent` that is well formed."
)
# What happens to a request before its route.
BEFORE = (MalformedRequest, IncompleteBody, BodyTimeout, BodyTooLarge, HeadersTooLarge, Overloaded)
KEYS: Part = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A line of NUMSERVE_API_KEYS_FILE"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same"},
}
ID = header("The request's, for logs", text(), required=True)
ASKED_ID = parameter("X-Request-ID", "header", text(), "An id of the client's own, if it is well formed")
HEADERS = {
    Unauthorized: {"WWW-Authenticate": header("How to send a key", text(), required=True)},
    Overloaded: {RETRY_AFTER[0]: header("Seconds, when it is full", whole(minimum=1))},
}


def document(config: Config) -> Part:
    """The OpenAPI document of a service with these settings: its limits, and whether it wants API keys."""
    described = [part.described(config) for part in PARTS]
    paths = chain.from_iterable(each.paths.items() for each in described)
    schemas = chain.from_iterable(each.schemas.items() for each in described)
    return {
        "openapi": "3.1.0",
        "info": {"title": "numserve", "version": VERSION, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "paths": {
            path: {method: written(path, operation, config) for method, operation in methods.items()}
            for path, methods in paths
        },
        "components": {
            "schemas": dict(schemas),
            "headers": {"X-Request-ID": ID},
            **({"securitySchemes": KEYS} if config.api_keys_file else {}),
        },
    }


def written(path: str, operation: Operation, config: Config) -> Part:
    """An operation as OpenAPI writes it."""
    asks_key = config.api_keys_file is not None and not is_open(path)
    refusals = (*operation.refusals, *BEFORE, *((Unauthorized,) if asks_key else ()))
    answers = {**dict(errors(path, refusals)), **operation.answers}
    return {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        "parameters": [*operation.parameters, ASKED_ID],
        **({"requestBody": operation.body} if operation.body else {}),
        "responses": {str(status): with_id(answers[status]) for status in sorted(answers)},
        **({"security": [{name: []} for name in KEYS]} if asks_key else {}),
    }


def errors(path: str, refusals: Errors) -> Iterator[tuple[int, Part]]:
    """The refusals by their status, in the shape that this path has; and what nobody foresaw."""
    codes: dict[int, set[str]] = {500: {"internal_error"}}
    headers: dict[int, Part] = {}
    for error in refusals:
        codes.setdefault(error.status, set()).add(error.code)
        headers.setdefault(error.status, {}).update(HEADERS.get(error, {}))
    for status, named in codes.items():
        listed = ", ".join(f"`{code}`" for code in sorted(named))
        yield status, answer(listed, json(error_shape(path, named)), headers.get(status))


def error_shape(path: str, codes: set[str]) -> Part:
    if in_protocol(path):
        return record(error=text("What was expected, what came, and the way out"))
    return record(error=record(code=text(enum=sorted(codes)), message=text()))


def with_id(said: Part) -> Part:
    named: dict[str, Any] = said.get("headers", {})
    return {**said, "headers": {**named, "X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}}
