"""Who may ask: everybody, or, where there is a file of API keys, who sends one of them.

Health and docs are for all, and so is the page: a browser has no key to send with it, but its scripts will ask for one.
"""

from typing import Any

from flask import Flask, current_app, request

from service.errors import Unauthorized
from service.keys import Keys

# What balancers ask.
HEALTH = frozenset({"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"})
# What says how to ask, and the page to do it on, hold nothing of the models.
OPEN = HEALTH | {"/openapi.json", "/docs", "/", "/favicon.ico"}
OPEN_BELOW = ("/docs/", "/static/")
# What an answer says beside a refusal for want of a key.
CHALLENGE = ("WWW-Authenticate", 'Bearer realm="numserve"')


def check(keys: Keys | None, path: str, headers: Any) -> None:
    """Raises Unauthorized unless nobody needs a key, for this path or at all, or the headers have one."""
    if keys is None or is_open(path):
        return
    sent = [key for key in (headers.get("x-api-key"), bearer(headers.get("authorization", ""))) if key]
    if not sent:
        raise Unauthorized("expected an API key, as Authorization: Bearer KEY or X-API-Key: KEY; got none")
    if not any(keys.accept(key) for key in sent):
        raise Unauthorized("the API key is not one of those that are accepted here")


def is_open(path: str) -> bool:
    return path in OPEN or path.startswith(OPEN_BELOW)


def bearer(authorization: str) -> str:
    """The key in `Authorization: Bearer KEY`; nothing for another scheme."""
    scheme, _, key = authorization.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def guard(app: Flask, keys: Keys | None) -> None:
    """Have the application ask for a key before every request; who answers in its place finds the keys there too."""
    app.extensions["numserve.keys"] = keys
    if keys is not None:
        app.before_request(ask)


def ask() -> None:
    check(current_app.extensions["numserve.keys"], request.path, request.headers)
