"""A JSON answer, made without the detours of flask.jsonify; the shapes that every route shares."""

import json
from typing import Any

import orjson
from flask import Request, Response, request

JSON = ("Content-Type", "application/json")
# Below this the Open Inference Protocol has its own shape of errors.
PROTOCOL = "/v2"


def encode(document: Any) -> bytes:
    """`document` as JSON, with a newline at the end as terminals like it."""
    try:
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # half a surrogate pair that a client sent: UTF-8 cannot hold it, an escape can
        return (json.dumps(document, allow_nan=False) + "\n").encode()


def reply(document: Any, status: int = 200) -> Response:
    return Response(encode(document), status, content_type="application/json")


def refuse(code: str, message: str, status: int) -> Response:
    """An error in the shape that the clients of this route know."""
    return Response(failure(request.path, code, message), status, content_type="application/json")


def failure(path: str, code: str, message: str) -> bytes:
    """The body of an error for a client of `path`."""
    said = message if in_protocol(path) else {"code": code, "message": message}
    return encode({"error": said})


def in_protocol(path: str) -> bool:
    return f"{path}/".startswith(PROTOCOL + "/")


def keep(answer: Response, asked: Request, seconds: int) -> Response:
    """An answer that the client may keep so long unasked; who has it already is told so with 304."""
    answer.cache_control.max_age = seconds
    answer.add_etag()
    answer.make_conditional(asked)
    return answer
