"""BentoML with two workers, its methods on the event loop, without its access log, metrics and traces.

bentoml serve on_bentoml:Served
"""

from typing import Any

import bentoml
import orjson
from network import network
from PIL.Image import Image
from starlette.responses import Response


def reply(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


@bentoml.service(workers=2, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class Served:
    def __init__(self) -> None:
        self.network = network()

    @bentoml.api(route="/raw")
    async def raw(self, image: Image, /) -> dict[str, Any]:
        return reply(self.network.predictions(self.network.seen([image])))

    @bentoml.api(route="/form")
    async def form(self, image: list[Image]) -> dict[str, Any]:
        return reply(self.network.predictions(self.network.seen(image)))

    @bentoml.api(route="/infer")
    async def infer(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        return reply(self.network.infer(inputs[0]))
