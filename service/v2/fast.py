"""POST …/infer without the detours of a framework, as service/fast.py has it for POST /predict."""

import math
import re

from service.body import understood
from service.config import Config
from service.environ import Answer
from service.errors import RequestError
from service.exchange import Exchange
from service.fast import JSON, QUICK_SECONDS, SMALL_BODY
from service.notes import notes
from service.routes.reply import failure
from service.v2.infer import Asked, Inference
from service.v2.question import HEADER_LENGTH

RULE, VERSION_RULE = "/v2/models/<name>/infer", "/v2/models/<name>/versions/<version>/infer"
PATH = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?/infer")


class FastInfer:
    """Answers infer requests; `takes` says whether a request is one of them."""

    def __init__(self, config: Config, inference: Inference) -> None:
        self.config, self.inference = config, inference

    def takes(self, asked: Exchange) -> bool:
        path: str = asked.path
        return asked.method == "POST" and path.endswith("/infer") and PATH.fullmatch(path) is not None

    def brief(self, asked: Exchange, body: bytes) -> Answer | None:
        """The answer to a request that takes next to no time; None when it may take longer, or has to be loaded."""
        if len(body) > SMALL_BODY or "content-encoding" in asked.headers:
            return None
        name, version = self.titles(asked)
        model = self.inference.models.served.get(name)
        if model is None or version not in (None, str(model.version.number)):
            return None
        return self.answer(asked, body, QUICK_SECONDS)

    def full(self, asked: Exchange, body: bytes) -> Answer:
        answer = self.answer(asked, body, math.inf)
        assert answer is not None
        return answer

    def answer(self, asked: Exchange, body: bytes, seconds: float) -> Answer | None:
        """The answer, if it can be made within `seconds`."""
        name, version = self.titles(asked)
        notes.clear(RULE if version is None else VERSION_RULE)
        headers = asked.headers
        try:
            target = self.inference.find(name, version)
            body = understood(body, headers.get("content-encoding"), self.config.max_body)
            question = self.inference.understand(target, body, headers.get(HEADER_LENGTH))
            if estimate(question) > seconds:
                return None
            return 200, *self.inference.answer(question, headers.get("accept-encoding"))
        except RequestError as error:
            return error.status, [JSON], failure(asked.path, error.code, str(error))

    def titles(self, asked: Exchange) -> tuple[str, str | None]:
        """The name of the model, and its version if one is asked for."""
        path = PATH.fullmatch(asked.path)
        assert path is not None
        return path[1], path[2]


def estimate(asked: Asked) -> float:
    """The seconds that the answer takes, by rows; that of pictures can be anything."""
    given = asked.question.given
    pictures = isinstance(given, list) or asked.target.preprocesses
    return math.inf if pictures else len(given) * asked.target.model.seconds
