"""Who may ask: everybody, or, where there is a file of API keys, who sends one of them. Health is open to all."""

from flask import Request

from service.errors import Unauthorized
from service.keys import Keys

OPEN = frozenset({"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"})


def check(keys: Keys | None, request: Request) -> None:
    """Raises Unauthorized unless nobody needs a key, for this route or at all, or the request has one."""
    if keys is None or request.path in OPEN:
        return
    sent = [key for key in (request.headers.get("X-API-Key"), bearer(request.headers.get("Authorization", ""))) if key]
    if not sent:
        raise Unauthorized("expected an API key, as Authorization: Bearer KEY or X-API-Key: KEY; got none")
    if not any(keys.accept(key) for key in sent):
        raise Unauthorized("the API key is not one of those that are accepted here")


def bearer(authorization: str) -> str:
    """The key in `Authorization: Bearer KEY`; nothing for another scheme."""
    scheme, _, key = authorization.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
