"""GET /v2 and below: the server, the models, whether they are ready, and the index of the repository."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from stores import publish_broken, publish_features, publish_images

from service.app import create_app
from service.config import Config


def test_server(client: FlaskClient) -> None:
    answer = client.get("/v2").json
    assert answer["name"] == "numserve"
    assert answer["version"]
    assert answer["extensions"] == [
        "classification", "model_repository", "model_configuration", "binary_tensor_data", "statistics"
    ]  # fmt: skip


def test_health(client: FlaskClient, tmp_path: Path) -> None:
    assert client.get("/v2/health/live").json == {"live": True}
    assert client.get("/v2/health/ready").json == {"ready": True}
    (tmp_path / "none").mkdir()
    empty = create_app(Config(store=tmp_path / "none")).test_client()
    assert empty.get("/v2/health/live").json == {"live": True}
    answer = empty.get("/v2/health/ready")
    assert (answer.status_code, answer.json["ready"]) == (503, False)
    assert "no model 'cnn' in the store" in answer.json["error"]


def test_model_of_pictures_and_its_preprocessing(client: FlaskClient) -> None:
    assert client.get("/v2/models/cnn").json == {
        "name": "cnn",
        "versions": ["1"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [-1, 1, 8, 8]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}],
    }
    assert client.get("/v2/models/cnn.preprocess").json == {
        "name": "cnn.preprocess",
        "versions": ["1"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, -1, 3]}],
        "outputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1, 1, 8, 8]}],
    }


def test_model_of_numbers(client: FlaskClient) -> None:
    assert client.get("/v2/models/linear/versions/1").json == {
        "name": "linear",
        "versions": ["1"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "features", "datatype": "FP32", "shape": [-1, 4]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}],
    }


def test_versions_are_those_that_can_be_asked_for(store: Path) -> None:
    publish_images(store, version=2)
    publish_broken(store, version=3)
    client = create_app(Config(store=store)).test_client()
    for path in ("cnn", "cnn/versions/1", "cnn.preprocess", "cnn.preprocess/versions/2"):
        assert client.get(f"/v2/models/{path}").json["versions"] == ["1", "2"]


def test_model_ready(store: Path) -> None:
    publish_broken(store, "bad", 1)
    client = create_app(Config(store=store)).test_client()
    for path in ("cnn", "cnn/versions/1", "cnn.preprocess", "linear"):
        answer = client.get(f"/v2/models/{path}/ready")
        assert (answer.status_code, answer.json) == (200, {"name": path.split("/")[0], "ready": True})
    for path, status in {"nope": 404, "cnn/versions/7": 404, "bad": 503, "bad/versions/1": 503}.items():
        answer = client.get(f"/v2/models/{path}/ready")
        assert answer.status_code == status
        assert list(answer.json) == ["error"]


def test_configuration(client: FlaskClient) -> None:
    assert client.get("/v2/models/cnn/config").json == {
        "name": "cnn",
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "version_policy": {"all": {}},
        "max_batch_size": 4,
        "input": [{"name": "pixels", "data_type": "TYPE_UINT8", "dims": [1, 8, 8]}],
        "output": [{"name": "probabilities", "data_type": "TYPE_FP32", "dims": [3]}],
        "default_model_filename": "model.onnx",
    }
    preprocessing = client.get("/v2/models/cnn.preprocess/versions/1/config").json
    assert preprocessing["max_batch_size"] == 0
    assert preprocessing["input"] == [{"name": "image", "data_type": "TYPE_UINT8", "dims": [-1, -1, 3]}]
    assert preprocessing["output"] == [{"name": "pixels", "data_type": "TYPE_UINT8", "dims": [1, 1, 8, 8]}]
    assert preprocessing["default_model_filename"] == "preprocess.onnx"


def test_index(tmp_path: Path) -> None:
    publish_images(tmp_path, version=1)
    publish_broken(tmp_path, version=2)
    publish_features(tmp_path)
    client = create_app(Config(store=tmp_path)).test_client()
    index = client.post("/v2/repository/index").json
    assert [(each["name"], each["version"], each["state"]) for each in index] == [
        ("cnn", "1", "READY"),
        ("cnn", "2", "UNAVAILABLE"),
        ("cnn.preprocess", "1", "READY"),
        ("cnn.preprocess", "2", "UNAVAILABLE"),
        ("linear", "1", "READY"),
    ]
    assert "SHA-256" in index[1]["reason"]
    assert index[0]["reason"] == ""
    ready = client.post("/v2/repository/index", json={"ready": True}).json
    assert ready == [each for each in index if each["state"] == "READY"]
    assert client.post("/v2/repository/index", data=b"{}").json == index


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b'{"ready": {}}', b'{"ready": "true"}'])
def test_index_of_a_bad_body(client: FlaskClient, body: bytes) -> None:
    answer = client.post("/v2/repository/index", data=body)
    assert answer.status_code == 400
    assert isinstance(answer.json["error"], str)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/nope", 404),
        ("/v2/models/nope", 404),
        ("/v2/trace/setting", 404),
        ("/v2/models/cnn/versions/x", 400),
        ("/v2/repository/index", 405),
    ],
)
def test_errors_have_the_shape_of_the_protocol(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert list(answer.json) == ["error"]
    assert isinstance(answer.json["error"], str)


def test_errors_elsewhere_keep_theirs(client: FlaskClient) -> None:
    for path in ("/nope", "/v2x", "/v20/models"):
        assert list(client.get(path).json["error"]) == ["code", "message"]
