"""Models taken out of service and brought back: by the repository's routes, and in every worker."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from stores import publish_broken, publish_images

from service.app import create_app
from service.config import Config
from service.errors import ModelNotFound, ModelUnavailable
from service.models import Models
from service.store import Store
from service.unloaded import Unloaded

Picture = Callable[..., bytes]
KEY = {"Authorization": "Bearer secret"}


@pytest.fixture
def config(store: Path, tmp_path: Path) -> Config:
    """Settings with an API key, and a folder as workers share it."""
    (tmp_path / "keys").write_text("secret\n")
    (tmp_path / "shared").mkdir()
    return Config(store=store, api_keys_file=tmp_path / "keys", shared=tmp_path / "shared")


@pytest.fixture
def client(config: Config) -> FlaskClient:
    return create_app(config).test_client()


def post(client: FlaskClient, path: str, body: bytes = b"{}") -> tuple[int, dict[str, str]]:
    answer = client.post(f"/v2/repository/models/{path}", data=body, headers=KEY)
    return answer.status_code, answer.json


def worker(store: Path, shared: Path) -> Models:
    models = Models(Store(store), Unloaded(shared))
    models.refresh()
    return models


def test_unloaded_and_loaded_in_every_worker(config: Config) -> None:
    assert config.shared
    one, other = worker(config.store, config.shared), worker(config.store, config.shared)
    one.unload("cnn")
    with pytest.raises(ModelUnavailable, match="'cnn' is unloaded; POST /v2/repository/models/cnn/load"):
        one.get("cnn")
    with pytest.raises(ModelUnavailable, match="is unloaded"):
        one.get("cnn", 1)
    assert other.get("cnn").version.number == 1
    other.refresh()  # as each worker does every half second
    with pytest.raises(ModelUnavailable, match="is unloaded"):
        other.get("cnn")
    assert worker(config.store, config.shared).served.keys() == {"linear"}  # one that is started later
    assert other.load("cnn").version.number == 1
    one.refresh()
    assert one.get("cnn").version.number == 1


def test_unloading_gives_the_memory_back(store: Path) -> None:
    publish_images(store, version=2)
    models = Models(Store(store))
    models.refresh()
    models.get("cnn", 1)
    models.unload("cnn")
    assert {key[0] for key in models._loaded} == {"linear"}


def test_unloading_under_requests(store: Path) -> None:
    """A request that has its model answers with it to the end."""
    models = Models(Store(store))
    models.refresh()
    model = models.get("linear")
    thread = threading.Thread(target=models.unload, args=("linear",))
    thread.start()
    thread.join()
    assert model.manifest.labels == ("minus", "plus")
    assert "linear" not in models.served


def test_load_looks_for_a_new_version_at_once(store: Path) -> None:
    models = Models(Store(store))
    models.refresh()
    publish_images(store, version=2)
    assert models.get("cnn").version.number == 1
    assert models.load("cnn").version.number == 2


def test_what_is_not_there_or_broken(config: Config) -> None:
    assert config.shared
    publish_broken(config.store, "bad", 1)
    models = worker(config.store, config.shared)
    with pytest.raises(ModelNotFound, match="no model 'nope'"):
        models.load("nope")
    for name in ("..", "../shared"):
        with pytest.raises(ModelNotFound):
            models.unload(name)
        with pytest.raises(ModelNotFound):
            models.load(name)
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        models.load("bad")


def test_model_that_is_published_while_unloaded_waits(store: Path) -> None:
    models = Models(Store(store))
    models.refresh()
    models.unload("cnn")
    publish_images(store, version=2)
    models.refresh()
    assert "cnn" not in models.served
    assert models.load("cnn").version.number == 2


def test_routes(client: FlaskClient, picture: Picture) -> None:
    unavailable = {"name": "cnn", "state": "UNAVAILABLE", "reason": "unloaded"}
    assert post(client, "cnn/unload") == (200, unavailable)
    assert post(client, "cnn/unload", b"") == (200, unavailable)  # once more changes nothing
    for path in ("/v2/models/cnn", "/v2/models/cnn/ready", "/v2/models/cnn.preprocess", "/v2/models/cnn/versions/1"):
        answer = client.get(path, headers=KEY)
        assert (answer.status_code, "is unloaded" in answer.json["error"]) == (503, True)
    answer = client.post("/predict", data=picture(), headers=KEY)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "model_unavailable")
    index = client.post("/v2/repository/index", headers=KEY).json
    assert {each["name"]: (each["state"], each["reason"]) for each in index} == {
        "cnn": ("UNAVAILABLE", "unloaded"),
        "linear": ("READY", ""),
    }
    assert [each["unloaded"] for each in client.get("/models", headers=KEY).json["models"]] == [True, False]
    for path in ("/readyz", "/v2/health/ready"):  # it is the default model
        assert (client.get(path).status_code, "is unloaded" in client.get(path).text) == (503, True)
    assert post(client, "cnn/load") == (200, {"name": "cnn", "version": "1", "state": "READY"})
    assert client.post("/predict", data=picture(), headers=KEY).status_code == 200
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("path", ["nope/load", "nope/unload", "cnn.preprocess/load", "cnn.preprocess/unload"])
def test_routes_of_what_is_no_model_of_the_store(client: FlaskClient, path: str) -> None:
    status, answer = post(client, path)
    assert (status, list(answer)) == (404, ["error"])
    assert "(models: cnn, linear)" in answer["error"]


def test_parameters(client: FlaskClient) -> None:
    assert post(client, "cnn/unload", b'{"parameters": {"unload_dependents": true}}')[0] == 200
    assert post(client, "cnn/load", b'{"parameters": {}}')[0] == 200
    for name in ("config", "file:1/model.onnx"):
        status, answer = post(client, "cnn/load", b'{"parameters": {"%s": "x"}}' % name.encode())
        assert status == 400
        assert f"expected no parameters, got {name}" in answer["error"]
    for parameters in (b"7", b"[]", b'""'):
        assert post(client, "cnn/load", b'{"parameters": %s}' % parameters)[0] == 400
    status, answer = post(client, "cnn/unload", b'{"parameters": {"unload_dependents": {}}}')
    assert (status, answer["error"]) == (400, "expected unload_dependents to be true or false, got {}")
    assert post(client, "cnn/load", b"{")[0] == 400


def test_only_with_keys(store: Path) -> None:
    client = create_app(Config(store=store)).test_client()
    for action in ("load", "unload"):
        status, answer = post(client, f"cnn/{action}")
        assert status == 403
        assert "set NUMSERVE_API_KEYS_FILE" in answer["error"]
    assert client.get("/v2/models/cnn/ready").status_code == 200


def test_a_look_that_began_before_the_unloading_does_not_undo_it(store: Path, tmp_path: Path) -> None:
    """The watching thread had read that nothing is unloaded, and was then overtaken by a request that unloads."""
    seen, go_on = threading.Event(), threading.Event()

    class Slow(Unloaded):
        def names(self) -> frozenset[str]:
            names = super().names()
            if not seen.is_set():
                seen.set()
                go_on.wait(10)
            return names

    models = worker(store, tmp_path)
    models.unloaded = Slow(tmp_path)
    watching = threading.Thread(target=models.refresh)
    watching.start()
    assert seen.wait(10)
    asking = threading.Thread(target=models.unload, args=["linear"])
    asking.start()
    asking.join(0.2)
    go_on.set()
    watching.join(10)
    asking.join(10)
    assert models.off == {"linear"}
    assert "linear" not in models.served
