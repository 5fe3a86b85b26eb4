"""FastAPI as one who tunes it would write it: no models of pydantic, orjson both ways, everything on the event loop.

uvicorn --workers 2 --loop uvloop --http httptools --no-access-log on_fastapi:app
"""

from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from network import network

app = FastAPI()
served = network()


def reply(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


@app.get("/ready")
async def ready() -> None:
    """uvicorn listens after this module was imported, and so the network loaded."""


@app.post("/predict")
async def predict(request: Request) -> Response:
    if request.headers["content-type"].startswith("multipart/"):
        async with request.form() as form:
            pictures = [await upload.read() for upload in form.getlist("image")]
    else:
        pictures = [await request.body()]
    return reply(served.predictions(served.pixels(pictures)))


@app.post("/infer")
async def infer(request: Request) -> Response:
    return reply(served.infer(orjson.loads(await request.body())["inputs"][0]))
