"""An infer request from its body to its answer: what a graph makes of a tensor, with what each step took counted."""

from dataclasses import dataclass
from time import perf_counter_ns

from service.config import Config
from service.models import Models
from service.notes import notes
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

    def answer(self, asked: Asked, accepted: str | None) -> tuple[Headers, bytes]:
        """Headers and body of the answer; accepted: the client's Accept-Encoding."""
        target, question = asked.target, asked.question
        try:
            X = prepare(target, question.given, self.config.max_images, self.config.max_pixels)
            read = perf_counter_ns()
            Y = run(target, X)
            ran = perf_counter_ns()
            answer = respond(*encode(target, question, Y), accepted)
        except Exception:
            self.failed(target, asked.began)
            raise
        notes.batches.append(len(Y))
        notes.stages.append(("inference", read / 1e9, ran / 1e9))
        took = (read - asked.began, ran - read, perf_counter_ns() - ran)
        self.statistics.succeeded(target.name, target.version, len(Y), took)
        return answer

    def failed(self, target: Target, began: int) -> None:
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
