"""What one route says of itself, and the parts that many say alike: parameters, contents, schemas."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.errors import RequestError

Part = dict[str, Any]
Errors = tuple[type[RequestError], ...]


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    name: its operationId; tag: the heading that it stands under; answers: by status, what is no error; refusals: the
    errors of service/errors.py that it may raise itself, beside those that every request may meet with.
    """

    name: str
    tag: str
    summary: str
    answers: Mapping[int, Part]
    refusals: Errors = ()
    parameters: tuple[Part, ...] = ()
    body: Part | None = None
    description: str = ""


# By path, as OpenAPI writes it with {name}, and by method in lower case.
Paths = dict[str, dict[str, Operation]]


@dataclass(frozen=True)
class Described:
    """What a module here has to say: its paths, and the schemas that they refer to by name."""

    paths: Paths
    schemas: Mapping[str, Part] = field(default_factory=dict)


def schema(name: str) -> Part:
    """A reference to a schema that has a name."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", **more: Any) -> Part:
    return {"type": "string", **({"description": description} if description else {}), **more}


def whole(description: str = "", **more: Any) -> Part:
    return {"type": "integer", **({"description": description} if description else {}), **more}


def number(description: str = "", **more: Any) -> Part:
    return {"type": "number", **({"description": description} if description else {}), **more}


def array(items: Part, **more: Any) -> Part:
    return {"type": "array", "items": items, **more}


def nullable(part: Part) -> Part:
    return {"anyOf": [part, {"type": "null"}]}


def record(optional: Mapping[str, Part] | None = None, /, **fields: Part) -> Part:
    """An object with these fields, and perhaps with the optional ones."""
    made: Part = {"type": "object", "properties": {**fields, **(optional or {})}}
    return {**made, "required": list(fields)} if fields else made


def answer(description: str, content: Part, headers: Part | None = None) -> Part:
    return {"description": description, "content": content, **({"headers": headers} if headers else {})}


def json(part: Part) -> Part:
    return {"application/json": {"schema": part}}


def parameter(name: str, place: str, part: Part, description: str, example: object = None) -> Part:
    """example: what to try first."""
    required = {"required": True} if place == "path" else {}
    shown = {} if example is None else {"example": example}
    return {"name": name, "in": place, "description": description, **required, "schema": part, **shown}


def header(description: str, part: Part, required: bool = False) -> Part:
    return {"description": description, **({"required": True} if required else {}), "schema": part}


BINARY = text(format="binary")
NUMBER_OF_VERSION = whole(minimum=1, maximum=999_999_999)
NAME = parameter(
    "name",
    "path",
    text(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", maxLength=75),
    "A model in the store; GET /models lists them",
    "cnn",
)
VERSION = parameter("version", "query", NUMBER_OF_VERSION, "Another version than the one that is served")
IF_NONE_MATCH = parameter("If-None-Match", "header", text(), "The ETag of an answer that the client has already")
ETAG = header("Of just this answer", text(), required=True)
CACHE_CONTROL = header("How long it may be kept", text(), required=True)


def kept(description: str, content: Part) -> Mapping[int, Part]:
    """The answers of a route whose content the client may keep."""
    headers = {"ETag": ETAG, "Cache-Control": CACHE_CONTROL}
    unchanged = {"description": "Still what the client has, by If-None-Match", "headers": headers}
    return {200: answer(description, content, headers), 304: unchanged}
