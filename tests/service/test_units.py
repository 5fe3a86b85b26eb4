"""Models of one output: a perceptron, which tells two labels apart, and a regression, which answers with a number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from stores import publish_images, publish_unit

from service.app import create_app
from service.config import Config
from service.errors import BrokenVersion
from service.store import Store

ROWS = [[1, 1], [0, 0], [2, 0]]  # sums of 1, -4 and 0


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    publish_images(tmp_path)
    publish_unit(tmp_path)
    publish_unit(tmp_path, "regression")
    return create_app(Config(store=tmp_path)).test_client()


def infer(client: FlaskClient, model: str, rows: list[list[float]] = ROWS, **more: Any) -> Any:
    given = {"name": "features", "shape": [len(rows), 2], "datatype": "FP32", "data": rows}
    return client.post(f"/v2/models/{model}/infer", json={"inputs": [given], **more})


def test_one_output_answers_for_two_labels(client: FlaskClient) -> None:
    said = client.post("/predict/and", json={"inputs": ROWS})
    assert said.status_code == 200
    assert [each["label"] for each in said.json["predictions"]] == ["yes", "no", "no"]
    first = said.json["predictions"][0]
    assert first.keys() == {"label", "probability", "top_k", "milliseconds"}
    assert first["top_k"] == [{"label": "yes", "probability": 1.0}, {"label": "no", "probability": 0.0}]


def test_a_regression_answers_with_its_number(client: FlaskClient) -> None:
    said = client.post("/predict/salary", json={"inputs": [[1, 1], [0.1, 0], [1e6, 1e6]]}).json
    assert (said["model"], said["version"]) == ("salary", 1)
    assert [each["value"] for each in said["predictions"]] == [1.0, -3.8, 4999996.0]
    assert all(each.keys() == {"value", "milliseconds"} for each in said["predictions"])


def test_a_number_that_is_too_large_is_refused(client: FlaskClient) -> None:
    said = client.post("/predict/salary", json={"inputs": [[3e38, 3e38]]})
    assert (said.status_code, said.json["error"]["code"]) == (400, "invalid_inputs")


@pytest.mark.parametrize("model", ["and", "salary"])
def test_a_picture_is_refused_with_what_is_taken(
    client: FlaskClient, picture: Callable[..., bytes], model: str
) -> None:
    said = client.post(f"/predict/{model}", data=picture())
    assert (said.status_code, said.json["error"]["code"]) == (400, "wrong_input_kind")
    assert 'takes rows of 2 numbers, not pictures; send {"inputs": [[…]]}' in said.json["error"]["message"]


def test_numbers_for_a_model_of_pictures_are_refused(client: FlaskClient) -> None:
    said = client.post("/predict/cnn", json={"inputs": [[1, 0]]})
    assert (said.status_code, said.json["error"]["code"]) == (400, "wrong_input_kind")


def test_the_protocol_has_the_output_as_it_is(client: FlaskClient) -> None:
    (hard,), (number,) = (infer(client, model).json["outputs"] for model in ("and", "salary"))
    assert hard == {"name": "probabilities", "datatype": "FP32", "shape": [3, 1], "data": [1, 0, 0]}
    assert number == {"name": "values", "datatype": "FP32", "shape": [3, 1], "data": [1, -4, 0]}


def test_classes_of_one_output_are_both_labels_and_a_number_has_none(client: FlaskClient) -> None:
    def wanted(name: str) -> list[dict[str, Any]]:
        return [{"name": name, "parameters": {"classification": 2}}]

    (found,) = infer(client, "and", outputs=wanted("probabilities")).json["outputs"]
    assert found["shape"] == [3, 2]
    assert found["data"][:4] == ["1.000000:1:yes", "0.000000:0:no", "1.000000:0:no", "0.000000:1:yes"]
    refused = infer(client, "salary", outputs=wanted("values"))
    assert refused.status_code == 400
    assert refused.json["error"] == "expected no classification: 'values' has no labels"


def test_metadata_and_configuration(client: FlaskClient) -> None:
    said = client.get("/v2/models/salary").json
    assert said["inputs"] == [{"name": "features", "datatype": "FP32", "shape": [-1, 2]}]
    assert said["outputs"] == [{"name": "values", "datatype": "FP32", "shape": [-1, 1]}]
    config = client.get("/v2/models/salary/config").json
    assert config["output"] == [{"name": "values", "data_type": "TYPE_FP32", "dims": [1]}]
    assert config["default_model_filename"] == "model.onnx"
    assert client.get("/v2/models/salary.preprocess").status_code == 404


def test_models_lists_what_each_answers(client: FlaskClient) -> None:
    listed = {each["name"]: each for each in client.get("/models").json["models"]}
    assert {name: (each["task"], each["labels"], each["input"]) for name, each in listed.items()} == {
        "and": ("classification", 2, "features"),
        "cnn": ("classification", 3, "image"),
        "salary": ("regression", 1, "features"),
    }
    assert listed["salary"]["accuracy"] is None


@pytest.mark.parametrize(
    ("task", "changes", "complaint"),
    [
        ("classification", {"labels": ["a", "b", "c"]}, "as many as labels, or one for two"),
        ("regression", {"labels": ["a", "b"]}, "the name of the number"),
    ],
)
def test_one_output_for_other_labels_breaks_the_contract(
    tmp_path: Path, task: str, changes: dict[str, Any], complaint: str
) -> None:
    home = publish_unit(tmp_path, task, **changes)
    with pytest.raises(BrokenVersion, match=complaint):
        Store(tmp_path).version(home.parent.name, 1)
