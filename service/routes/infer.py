"""POST /v2/models/<model>/infer: a tensor in, a tensor out, as JSON or as bytes."""

from flask import Blueprint, Response, request

from service.body import read_body
from service.v2.infer import Inference
from service.v2.question import HEADER_LENGTH


def routes(inference: Inference) -> Blueprint:
    """The route. Behind the front most requests never come to it (service/fast)."""
    blueprint = Blueprint("infer", __name__, url_prefix="/v2/models/<name>")

    @blueprint.post("/infer")
    @blueprint.post("/versions/<version>/infer")
    def infer(name: str, version: str | None = None) -> Response:
        target = inference.find(name, version)
        body = read_body(request, inference.config.max_body)
        asked = inference.understand(target, body, request.headers.get(HEADER_LENGTH))
        headers, answer = inference.answer(asked, inference.run(asked), request.headers.get("Accept-Encoding"))
        return Response(answer, headers=headers)

    return blueprint
