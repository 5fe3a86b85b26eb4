"""What bad infer requests get: a status, and a message that says what was expected; a lie allocates nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.app import create_app
from service.config import Config

Picture = Callable[..., bytes]
HEADER = "Inference-Header-Content-Length"
GOOD = {"name": "pixels", "shape": [1, 1, 8, 8], "datatype": "UINT8", "data": [0] * 64}
ROW = {"name": "features", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}


def refused(answer: TestResponse, status: int = 400) -> str:
    """The message of an error in the protocol's shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json or {}) == ["error"]
    assert "Traceback" not in answer.text
    message = (answer.json or {})["error"]
    assert isinstance(message, str)
    assert len(message) < 400
    return message


def ask(client: FlaskClient, model: str = "cnn", body: Any = None, **headers: Any) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/v2/models/{model}/infer", data=data, headers=headers)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"shape": [2**60, 1, 8, 8]}, "expected 73786976294838206464 elements"),
        ({"shape": [2**63, 2**63, 8, 8]}, "[-1,1,8,8], got shape"),
        ({"shape": [2**70, 1, 8, 8]}, "got shape [1.1805916207174113e+21"),
        ({"shape": [-1, 1, 8, 8]}, "'pixels' UINT8 [-1,1,8,8], got shape [-1, 1, 8, 8]"),
        ({"shape": [1, 1, -8, -8]}, "got shape [1, 1, -8, -8]"),
        ({"shape": [0, 1, 8, 8], "data": []}, "got shape [0, 1, 8, 8]"),
        ({"shape": [1, 64]}, "got shape [1, 64]"),
        ({"shape": [1, 1, 8, 9]}, "got shape [1, 1, 8, 9]"),
        ({"shape": [1.0, 1, 8, 8]}, "got shape [1.0, 1, 8, 8]"),
        ({"shape": [True, 1, 8, 8]}, "got shape [True"),
        ({"shape": []}, "got shape []"),
        ({"shape": None}, "got shape None"),
        ({"shape": "1"}, "got shape '1'"),
        ({"shape": [[[1]]]}, "got shape [[[1]]]"),
        ({"shape": [1] * 100_00}, "got shape [1, 1, 1"),
        ({"name": "image"}, "expected the input 'pixels' UINT8 [-1,1,8,8], or encoded pictures as 'image' BYTES [-1]"),
        ({"name": None}, "got None of datatype 'UINT8'"),
        ({"datatype": "FP32"}, "got 'pixels' of datatype 'FP32'"),
        ({"datatype": "uint8"}, "of datatype 'uint8'"),
        ({"datatype": 7}, "of datatype 7"),
        ({"data": [0] * 63}, "expected 64 elements of the shape [1, 1, 8, 8], got 63"),
        ({"data": [0] * 65}, "got 65"),
        ({"data": []}, "got 0"),
        ({"data": None}, "expected 'data' to be a list"),
        ({"data": "AAAA"}, "expected 'data' to be a list"),
        ({"data": {"0": 1}}, "expected 'data' to be a list"),
        ({"data": [[[[0] * 8] * 8], 1]}, "flat or nested as the shape"),
        ({"data": [[[[0] * 8] * 7 + [[0] * 7]]]}, "flat or nested as the shape"),
        ({"data": [[0] * 64]}, "flat or nested as the shape"),
        ({"data": [0] * 63 + [256]}, "whole numbers from 0 to 255, got 256"),
        ({"data": [0] * 63 + [-1]}, "got -1"),
        ({"data": [0] * 63 + [0.5]}, "got 0.5"),
        ({"data": [0] * 63 + [1.0]}, "got 1.0"),
        ({"data": [0] * 63 + [True]}, "got True"),
        ({"data": [0] * 63 + [None]}, "got None"),
        ({"data": [0] * 63 + ["7"]}, "got '7'"),
        ({"data": [0] * 63 + [[7]]}, "got [7]"),
        ({"data": [0] * 63 + [2**63]}, "got 9223372036854775808"),
        ({"parameters": 7}, "expected parameters to be an object, got 7"),
        ({"parameters": {"binary_data_size": 64}}, "got binary_data_size 64 and 0 bytes after the JSON"),
        ({"parameters": {"binary_data_size": "64"}}, "got binary_data_size '64'"),
        ({"parameters": {"binary_data_size": 0}}, "got binary_data_size 0 and 0 bytes"),
        ({"parameters": {"binary_data_size": -1}}, "got binary_data_size -1"),
    ],
)  # fmt: skip
def test_inputs(client: FlaskClient, changes: dict[str, Any], complaint: str) -> None:
    assert complaint in refused(ask(client, body={"inputs": [{**GOOD, **changes}]}))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("[1, 2, 3, null]", "finite numbers that fit FP32, got None"),
        ('[1, 2, 3, "4"]', "got '4'"),
        ("[1, 2, 3, true]", "got True"),
        ("[1, 2, 3, 1e39]", "got NaN, infinity or a number beyond them"),
        ("[1, 2, 3, NaN]", "NaN and Infinity are no JSON"),
        ("[1, 2, 3, -Infinity]", "NaN and Infinity are no JSON"),
        ("[1, 2, 3, 1e999]", "is not JSON"),
        ("[1, 2, 3, " + "9" * 5000 + "]", "is not JSON"),
    ],
)
def test_numbers_that_are_none(client: FlaskClient, data: str, complaint: str) -> None:
    body = b'{"inputs": [{"name": "features", "shape": [1, 4], "datatype": "FP32", "data": %s}]}' % data.encode()
    assert complaint in refused(ask(client, "linear", body))


def test_numbers_that_are_none_as_bytes(client: FlaskClient) -> None:
    for bad in (np.nan, np.inf, -np.inf):
        raw = np.array([1, 2, 3, bad], np.float32).tobytes()
        assert "got NaN" in refused(ask(client, "linear", raw, **{HEADER: "0"}))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "empty body"),
        (b"hello", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[]", "expected the body to be a JSON object, got []"),
        (b"null", "expected the body to be a JSON object, got None"),
        (b"[" * 90_000, "the body is not JSON"),
        (b"[" * 1000 + b"]" * 1000, "JSON object, got lists nested too deeply"),
        (b'{"inputs": ' + b"[" * 1000 + b"]" * 1000 + b"}", "a list of one: 'pixels' UINT8 [-1,1,8,8]"),
        (b'{"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": ' + b"[" * 900 + b"]" * 900 + b"}]}", "got"),
        (b"{}", "expected 'inputs' to be a list of one: 'pixels' UINT8 [-1,1,8,8], or encoded pictures"),
        (b'{"inputs": []}', "got 0 inputs"),
        (b'{"inputs": [{}, {}]}', "got 2 inputs"),
        (b'{"inputs": ["x"]}', "got ['x']"),
        (b'{"inputs": {"name": "pixels"}}', "a list of one"),
        (b'{"inputs": [{}]}', "got None of datatype None"),
    ],
)  # fmt: skip
def test_bodies(client: FlaskClient, body: bytes, complaint: str) -> None:
    assert complaint in refused(ask(client, body=body))


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"id": 42}, "expected id to be a string, got 42"),
        ({"parameters": None, "outputs": None}, None),
        ({"parameters": []}, "expected parameters to be an object, got []"),
        ({"parameters": "x"}, "expected parameters to be an object"),
        ({"parameters": {"binary_data_output": 1}}, "expected binary_data_output to be true or false, got 1"),
        ({"outputs": ""}, "a list that names 'probabilities' once"),
        ({"outputs": "probabilities"}, "a list that names 'probabilities' once"),
        ({"outputs": ["probabilities"]}, "a list that names 'probabilities' once"),
        ({"outputs": [{"name": "logits"}]}, "got [{'name': 'logits'}]"),
        ({"outputs": {"name": "probabilities"}}, "a list that names 'probabilities' once"),
        ({"outputs": [{"name": "probabilities"}] * 2}, "a list that names 'probabilities' once"),
        ({"outputs": [{"name": "probabilities", "parameters": {"binary_data": "yes"}}]}, "binary_data to be true or"),
        ({"outputs": [{"name": "probabilities", "parameters": {"classification": 0}}]}, "at least 1, got 0"),
        ({"outputs": [{"name": "probabilities", "parameters": {"classification": -1}}]}, "at least 1, got -1"),
        ({"outputs": [{"name": "probabilities", "parameters": {"classification": 1.5}}]}, "at least 1, got 1.5"),
        ({"outputs": [{"name": "probabilities", "parameters": {"classification": True}}]}, "at least 1, got True"),
    ],
)
def test_wishes(client: FlaskClient, more: dict[str, Any], complaint: str | None) -> None:
    answer = ask(client, body={"inputs": [GOOD], **more})
    if complaint is None:
        assert answer.status_code == 200
    else:
        assert complaint in refused(answer)


def test_pixels_have_no_labels(client: FlaskClient, picture: Picture) -> None:
    tensor = {"name": "image", "shape": [1, 1, 3], "datatype": "UINT8", "data": [0, 0, 0]}
    wanted = {"name": "pixels", "parameters": {"classification": 1}}
    message = refused(ask(client, "cnn.preprocess", {"inputs": [tensor], "outputs": [wanted]}))
    assert message == "expected no classification: 'pixels' has no labels"


def with_bytes(size: Any, sent: bytes, **changes: Any) -> tuple[bytes, int]:
    tensor = {name: value for name, value in GOOD.items() if name != "data"}
    text = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": size}, **changes}]}).encode()
    return text + sent, len(text)


@pytest.mark.parametrize(
    ("size", "sent", "complaint"),
    [
        (64, 63, "got binary_data_size 64 and 63 bytes"),
        (64, 65, "got binary_data_size 64 and 65 bytes"),
        (63, 63, "expected 64 bytes of the shape [1, 1, 8, 8], got 63"),
        (128, 128, "expected 64 bytes of the shape [1, 1, 8, 8], got 128"),
        (None, 64, "got binary_data_size None and 64 bytes"),
    ],
)
def test_wrong_byte_counts(client: FlaskClient, size: int | None, sent: int, complaint: str) -> None:
    body, length = with_bytes(size, bytes(sent))
    assert complaint in refused(ask(client, body=body, **{HEADER: str(length)}))


def test_data_twice(client: FlaskClient) -> None:
    body, length = with_bytes(64, bytes(64), data=[0] * 64)
    assert "expected 'data', or 'binary_data_size'" in refused(ask(client, body=body, **{HEADER: str(length)}))


@pytest.mark.parametrize("length", ["-1", "x", "", "1e2", "999999", "9" * 400, "٣", "1.0"])
def test_bad_header_lengths(client: FlaskClient, length: str) -> None:
    body, _ = with_bytes(64, bytes(64))
    environ = {"HTTP_INFERENCE_HEADER_CONTENT_LENGTH": length.encode().decode("latin-1")}
    answer = client.post("/v2/models/cnn/infer", data=body, environ_base=environ)
    assert f"expected {HEADER} to be the number of bytes of the JSON" in refused(answer)


def test_header_length_that_cuts_the_json(client: FlaskClient) -> None:
    body, length = with_bytes(64, bytes(64))
    assert "not JSON" in refused(ask(client, body=body, **{HEADER: str(length - 1)}))
    assert "not JSON" in refused(ask(client, body=body))


@pytest.mark.parametrize(("model", "size"), [("cnn", 63), ("cnn", 65), ("linear", 15), ("linear", 17)])
def test_raw_tensor_of_a_wrong_length(client: FlaskClient, model: str, size: int) -> None:
    row = {"cnn": 64, "linear": 16}[model]
    assert f"{row} bytes or a multiple of them, got {size}" in refused(ask(client, model, bytes(size), **{HEADER: "0"}))


def test_too_many_rows(client: FlaskClient) -> None:
    assert "more than the 4 that are allowed" in refused(ask(client, body=bytes(5 * 64), **{HEADER: "0"}), 413)
    tensor = {**GOOD, "shape": [5, 1, 8, 8], "data": [0] * 5 * 64}
    refused(ask(client, body={"inputs": [tensor]}), 413)
    pictures = {"name": "image", "shape": [5], "datatype": "BYTES", "data": [""] * 5}
    refused(ask(client, body={"inputs": [pictures]}), 413)


def test_body_over_the_limit(client: FlaskClient) -> None:
    assert "100000" in refused(ask(client, body=bytes(100_001), **{HEADER: "0"}), 413)


def test_image_of_too_many_pixels(store: Path, picture: Picture) -> None:
    client = create_app(Config(store=store, max_pixels=100)).test_client()
    tensor = {"name": "image", "shape": [10, 11, 3], "datatype": "UINT8", "data": [0] * 330}
    assert "11x10 pixels" in refused(ask(client, "cnn.preprocess", {"inputs": [tensor]}), 413)
    assert "28x28 pixels" in refused(ask(client, "cnn.preprocess", picture(), **{HEADER: "0"}), 413)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (["hello"], "picture 0: expected base64 or a data url"),
        (["aGVsbG8="], "picture 0: expected a PNG, JPEG"),
        ([""], "picture 0: expected a picture, got no bytes"),
        ([7], "picture 0: expected base64 or a data URL, got int"),
        ([None], "picture 0: expected base64"),
        ([], "expected 1 elements of the shape [1], got 0"),
    ],
)
def test_pictures_that_are_none(client: FlaskClient, data: Any, complaint: str) -> None:
    tensor = {"name": "image", "shape": [1], "datatype": "BYTES", "data": data}
    assert complaint in refused(ask(client, body={"inputs": [tensor]}))


@pytest.mark.parametrize(
    "data", [b"\0\0\0", b"\5\0\0\0abcd", b"\xff\xff\xff\xff", b"\1\0\0\0a\1\0\0\0b", b"\1\0\0\0ab"]
)
def test_elements_of_bytes_that_do_not_fit(client: FlaskClient, data: bytes) -> None:
    body, length = with_bytes(len(data), data, name="image", shape=[1], datatype="BYTES")
    assert "the length of each before it as four bytes" in refused(ask(client, body=body, **{HEADER: str(length)}))


def test_pictures_for_a_model_of_numbers(client: FlaskClient) -> None:
    tensor = {"name": "features", "shape": [1], "datatype": "BYTES", "data": [""]}
    message = refused(ask(client, "linear", {"inputs": [tensor]}))
    assert message == "expected the input 'features' FP32 [-1,4]; got 'features' of datatype 'BYTES'"


@pytest.mark.parametrize(
    ("path", "status", "complaint"),
    [
        ("nope", 404, "no model 'nope' in the store (models: cnn, linear)"),
        ("cnn/versions/7", 404, "versions: 1"),
        ("cnn/versions/x", 400, "expected a version to be a whole number of at least 1, got 'x'"),
        ("cnn/versions/0", 400, "whole number"),
        ("cnn/versions/-1", 400, "whole number"),
        ("cnn/versions/99999999999", 400, "whole number"),
    ],
)
def test_models_and_versions_that_are_not_there(client: FlaskClient, path: str, status: int, complaint: str) -> None:
    assert complaint in refused(client.post(f"/v2/models/{path}/infer", json={"inputs": [GOOD]}), status)


@pytest.mark.parametrize(
    "path", ["/v2/models/a/b/infer", "/v2/infer", "/v2/models//infer", "/v2/models/cnn/infer/infer"]
)
def test_paths_that_do_not_exist(client: FlaskClient, path: str) -> None:
    refused(client.post(path, json={"inputs": [GOOD]}), 404)


@pytest.mark.parametrize("path", ["/v2/models/cnn/infer", "/v2/models/cnn/versions/1/infer"])
def test_wrong_method(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    refused(answer, 405)
    assert "POST" in answer.headers["Allow"]


def test_a_defect_is_logged_and_tells_the_client_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app.extensions["numserve"].get("cnn"), "probabilities", lambda X: 1 / 0)
    assert refused(ask(app.test_client(), body={"inputs": [GOOD]}), 500) == "the service failed on this request"
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert ask(app.test_client(), body={"inputs": [GOOD]}).status_code == 200
