"""An infer request from its body to its answer: what a graph makes of a tensor, with what each step took counted."""

from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

from numpy.typing import NDArray

from service.batch import Ran
from service.config import Config
from service.models import Models
from service.v2.answer import encode
from service.v2.compression import compress
from service.v2.graphs import Target, find
from service.v2.inference import prepare, run
from service.v2.question import HEADER_LENGTH, Question, parse
from service.v2.statistics import Statistics

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Asked:
    """An infer request that was understood. began: when reading it began, in ns."""

    target: Target
    question: Question
    began: int


class Inference:
    """Understands infer requests and answers them; both raise RequestErrors, and requests that fail are counted."""

    def __init__(self, config: Config, models: Models, statistics: Statistics) -> None:
        self.config, self.models, self.statistics = config, models, statistics

    def find(self, name: str, version: str | None) -> Target:
        return find(self.models, name, version)

    def understand(self, target: Target, body: bytes, header_length: str | None) -> Asked:
        """The body, inflated; header_length: what HEADER_LENGTH says."""
        began = perf_counter_ns()
        try:
            return Asked(target, parse(body, header_length, target.graph), began)
        except Exception:
            self.failed(target, began)
            raise

    def prepare(self, asked: Asked) -> NDArray[Any]:
        """What goes into the graph."""
        try:
            return prepare(asked.target, asked.question.given, self.config.max_images, self.config.max_pixels)
        except Exception:
            self.failed(asked.target, asked.began)
            raise

    def run(self, asked: Asked) -> Ran:
        """What the graph gives."""
        X = self.prepare(asked)
        try:
            return run(asked.target, X)
        except Exception:
            self.failed(asked.target, asked.began)
            raise

    def answer(self, asked: Asked, ran: Ran, accepted: str | None) -> tuple[Headers, bytes]:
        """Headers and body of the answer; accepted: the client's Accept-Encoding."""
        target, question = asked.target, asked.question
        try:
            answer = respond(*encode(target, question, ran.Y), accepted)
        except Exception:
            self.failed(target, asked.began)
            raise
        ran.note()
        start, end = int(ran.start * 1e9), int(ran.end * 1e9)
        took = (start - asked.began, end - start, perf_counter_ns() - end)
        self.statistics.succeeded(target.name, target.version, len(ran.Y), took)
        return answer

    def failed(self, target: Target, began: int) -> None:
        """Count a request that was refused or failed; began: when reading it began, in ns."""
        self.statistics.failed(target.name, target.version, perf_counter_ns() - began)


def respond(body: bytes, json_length: int | None, accepted: str | None) -> tuple[Headers, bytes]:
    """JSON, or JSON with bytes after it, compressed where the client takes that, and the headers that say so."""
    packed, method = compress(body, accepted)
    content_type = "application/json" if json_length is None else "application/octet-stream"
    headers = [("Content-Type", content_type), ("Content-Length", str(len(packed)))]
    if json_length is not None:
        headers.append((HEADER_LENGTH, str(json_length)))
    if method is not None:
        headers += [("Content-Encoding", method), ("Vary", "Accept-Encoding")]
    return headers, packed
