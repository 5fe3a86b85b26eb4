"""What pages of other origins are told that ask whether they may ask (CORS)."""

from collections.abc import Mapping

Headers = list[tuple[str, str]]
PREFLIGHT = [
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding, X-Request-ID, traceparent"),
    ("Access-Control-Max-Age", "600"),
]
EXPOSED = ("Access-Control-Expose-Headers", "X-Request-ID, Retry-After, ETag")


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

    def preflight(self, method: str, headers: Mapping[str, str]) -> Headers | None:
        """What a browser is told that asks whether it may ask; None when this is no such question."""
        if not self.origins or method != "OPTIONS" or "access-control-request-method" not in headers:
            return None
        allowed = self.headers(headers.get("origin"))
        return allowed + PREFLIGHT if allowed else []
