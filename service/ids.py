"""How a request is recognised: X-Request-ID, and the `traceparent` of W3C Trace Context.

Both are taken over from the client where they are well formed, and from nowhere else do they get into logs.
"""

import os
import re
from itertools import count

GIVEN = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
numbers = count(1)
# A worker's own beginning, drawn when it first needs one and so after the fork.
beginnings: dict[int, str] = {}


def request_id(given: str | None) -> str:
    """The id that the client gave, or a new one: unlike any other of this service, not secret."""
    if given is not None and GIVEN.fullmatch(given):
        return given
    process = os.getpid()
    beginning = beginnings.get(process)
    if beginning is None:
        beginning = beginnings[process] = os.urandom(8).hex()
    return f"{beginning}-{next(numbers):x}"


def trace_id(traceparent: str | None) -> str | None:
    """The id of the trace that `traceparent` names; None when it is not well formed."""
    found = TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return found.group(1) if found else None
