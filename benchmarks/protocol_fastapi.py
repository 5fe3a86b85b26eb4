"""The contestant of benchmarks/protocol.py: the same answers by FastAPI, as one who tunes it would write them.

No model of pydantic, which would look at each number; orjson both ways; onnxruntime with one thread, as in the service,
called where the request is, since a thread would cost more than these networks take. uvicorn runs it with uvloop and
httptools, one process a core. Nothing is checked, counted or refused.
"""

import os
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
import orjson
from fastapi import FastAPI, Request, Response

DTYPES = {"UINT8": np.uint8, "FP32": np.float32}
STORE = Path(os.environ["NUMSERVE_STORE"])

app = FastAPI()


def load(model: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model / "model.onnx", options, providers=["CPUExecutionProvider"])


SESSIONS = {folder.name: load(max(folder.glob("[0-9]*"))) for folder in STORE.iterdir() if folder.is_dir()}


@app.get("/readyz")
async def ready() -> None:
    pass


@app.post("/v2/models/{name}/infer")
async def infer(name: str, request: Request) -> Response:
    tensor = orjson.loads(await request.body())["inputs"][0]
    X = np.array(tensor["data"], DTYPES[tensor["datatype"]]).reshape(tensor["shape"])
    P = SESSIONS[name].run(None, {tensor["name"]: X})[0]
    output = {"name": "probabilities", "datatype": "FP32", "shape": P.shape, "data": P.ravel()}
    document = {"model_name": name, "model_version": "1", "outputs": [output]}
    return Response(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
