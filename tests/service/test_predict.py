"""POST /predict: every way of sending pictures and numbers, and what the answer holds."""

import base64
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from stores import publish_images

from service.app import create_app
from service.config import Config

Picture = Callable[..., bytes]


def labels(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["label"] if "label" in each else each["error"]["code"] for each in answer.json["predictions"]]


def form(*files: tuple[bytes, str]) -> dict[str, list[tuple[BytesIO, str]]]:
    return {"image": [(BytesIO(data), name) for data, name in files]}


def test_answer_of_one_picture(client: FlaskClient, picture: Picture) -> None:
    answer = client.post("/predict", data=picture(colour="white"), content_type="image/png").json
    (prediction,) = answer.pop("predictions")
    assert answer == {"model": "cnn", "version": 1}
    took = prediction.pop("milliseconds")
    assert list(took) == ["decode", "preprocess", "inference"]
    assert all(isinstance(each, float) and each >= 0 for each in took.values())
    assert prediction == {
        "label": "light",
        "probability": 0.999955,
        "top_k": [
            {"label": "light", "probability": 0.999955},
            {"label": "dark", "probability": 0.000045},
            {"label": "never", "probability": 0.0},
        ],
    }


@pytest.mark.parametrize(
    "declared", [None, "image/png", "image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded",
                 "text/plain", "application/json"],
)  # fmt: skip
def test_the_bytes_decide_whatever_the_header_says(client: FlaskClient, picture: Picture, declared: str | None) -> None:
    assert labels(client.post("/predict", data=picture(colour="black"), content_type=declared)) == ["dark"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_every_format(client: FlaskClient, picture: Picture, kind: str) -> None:
    assert labels(client.post("/predict", data=picture(kind, colour="white"))) == ["light"]
    assert labels(client.post("/predict", data=picture(kind, colour="black"))) == ["dark"]


def test_form_answers_in_order_with_file_names(client: FlaskClient, picture: Picture) -> None:
    files = form((picture(colour="white"), "a.png"), (picture("JPEG", colour="black"), "ü.jpg"))
    answer = client.post("/predict", data=files)
    assert labels(answer) == ["light", "dark"]
    assert [each["filename"] for each in answer.json["predictions"]] == ["a.png", "ü.jpg"]


def test_pictures_of_any_size_in_one_batch(client: FlaskClient, picture: Picture) -> None:
    files = form(*((picture(size=size, colour="black"), "x.png") for size in [(1, 1), (3, 200), (250, 7)]))
    assert labels(client.post("/predict", data=files)) == ["dark"] * 3


def test_one_bad_picture_spoils_no_other(client: FlaskClient, picture: Picture) -> None:
    files = form((picture(colour="white"), "a.png"), (b"hello", "b.png"), (picture(colour="black"), "c.png"))
    answer = client.post("/predict", data=files)
    assert labels(answer) == ["light", "not_an_image", "dark"]
    assert answer.json["predictions"][1]["filename"] == "b.png"
    assert "expected a PNG" in answer.json["predictions"][1]["error"]["message"]


def test_when_all_pictures_are_bad_the_first_error_is_the_answer(client: FlaskClient, picture: Picture) -> None:
    answer = client.post("/predict", data=form((picture(size=(600, 600)), "a.png"), (b"hello", "b.png")))
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "image_too_large")


def test_pixels_of_a_whole_request_are_limited(client: FlaskClient, picture: Picture, store: Path) -> None:
    large = (picture("GIF", "L", (500, 500), "black"), "large.gif")
    client = create_app(Config(store=store, max_pixels=250_000)).test_client()
    assert labels(client.post("/predict", data=form(*[large] * 5))) == ["dark"] * 4 + ["image_too_large"]


def test_json_with_base64_and_data_urls(client: FlaskClient, picture: Picture) -> None:
    light = base64.b64encode(picture(colour="white")).decode()
    dark = "data:image/png;base64," + base64.encodebytes(picture(colour="black")).decode()
    answer = client.post("/predict", json={"images": [light, dark, "@@@", 7, ""]})
    assert answer.status_code == 413  # of five pictures where four are allowed
    answer = client.post("/predict", json={"images": [light, dark, "@@@", 7]})
    assert labels(answer) == ["light", "dark", "not_an_image", "not_an_image"]


def test_json_that_nobody_declared(client: FlaskClient) -> None:
    body = b' {"inputs": [[1, 1, 1, 1]]}'
    for declared in (None, "application/x-www-form-urlencoded", "application/json; charset=utf-8"):
        assert labels(client.post("/predict/linear", data=body, content_type=declared)) == ["plus"]


def test_rows_of_numbers(client: FlaskClient) -> None:
    answer = client.post("/predict/linear", json={"inputs": [[1, 2, 3, 4], [-1, -0.5, 0, 1e-3]]})
    assert labels(answer) == ["plus", "minus"]
    assert list(answer.json["predictions"][0]["milliseconds"]) == ["inference"]


def test_named_model_and_top_k(client: FlaskClient, picture: Picture) -> None:
    for query, count in {"": 3, "?top_k=1": 1, "?top_k=2": 2, "?top_k=99": 3}.items():
        answer = client.post(f"/predict/cnn{query}", data=picture())
        assert len(answer.json["predictions"][0]["top_k"]) == count


def test_another_version(store: Path, picture: Picture) -> None:
    publish_images(store, version=2, labels=["dark", "bright", "never"])
    client = create_app(Config(store=store)).test_client()
    assert labels(client.post("/predict", data=picture())) == ["bright"]
    answer = client.post("/predict?version=1", data=picture())
    assert labels(answer) == ["light"]
    assert answer.json["version"] == 1


def test_three_labels_of_a_model_with_many(store: Path, picture: Picture) -> None:
    answer = client_with(store, default_model="linear").post("/predict", json={"inputs": [[0, 0, 0, 0]]})
    assert [each["label"] for each in answer.json["predictions"][0]["top_k"]] == ["minus", "plus"]  # a tie, in order


def client_with(store: Path, **settings: Any) -> FlaskClient:
    return create_app(Config(store=store, **settings)).test_client()
