"""What OpenAPI cannot say: which body fits which model. Good requests are made to fit the model that they ask.

A body that breaks the document is sent as it was made.
"""

import base64
from io import BytesIO
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis.transport.serialization import Binary

LENGTH = "Inference-Header-Content-Length"
ROW = [0.5, -1, 2, 0]
FORMATS = ("image/png", "image/jpeg", "image/gif", "image/bmp", "image/webp", "image/tiff")


def png() -> bytes:
    file = BytesIO()
    Image.new("L", (9, 5), 200).save(file, "PNG")
    return file.getvalue()


PNG = png()
PIXELS = {"name": "pixels", "shape": [1, 1, 8, 8], "datatype": "UINT8", "data": [0] * 64}
PICTURE = {"name": "image", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(PNG).decode()]}
NUMBERS = {"name": "features", "shape": [1, 4], "datatype": "FP32", "data": ROW}
schemathesis.openapi.media_type(FORMATS[0], st.just(PNG), aliases=FORMATS[1:])  # whatever it is called, it is read
# By model: its input in JSON, and as the whole body; its output.
INFER: dict[str, tuple[dict[str, Any], bytes, str]] = {
    "cnn": (PIXELS, bytes(64), "probabilities"),
    "cnn.preprocess": (PICTURE, PNG, "pixels"),
    "linear": (NUMBERS, bytes(16), "probabilities"),
}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    path = case.operation.path
    if path.endswith("/infer"):
        one_kind_of_body(case)
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    name = case.path_parameters.get("name", "cnn")
    if path.endswith("/infer") and name in INFER:
        fit_infer(case, *INFER[name])
    elif path.startswith("/predict"):
        fit_predict(case, name)
    elif path.startswith("/explain"):
        fit_explain(case, name)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Bring back at once what was unloaded, so that all else is asked of models that answer."""
    sent = response.request
    if case.operation.path.endswith("/unload") and (sent.method, response.status_code) == ("POST", 200):
        requests.post(sent.url.replace("/unload", "/load"), headers={"X-API-Key": sent.headers["X-API-Key"]})


def one_kind_of_body(case: Any) -> None:
    """The header goes with bytes: OpenAPI has no way to tie it to one content of two."""
    if case.media_type == "application/json" and (case.headers or {}).get(LENGTH, "").isdigit():
        del case.headers[LENGTH]


def fit_infer(case: Any, given: dict[str, Any], raw: bytes, output: str) -> None:
    if case.media_type == "application/json":
        case.body = {**case.body, "inputs": [given]}
        for each in case.body.get("outputs") or []:
            each["name"] = output
            if output == "pixels":
                (each.get("parameters") or {}).pop("classification", None)
    else:
        case.headers[LENGTH] = "0"
        case.body = Binary(raw)


def fit_explain(case: Any, name: str) -> None:
    """One picture or row, and layers that there are: one of them where a picture of it is wanted."""
    fit_predict(case, name)
    if case.media_type == "application/json":
        case.body = {key: each[:1] for key, each in case.body.items()}
    elif case.media_type == "multipart/form-data" and isinstance(case.body["image"], list):
        case.body = {"image": case.body["image"][:1]}
    case.query = {**(case.query or {}), "layer": ["input"]}


def fit_predict(case: Any, name: str) -> None:
    if name == "linear":
        case.media_type, case.body = "application/json", {"inputs": [ROW]}
        case.headers["Content-Type"] = "application/json"
    elif case.media_type == "application/json":
        case.body = {"images": [PICTURE["data"][0]] * len(case.body.get("images") or case.body["inputs"])}
