"""POST /v2/models/<model>/infer: numbers and pictures, as JSON and as bytes, and how the answer is wanted."""

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from numpy.typing import NDArray
from stores import publish_images
from werkzeug.test import TestResponse

from service.app import create_app
from service.config import Config

Picture = Callable[..., bytes]
LIGHT = np.full((1, 1, 8, 8), 255, np.uint8)
BOTH = np.concatenate([LIGHT, LIGHT * 0])
HEADER = "Inference-Header-Content-Length"


def ask(client: FlaskClient, tensor: dict[str, Any], model: str = "cnn", **more: Any) -> TestResponse:
    """An infer request with one input, in JSON; no Content-Type, as tritonclient."""
    return client.post(f"/v2/models/{model}/infer", data=json.dumps({"inputs": [tensor], **more}))


def pixels(X: NDArray[Any], **changes: Any) -> dict[str, Any]:
    return {"name": "pixels", "shape": list(X.shape), "datatype": "UINT8", "data": X.ravel().tolist(), **changes}


def described(X: NDArray[Any]) -> dict[str, Any]:
    """An input whose data comes after the JSON."""
    return {name: value for name, value in pixels(X).items() if name != "data"}


def binary(tensor: dict[str, Any], data: bytes, **more: Any) -> tuple[bytes, dict[str, str]]:
    """A body of JSON and bytes, and its header."""
    sized = {**tensor, "parameters": {"binary_data_size": len(data)}}
    text = json.dumps({"inputs": [sized], **more}).encode()
    return text + data, {HEADER: str(len(text))}


def output(answer: TestResponse) -> dict[str, Any]:
    """The only output; its bytes, where it has some, under "bytes"."""
    assert answer.status_code == 200, answer.text
    length = answer.headers.get(HEADER, type=int)
    (found,) = json.loads(answer.data[:length])["outputs"]
    if length is None:
        assert answer.headers["Content-Type"] == "application/json"
        return dict(found)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert found["parameters"] == {"binary_data_size": len(answer.data) - length}
    assert "data" not in found
    return {**found, "bytes": answer.data[length:]}


def texts(data: bytes) -> list[str]:
    """The elements of BYTES."""
    found = []
    while data:
        (size,) = struct.unpack("<I", data[:4])
        found.append(data[4 : 4 + size].decode())
        data = data[4 + size :]
    return found


def test_answer_in_json(client: FlaskClient) -> None:
    answer = ask(client, pixels(LIGHT), id="42", parameters={"priority": 1}, model_name="ignored")
    assert answer.json == {
        "model_name": "cnn",
        "model_version": "1",
        "id": "42",
        "outputs": [
            {
                "name": "probabilities",
                "datatype": "FP32",
                "shape": [1, 3],
                "data": [pytest.approx(4.54e-5, abs=1e-7), pytest.approx(0.9999546), pytest.approx(0, abs=1e-10)],
            }
        ],
    }
    assert answer.data.endswith(b"}\n")
    assert "id" not in (ask(client, pixels(LIGHT)).json or {})


def test_numbers_in_json_are_those_of_the_model(client: FlaskClient, app: Flask) -> None:
    expected = app.extensions["numserve"].get("cnn").probabilities(BOTH)
    found = output(ask(client, pixels(BOTH)))
    assert found["shape"] == [2, 3]
    assert np.array_equal(np.array(found["data"], np.float32).reshape(2, 3), expected)


def test_flat_and_nested_data(client: FlaskClient) -> None:
    flat = output(ask(client, pixels(BOTH)))
    assert output(ask(client, pixels(BOTH, data=BOTH.tolist()))) == flat
    rows = {"name": "features", "shape": [2, 4], "datatype": "FP32", "data": [[1, 2.5, 3, 4], [-1, -2, -3e0, 0]]}
    nested = output(ask(client, rows, "linear"))
    assert output(ask(client, {**rows, "data": [1, 2.5, 3, 4, -1, -2, -3, 0]}, "linear")) == nested
    assert [row[0] < row[1] for row in np.reshape(nested["data"], (2, 2))] == [True, False]


def test_bytes_in_and_bytes_out(client: FlaskClient) -> None:
    expected = np.array(output(ask(client, pixels(BOTH)))["data"], np.float32)
    body, header = binary(described(BOTH), BOTH.tobytes())
    found = output(client.post("/v2/models/cnn/infer", data=body, headers=header))
    assert np.array_equal(np.array(found["data"], np.float32), expected)
    both_ways = [
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}]},
    ]
    for more in both_ways:
        body, header = binary(described(BOTH), BOTH.tobytes(), **more)
        found = output(client.post("/v2/models/cnn/infer", data=body, headers=header))
        assert np.array_equal(np.frombuffer(found["bytes"], np.float32), expected)
        assert found["shape"] == [2, 3]


def test_output_s_own_wish_goes_before_the_request_s(client: FlaskClient) -> None:
    outputs = [{"name": "probabilities", "parameters": {"binary_data": False}}]
    assert "data" in output(ask(client, pixels(LIGHT), outputs=outputs, parameters={"binary_data_output": True}))
    assert "data" in output(ask(client, pixels(LIGHT), outputs=[]))


def test_floats_as_bytes_at_any_offset(client: FlaskClient) -> None:
    X = np.array([[1, 2, 3, 4]], np.float32)
    tensor = {"name": "features", "shape": [1, 4], "datatype": "FP32"}
    for identity in ("", "a", "ab", "abc"):
        body, header = binary(tensor, X.tobytes(), id=identity)
        assert output(client.post("/v2/models/linear/infer", data=body, headers=header))["data"][1] > 0.9


def test_one_raw_tensor(client: FlaskClient) -> None:
    expected = output(ask(client, pixels(BOTH), parameters={"binary_data_output": True}))
    found = output(client.post("/v2/models/cnn/infer", data=BOTH.tobytes(), headers={HEADER: "0"}))
    assert found == expected  # in bytes, as Triton answers it; the batch follows from the length
    rows = np.ones((3, 4), np.float32)
    assert output(client.post("/v2/models/linear/infer", data=rows.tobytes(), headers={HEADER: "0"}))["shape"] == [3, 2]


def test_version_in_the_path(store: Path) -> None:
    publish_images(store, version=2, labels=["night", "day", "never"])
    client = create_app(Config(store=store)).test_client()
    for path, version in (("", "2"), ("/versions/1", "1"), ("/versions/2", "2")):
        answer = client.post(f"/v2/models/cnn{path}/infer", json={"inputs": [pixels(LIGHT)]})
        assert (answer.json or {})["model_version"] == version


@pytest.mark.parametrize("count", [1, 2, 3, 99])
def test_classification(client: FlaskClient, count: int) -> None:
    wanted = {"name": "probabilities", "parameters": {"classification": count}}
    found = output(ask(client, pixels(BOTH), outputs=[wanted]))
    assert (found["datatype"], found["shape"]) == ("BYTES", [2, min(count, 3)])
    light = ["0.999955:1:light", "0.000045:0:dark", "0.000000:2:never"]
    assert found["data"][: len(found["data"]) // 2] == light[:count]
    assert found["data"][len(found["data"]) // 2] == "0.999955:0:dark"
    wanted["parameters"] = {"classification": count, "binary_data": True}
    assert texts(output(ask(client, pixels(BOTH), outputs=[wanted]))["bytes"]) == found["data"]


def test_encoded_pictures_in_place_of_pixels(client: FlaskClient, picture: Picture) -> None:
    encoded = [picture(colour="white"), picture("JPEG", colour="black", size=(90, 40))]
    elements = b"".join(struct.pack("<I", len(each)) + each for each in encoded)
    as_text = [base64.b64encode(encoded[0]).decode(), "data:image/jpeg;base64," + base64.b64encode(encoded[1]).decode()]
    for name, shape in (("image", [2]), ("pixels", [2])):
        tensor = {"name": name, "shape": shape, "datatype": "BYTES"}
        body, header = binary(tensor, elements)
        for answer in (
            client.post("/v2/models/cnn/infer", data=body, headers=header),
            ask(client, {**tensor, "data": as_text}),
        ):
            P = np.reshape(output(answer)["data"], (2, 3))
            assert P.argmax(axis=1).tolist() == [1, 0]


def test_preprocessing_is_a_model_of_its_own(client: FlaskClient, picture: Picture) -> None:
    white = np.full((30, 20, 3), 255, np.uint8)
    tensor = {"name": "image", "shape": [30, 20, 3], "datatype": "UINT8"}
    body, header = binary(tensor, white.tobytes())
    encoded = picture(colour="white", size=(20, 30))
    element = {"name": "image", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(encoded).decode()]}
    for answer in (
        ask(client, {**tensor, "data": white.tolist()}, "cnn.preprocess"),
        client.post("/v2/models/cnn.preprocess/infer", data=body, headers=header),
        ask(client, element, "cnn.preprocess"),
    ):
        found = output(answer)
        assert (found["name"], found["datatype"], found["shape"]) == ("pixels", "UINT8", [1, 1, 8, 8])
        assert min(found["data"]) > 250
    raw = output(client.post("/v2/models/cnn.preprocess/infer", data=encoded, headers={HEADER: "0"}))
    assert min(raw["bytes"]) > 250  # one encoded picture: numbers would not tell its height


def test_model_that_is_really_called_so_goes_first(store: Path) -> None:
    publish_images(store, "cnn.preprocess", 7)
    client = create_app(Config(store=store)).test_client()
    answer = ask(client, pixels(LIGHT), "cnn.preprocess")
    assert output(answer)["name"] == "probabilities"
    assert (answer.json or {})["model_version"] == "7"


@pytest.mark.parametrize("model", ["linear.preprocess", "nope.preprocess", "cnn.preprocess.preprocess"])
def test_preprocessing_that_does_not_exist(client: FlaskClient, model: str) -> None:
    answer = ask(client, pixels(LIGHT), model)
    assert answer.status_code == 404
    assert model in (answer.json or {})["error"]


def test_large_answers_are_compressed_as_the_client_asks(store: Path) -> None:
    client = create_app(Config(store=store)).test_client()
    X = np.zeros((200, 1, 8, 8), np.uint8)
    plain = ask(client, pixels(X))
    unpack: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress}
    for accepted, method in {"gzip": "gzip", "deflate": "deflate", "br, gzip;q=0.5": "gzip", "*": "gzip"}.items():
        answer = client.post(
            "/v2/models/cnn/infer", json={"inputs": [pixels(X)]}, headers={"Accept-Encoding": accepted}
        )
        assert answer.headers["Content-Encoding"] == method
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert int(answer.headers["Content-Length"]) == len(answer.data) < len(plain.data) / 3
        assert unpack[method](answer.data) == plain.data
    for accepted in ("identity", "gzip;q=0", "br"):
        answer = client.post(
            "/v2/models/cnn/infer", json={"inputs": [pixels(X)]}, headers={"Accept-Encoding": accepted}
        )
        assert "Content-Encoding" not in answer.headers


def test_header_counts_the_json_before_compression(store: Path) -> None:
    client = create_app(Config(store=store)).test_client()
    X = np.zeros((200, 1, 8, 8), np.uint8)
    body, header = binary(described(X), X.tobytes(), parameters={"binary_data_output": True})
    answer = client.post("/v2/models/cnn/infer", data=body, headers={**header, "Accept-Encoding": "gzip"})
    data, length = gzip.decompress(answer.data), int(answer.headers[HEADER])
    (found,) = json.loads(data[:length])["outputs"]
    assert len(data) - length == found["parameters"]["binary_data_size"] == 200 * 3 * 4


def test_small_answers_are_not_compressed(client: FlaskClient) -> None:
    answer = client.post("/v2/models/cnn/infer", json={"inputs": [pixels(LIGHT)]}, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/v2/models/cnn/infer/", "/v2/models/cnn/versions/1/infer/"])
def test_flask_s_own_route_gives_the_same_answers(client: FlaskClient, path: str) -> None:
    assert client.post(path, json={"inputs": [pixels(LIGHT)]}).json == ask(client, pixels(LIGHT)).json
    assert client.post(path, json={"inputs": []}).status_code == 400
