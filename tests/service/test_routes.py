"""GET /models, /healthz and /readyz; the headers; and that the service stands without the pipeline."""

import json
import subprocess
import sys
from pathlib import Path

from flask.testing import FlaskClient
from stores import promote, publish_broken, publish_images

from service.app import create_app
from service.config import Config


def test_models_lists_what_is_served_and_what_is_broken(store: Path) -> None:
    publish_images(store, version=2)
    publish_broken(store, version=3)
    promote(store, "cnn", 3)
    answer = create_app(Config(store=store)).test_client().get("/models").json
    assert answer["default"] == "cnn"
    cnn, linear = answer["models"]
    (broken,) = cnn.pop("broken")
    assert cnn == {
        "name": "cnn",
        "version": 2,
        "versions": [1, 2, 3],
        "current": "3",
        "unloaded": False,
        "task": "classification",
        "labels": 3,
        "input": "image",
        "accuracy": 0.99,
    }
    assert broken["version"] == 3
    assert "SHA-256" in broken["reason"]
    assert (linear["name"], linear["input"], linear["current"], linear["broken"]) == ("linear", "features", None, [])


def test_model_without_any_good_version_is_listed_too(tmp_path: Path) -> None:
    publish_broken(tmp_path, version=1)
    (model,) = create_app(Config(store=tmp_path)).test_client().get("/models").json["models"]
    assert (model["version"], model["labels"], model["versions"]) == (None, None, [1])
    assert model["broken"][0]["version"] == 1


def test_manifest_without_metrics_has_no_accuracy(tmp_path: Path) -> None:
    for version, metrics in enumerate((None, [], {}, {"accuracy": "high"}), 1):
        publish_images(tmp_path, version=version, metrics=metrics)
        assert create_app(Config(store=tmp_path)).test_client().get("/models").json["models"][0]["accuracy"] is None


def test_manifest(store: Path, client: FlaskClient) -> None:
    publish_images(store, version=2, training={"dataset": "mnist"})
    expected = json.loads((store / "cnn" / "1" / "manifest.json").read_text())
    assert client.get("/models/cnn").json == expected
    newer = create_app(Config(store=store)).test_client()
    assert newer.get("/models/cnn").json["training"] == {"dataset": "mnist"}
    assert newer.get("/models/cnn?version=1").json == expected


def test_manifest_is_sent_once_while_it_stays_the_same(store: Path, client: FlaskClient) -> None:
    for path, seconds in (("/models/cnn", 0), ("/models/cnn?version=1", 3600)):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert first.cache_control.max_age == again.cache_control.max_age == seconds
        assert (again.status_code, again.data) == (304, b"")
    publish_images(store, version=2)
    changed = create_app(Config(store=store)).test_client()
    assert changed.get("/models/cnn", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_healthz_and_readyz(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json == {"status": "ready", "models": {"cnn": 1, "linear": 1}, "broken": []}


def test_not_ready_says_what_is_missing(tmp_path: Path) -> None:
    app = create_app(Config(store=tmp_path))
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "not_ready")
    assert "no model 'cnn' in the store (models: none yet)" in answer.json["error"]["message"]
    assert app.test_client().get("/healthz").status_code == 200
    publish_broken(tmp_path, version=1)
    app.extensions["numserve"].refresh()
    assert "SHA-256" in app.test_client().get("/readyz").json["error"]["message"]
    publish_images(tmp_path, version=2)
    app.extensions["numserve"].refresh()
    ready = app.test_client().get("/readyz")
    assert ready.json == {"status": "ready", "models": {"cnn": 2}, "broken": ["cnn/1"]}


def test_no_cookies(client: FlaskClient) -> None:
    for path in ("/healthz", "/nope"):
        assert "Set-Cookie" not in client.get(path).headers


def test_service_imports_neither_the_pipeline_nor_onnx() -> None:
    code = (
        "import sys, service.app, service.server, service.__main__;"
        "print([name for name in ('pipeline', 'onnx', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "[]"
