"""What the pipeline publishes, the service serves: the same answers, by the same files."""

import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import pipeline.export.store
import service.store
from pipeline.data import digits
from pipeline.export.answer import answer
from pipeline.export.manifest import SCHEMA
from pipeline.training.run import Run
from service.app import create_app
from service.config import Config

MODELS = ("and", "cnn", "flowers", "salary", "xor")
CONTRACT = Path(__file__).parents[2] / "models" / "README.md"


@pytest.fixture
def store(home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(home / "models", tmp_path / "models"))


@pytest.fixture(scope="module")
def client(home: Path) -> FlaskClient:
    return create_app(Config(store=home / "models")).test_client()


def encoded(image: Image.Image, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def pictures() -> dict[str, bytes]:
    """Digits as they are, and large, inverted, coloured and as JPEG; and what is no digit at all."""
    digit = Image.fromarray(digits.load().test.X[3, 0])
    large = digit.resize((200, 200), Image.Resampling.BICUBIC)
    ink = Image.eval(large, lambda value: 255 - value)
    page = Image.new("RGB", (400, 300), (240, 230, 200))
    noise = np.random.default_rng(1).integers(0, 256, (33, 47, 3), np.uint8)
    page.paste(Image.new("RGB", (200, 200), (20, 20, 140)), (150, 60), large)
    return {
        "as it is": encoded(digit),
        "large": encoded(large),
        "black on white": encoded(ink),
        "JPEG": encoded(ink, "JPEG"),
        "blue on paper": encoded(page),
        "blank": encoded(Image.new("L", (50, 40), "white")),
        "noise": encoded(Image.fromarray(noise), "BMP"),
    }


def by_label(answered: dict[str, Any]) -> dict[str, float]:
    return {top["label"]: top["probability"] for top in answered["top_k"]}


# ---------------------------------------------------------------- the same answers
@pytest.mark.parametrize("name", pictures())
def test_a_picture_gets_the_same_probabilities(home: Path, client: FlaskClient, tmp_path: Path, name: str) -> None:
    (tmp_path / "picture").write_bytes(pictures()[name])
    labels = pipeline.export.store.labels(home / "models", "cnn", 1)
    offline = answer(home / "models" / "cnn" / "1", labels, tmp_path / "picture")
    said = client.post("/predict?top_k=10", data=pictures()[name]).get_json()["predictions"][0]
    assert by_label(said) == pytest.approx(dict(offline), abs=1e-6)
    assert said["label"] == offline[0][0]


def test_the_test_set_gets_the_accuracy_of_the_manifest(home: Path, client: FlaskClient) -> None:
    """Posted as PNG, 60 at a time; the preprocessing may cost a picture or two."""
    test, right = digits.load().test, 0
    for start in range(0, len(test), 60):
        block = slice(start, start + 60)
        files = [(io.BytesIO(encoded(Image.fromarray(pixels[0]))), "digit.png") for pixels in test.X[block]]
        said = client.post("/predict", data={"image": files}).get_json()["predictions"]
        answers = [int(prediction["label"]) for prediction in said]
        right += int(np.count_nonzero(np.array(answers) == test.labels[block]))
    manifest = json.loads((home / "models" / "cnn" / "1" / "manifest.json").read_text())
    assert manifest["metrics"]["accuracy"] > 0.9
    assert right / len(test) >= manifest["metrics"]["accuracy"] - 0.01


def test_rows_of_numbers_get_what_numpy_computed(home: Path, client: FlaskClient) -> None:
    (run,) = (Run(folder) for folder in (home / "runs").glob("*-flowers"))
    X = np.random.default_rng(1).normal(size=(20, 4)).astype(np.float32)
    said = client.post("/predict/flowers?top_k=3", json={"inputs": X.tolist()}).get_json()["predictions"]
    for prediction, y in zip(said, run.network().predict(X), strict=True):
        assert by_label(prediction) == pytest.approx(dict(zip(run.job.labels, y.tolist(), strict=True)), abs=1e-5)


@pytest.mark.parametrize("name", ["and", "xor"])
def test_a_perceptron_answers_0_or_1(home: Path, client: FlaskClient, name: str) -> None:
    (run,) = (Run(folder) for folder in (home / "runs").glob(f"*-{name}"))
    rows = [[a, b] for a in (0, 1) for b in (0, 1)]
    expected = run.network().predict(np.array(rows, np.float32))[:, 0].tolist()
    said = client.post(f"/predict/{name}", json={"inputs": rows}).get_json()["predictions"]
    assert [float(each["label"]) for each in said] == expected
    assert {each["probability"] for each in said} == {1.0}
    tensor = {"name": "features", "shape": [4, 2], "datatype": "FP32", "data": rows}
    (output,) = client.post(f"/v2/models/{name}/infer", json={"inputs": [tensor]}).get_json()["outputs"]
    assert (output["shape"], output["data"]) == ([4, 1], expected)
    assert name == "xor" or expected == [0, 0, 0, 1]


def test_a_linear_unit_answers_what_numpy_computed(home: Path, client: FlaskClient) -> None:
    (run,) = (Run(folder) for folder in (home / "runs").glob("*-salary"))
    X = np.array([[0], [3.5], [12]], np.float32)
    said = client.post("/predict/salary", json={"inputs": X.tolist()}).get_json()["predictions"]
    assert [each["value"] for each in said] == pytest.approx(run.network().predict(X)[:, 0].tolist(), rel=1e-5)


# ---------------------------------------------------------------- accepted and verified
def test_the_service_accepts_every_version(client: FlaskClient) -> None:
    said = client.get("/readyz")
    assert said.status_code == 200
    assert said.get_json() == {"status": "ready", "models": dict.fromkeys(MODELS, 1), "broken": []}


@pytest.mark.parametrize("name", MODELS)
def test_the_service_shows_the_manifest_as_it_is(home: Path, client: FlaskClient, name: str) -> None:
    written = json.loads((home / "models" / name / "1" / "manifest.json").read_text())
    assert client.get(f"/models/{name}").get_json() == written
    (listed,) = (each for each in client.get("/models").get_json()["models"] if each["name"] == name)
    assert listed["accuracy"] == written["metrics"].get("accuracy")
    assert (listed["task"], listed["labels"]) == (written["task"], len(written["labels"]))
    assert listed["input"] == written["input"]["kind"]


@pytest.mark.parametrize("file", ["model.onnx", "preprocess.onnx"])
def test_the_service_refuses_what_is_not_as_it_was_published(store: Path, file: str) -> None:
    path = store / "cnn" / "1" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    said = create_app(Config(store=store)).test_client().post("/predict", data=pictures()["large"])
    assert said.status_code == 503
    assert file in said.get_json()["error"]["message"]


def test_promoting_and_going_back_reach_the_service(store: Path) -> None:
    app = create_app(Config(store=store))

    def served() -> int:
        app.extensions["numserve"].refresh()
        return app.test_client().post("/predict", data=pictures()["large"]).get_json()["version"]

    def republish(folder: Path, version: int) -> None:
        shutil.copytree(store / "cnn" / "1", folder, dirs_exist_ok=True)
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**manifest, "version": version}))

    assert served() == 1
    assert pipeline.export.store.publish(store, "cnn", republish) == 2
    assert served() == 2
    pipeline.export.store.promote(store, "cnn", 1)
    assert served() == 1 == pipeline.export.store.current(store, "cnn")
    pipeline.export.store.promote(store, "cnn", None)
    assert served() == 2


@given(st.from_regex(pipeline.export.store.NAME, fullmatch=True))
def test_every_name_that_can_be_published_can_be_served(name: str) -> None:
    assert service.store.NAME.fullmatch(name)


@given(st.from_regex(pipeline.export.store.VERSION, fullmatch=True))
def test_every_version_that_can_be_published_can_be_served(version: str) -> None:
    assert service.store.NUMBER.fullmatch(version) or not version.isascii()


# ---------------------------------------------------------------- the words of the contract
def keys_of_the_contract() -> dict[str, str]:
    """The keys that models/README.md lists for manifest.json, each with what it says of them."""
    table = CONTRACT.read_text().split("## manifest.json")[1]
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", table, re.MULTILINE)
    return {key: text for first, text in rows for key in re.findall(r"`(\w+)`", first)}


@pytest.mark.parametrize("name", MODELS)
def test_the_manifest_has_the_keys_of_the_contract_and_no_others(home: Path, name: str) -> None:
    manifest = json.loads((home / "models" / name / "1" / "manifest.json").read_text())
    contract = keys_of_the_contract()
    assert manifest.keys() == contract.keys()
    assert manifest["schema"] == int(contract["schema"]) == SCHEMA == service.manifest.SCHEMA
    assert manifest["task"] in re.findall(r"`(\w+)`", contract["task"]) == list(service.manifest.TASKS)
    for key in ("input", "parity"):
        words = set(re.findall(r"`(\w+)`", contract[key]))
        assert manifest[key].keys() <= words, key
    assert manifest["training"].keys() >= {
        *("dataset", "seed", "epochs", "batch_size", "optimizer", "schedule", "augment", "seconds", "versions"),
    }
    assert manifest["training"]["dataset"].keys() >= {"name", "sha256", "train", "validation", "test"}
    assert manifest["metrics"].keys() <= set(re.findall(r"`(\w+)`", contract["metrics"]))
    assert manifest["metrics"].keys() >= {"samples", "loss", {"classification": "accuracy"}.get(manifest["task"], "r2")}
    assert manifest["created"].endswith("Z")


def test_a_model_of_numbers_has_no_preprocessing(home: Path) -> None:
    assert not (home / "models" / "flowers" / "1" / "preprocess.onnx").exists()
    assert (home / "models" / "cnn" / "1" / "preprocess.onnx").exists()
