"""The headers that every answer carries, and those for pages of other origins that may ask (CORS)."""

from typing import Any

Headers = list[tuple[str, str]]
# Answers are data: nothing may be run, framed or guessed from them. A page brings a policy of its own.
POLICY = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
ALWAYS = [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Server", "numserve")]
PREFLIGHT = [
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding, X-Request-ID, traceparent"),
    ("Access-Control-Max-Age", "600"),
]
EXPOSED = ("Access-Control-Expose-Headers", "X-Request-ID, Retry-After, ETag")


def complete(headers: Headers) -> Headers:
    """The headers of an answer and those that every answer has."""
    if any(name.lower() == "content-security-policy" for name, _ in headers):
        return headers + ALWAYS
    return [*headers, *ALWAYS, POLICY]


class CORS:
    """Which origins may read answers: those that were named, and none by default."""

    def __init__(self, origins: str) -> None:
        self.origins = frozenset(origins.split(",")) - {""}

    def headers(self, origin: str | None) -> Headers:
        """What an answer to a page of `origin` says; nothing when that may not ask."""
        if origin is None or not self.origins & {origin, "*"}:
            return []
        if "*" in self.origins:
            return [("Access-Control-Allow-Origin", "*"), EXPOSED]
        return [("Access-Control-Allow-Origin", origin), ("Vary", "Origin"), EXPOSED]

    def preflight(self, method: str, headers: Any) -> Headers | None:
        """What a browser is told that asks whether it may ask; None when this is no such question."""
        if not self.origins or method != "OPTIONS" or "access-control-request-method" not in headers:
            return None
        allowed = self.headers(headers.get("origin"))
        return allowed + PREFLIGHT if allowed else []
