"""POST /v2/models/<model>/infer and POST /v2/models/<model>/versions/<version>/infer."""

import math
import re
from functools import partial

from service.batch import Pending, Ran
from service.body import understood
from service.config import Config
from service.exchange import Answer, Exchange
from service.fast.quick import QUICK_SECONDS, SMALL_BODY
from service.v2.infer import Asked, Inference
from service.v2.question import HEADER_LENGTH

RULE, VERSION_RULE = "/v2/models/<name>/infer", "/v2/models/<name>/versions/<version>/infer"
PATH = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?/infer")


class Infer:
    """Answers them as routes/infer.py does."""

    def __init__(self, config: Config, inference: Inference) -> None:
        self.config, self.inference = config, inference

    def rule(self, path: str) -> str | None:
        found = PATH.fullmatch(path) if path.endswith("/infer") else None
        return None if found is None else RULE if found[2] is None else VERSION_RULE

    def begin(self, asked: Exchange) -> Pending | None:
        if len(asked.body) > SMALL_BODY or "content-encoding" in asked.headers:
            return None
        name, version = titles(asked.path)
        model = self.inference.models.served.get(name)
        if model is None or version not in (None, str(model.version.number)):
            return None
        question = self.understand(asked, name, version)
        if seconds(question) >= QUICK_SECONDS:
            return None
        X, failed = self.inference.prepare(question), partial(self.inference.failed, question.target, question.began)
        return Pending(model, X, partial(self.tell, asked, question), failed)

    def full(self, asked: Exchange) -> Answer:
        question = self.understand(asked, *titles(asked.path))
        return self.tell(asked, question, self.inference.run(question))

    def understand(self, asked: Exchange, name: str, version: str | None) -> Asked:
        target = self.inference.find(name, version)
        body = understood(asked.body, asked.headers.get("content-encoding"), self.config.max_body)
        return self.inference.understand(target, body, asked.headers.get(HEADER_LENGTH.lower()))

    def tell(self, asked: Exchange, question: Asked, ran: Ran) -> Answer:
        return 200, *self.inference.answer(question, ran, asked.headers.get("accept-encoding"))


def titles(path: str) -> tuple[str, str | None]:
    """The name of the model in a path that matched, and its version if one is asked for."""
    found = PATH.fullmatch(path)
    assert found is not None
    return found[1], found[2]


def seconds(asked: Asked) -> float:
    """What the answer takes, by the number of rows; that of pictures can be anything."""
    given = asked.question.given
    pictures = isinstance(given, list) or asked.target.preprocesses
    return math.inf if pictures else len(given) * asked.target.model.seconds
