"""Which requests go the short way, and what all of them have in common: the key, the notes, the errors."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from flask import Flask

from service.access import CHALLENGE, ask, check
from service.batch import Pending
from service.config import Config
from service.errors import RequestError, Unauthorized
from service.exchange import Answer, Exchange
from service.fast.infer import Infer
from service.fast.predict import Predict
from service.keys import Keys
from service.notes import notes
from service.routes.reply import JSON, failure

Made = TypeVar("Made")
# The hooks before a request whose work is done here too.
OWN_HOOKS: tuple[dict[None, Any], ...] = ({}, {None: [ask]})


class Route(Protocol):
    """A route that can be answered here. Both ways raise RequestErrors."""

    def rule(self, path: str) -> str | None:
        """Flask's rule for this path; None when it is another route's."""

    def begin(self, asked: Exchange) -> Pending | None:
        """All but the run of a network, for a request that takes next to no time; None when it may take longer."""

    def full(self, asked: Exchange) -> Answer:
        """The answer, however long it takes."""


class Fast:
    """Answers what goes the short way; `takes` says which requests do."""

    def __init__(self, app: Flask, config: Config) -> None:
        self.app = app
        self.keys: Keys | None = app.extensions["numserve.keys"]
        self.routes: tuple[Route, ...] = (
            Predict(config, app.extensions["numserve"]),
            Infer(config, app.extensions["numserve.inference"]),
        )

    def takes(self, asked: Exchange) -> tuple[Route, str] | None:
        """The route of a request and its rule; None when it is Flask's."""
        if asked.method != "POST" or self.app.before_request_funcs not in OWN_HOOKS:
            return None
        rules = ((route, route.rule(asked.path)) for route in self.routes)
        return next(((route, rule) for route, rule in rules if rule is not None), None)

    def asks(self, make: Callable[[Exchange], Made], rule: str, asked: Exchange) -> Made | Answer:
        """What `make`, a route's begin or full, says to a request that may ask; or what is wrong with it."""
        notes.route = rule
        return self.told(partial(self.checked, make), asked)

    def checked(self, make: Callable[[Exchange], Made], asked: Exchange) -> Made:
        check(self.keys, asked.path, asked.headers)
        return make(asked)

    def told(self, make: Callable[[Exchange], Made], asked: Exchange) -> Made | Answer:
        """What `make` makes of a request, or the error that it ends in."""
        try:
            return make(asked)
        except RequestError as error:
            headers = [JSON, CHALLENGE] if isinstance(error, Unauthorized) else [JSON]
            return error.status, headers, failure(asked.path, error.code, str(error))
