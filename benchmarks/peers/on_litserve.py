"""LitServe with two inference workers and two servers of HTTP, over its fast queue.

What came is read by a dependency of FastAPI, which LitServe lets the type of the request be: the bytes of pictures, raw
or from a form, and the tensor of JSON. They alone cross the queue, and a finished response comes back.

    python on_litserve.py PORT
"""

import sys
from typing import Annotated, Any

import litserve
import numpy as np
import orjson
from fastapi import Depends, Request, Response
from network import network


async def sent(request: Request) -> list[bytes] | dict[str, Any]:
    """Encoded pictures, or a tensor."""
    declared = request.headers["content-type"]
    if declared.startswith("multipart/"):
        async with request.form() as form:
            return [await upload.read() for upload in form.getlist("image")]
    body = await request.body()
    if declared.startswith("image/"):
        return [body]
    tensor: dict[str, Any] = orjson.loads(body)["inputs"][0]
    return tensor


class Served(litserve.LitAPI):
    """One request at a time: batches across requests would only add a wait where a picture takes this little."""

    def setup(self, device: str) -> None:
        self.network = network()

    def decode_request(self, request: Annotated[Any, Depends(sent)]) -> Any:
        return self.network.pixels(request) if isinstance(request, list) else request

    def predict(self, x: Any) -> dict[str, Any]:
        return self.network.predictions(x) if isinstance(x, np.ndarray) else self.network.infer(x)

    def encode_response(self, output: dict[str, Any]) -> Response:
        return Response(orjson.dumps(output, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


if __name__ == "__main__":
    server = litserve.LitServer(
        Served(api_path="/ask"), accelerator="cpu", workers_per_device=2, fast_queue=True, healthcheck_path="/ready"
    )
    quiet = {"log_level": "error", "access_log": False, "generate_client_file": False}
    server.run(host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=2, loop="uvloop", http="httptools", **quiet)
