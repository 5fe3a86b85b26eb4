"""What the tests of the service share: a store with both kinds of model, an application on it, and pictures."""

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from service.app import create_app
from service.config import Config

sys.path.insert(0, str(Path(__file__).parent))  # for `stores`, which the tests here share
from documented import read
from stores import publish_features, publish_images


@pytest.fixture(autouse=True)
def every_answer_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test here asks the application, the answer must be one that its OpenAPI document has."""
    open_client = FlaskClient.open

    def open_and_check(client: FlaskClient, *arguments: Any, **named: Any) -> TestResponse:
        answer = open_client(client, *arguments, **named)
        text = open_client(client.application.test_client(), "/openapi.json").data
        read(text).check(answer.request.method, answer.request.path, answer.status_code, answer.headers, answer.data)
        return answer

    monkeypatch.setattr(FlaskClient, "open", open_and_check)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with the picture model `cnn` and the model of numbers `linear`, one version each."""
    root = tmp_path / "models"
    publish_images(root)
    publish_features(root)
    return root


@pytest.fixture
def app(store: Path) -> Flask:
    return create_app(Config(store=store, max_body=100_000, max_pixels=250_000, max_images=4))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """A picture of one colour, encoded: picture("PNG", mode="L", size=(28, 28), colour=255)."""

    def encode(form: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (28, 28), colour: Any = "white") -> bytes:
        file = BytesIO()
        Image.new(mode, size, colour).save(file, form)
        return file.getvalue()

    return encode
