"""Every answer of the service held against its OpenAPI document, whichever test asked for it.

What the document says of an answer must be so: its status, content type, body and headers. It must also be all: here an
object has no other fields than those that are named, though the document lets clients expect more some day.
"""

import json
import re
import zlib
from functools import cache
from typing import Any

import jsonschema_rs

# What is answered where there is no such operation: that there is none, or what any request may meet with before.
OUTSIDE = (401, 404, 405, 400, 408, 413, 503)
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class Document:
    """An OpenAPI document as a service sends it."""

    def __init__(self, text: bytes) -> None:
        self.document: dict[str, Any] = json.loads(text)
        self.schemas = {"schemas": closed(self.document["components"]["schemas"])}
        paths = sorted(self.document["paths"], key=lambda path: ("{" in path, path))  # what is written out goes first
        self.paths = [(path, re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "/?")) for path in paths]
        self.validators: dict[str, Any] = {}

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """What the document says of a request; None when there is no such path or method."""
        found = next((name for name, pattern in self.paths if pattern.fullmatch(path)), None)
        operation: dict[str, Any] | None = self.document["paths"].get(found, {}).get(method.lower())
        return operation

    def check(self, method: str, path: str, status: int, headers: Any, body: bytes, wire: bool = False) -> None:
        """Fails unless an answer is one that the document has. wire: it came by the front, and so with X-Request-ID."""
        method = "GET" if method == "HEAD" else method
        operation = self.operation(method, path)
        if operation is None:
            assert status in OUTSIDE or method == "OPTIONS", f"{method} {path} is not in the document"
            return
        said = operation["responses"].get(str(status))
        assert said is not None, f"{method} {path}: the document has no {status}, but {body[:300]!r} came"
        for name, header in said.get("headers", {}).items():
            required = wire if "$ref" in header else header.get("required", False)
            assert not required or name in headers, f"{method} {path}: {status} without {name}"
        if "content" not in said:
            assert body == b"", f"{method} {path}: {status} has a body"
            return
        kind = headers["Content-Type"].partition(";")[0]
        assert kind in said["content"], f"{method} {path}: the document has no {kind} for {status}"
        if "Content-Encoding" in headers:
            body = zlib.decompress(body, GZIP_OR_ZLIB)
        if kind == "application/json" and body:  # HEAD has none
            self.validate(said["content"][kind]["schema"], body, f"{method} {path} {status}")

    def validate(self, schema: dict[str, Any], body: bytes, what: str) -> None:
        key = json.dumps(schema)
        if key not in self.validators:
            whole = {**closed(schema), "components": self.schemas}
            self.validators[key] = jsonschema_rs.Draft202012Validator(whole)
        problem = next(self.validators[key].iter_errors(json.loads(body)), None)
        assert problem is None, f"{what}: {problem}"


def closed(schema: Any) -> Any:
    """The schema, with no fields but those that are named; where it speaks of others itself, as it is."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(each) for key, each in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    return made


@cache
def read(text: bytes) -> Document:
    """The same text is read once: most tests have services with the same settings."""
    return Document(text)
