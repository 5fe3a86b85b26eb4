"""The page on other stores: versions, plain numbers, colour and hundreds of labels, nothing at all; API keys."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from browsing import Reader, has
from onnx import TensorProto, helper
from project import ROOT

sys.path.insert(0, str(ROOT / "tests" / "service"))  # for `stores`
from stores import model_of, publish_features, publish_images, tensor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SIZE, MANY = 16, 300
Serving = Callable[..., AbstractContextManager[str]]


def colourful() -> dict[str, onnx.ModelProto]:
    """pixels uint8 [N,3,16,16] -> 300 probabilities: the more red, the likelier is the label “colour 7”."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["floats", "W"], ["conv1"]),
        helper.make_node("Flatten", ["conv1"], ["flat"]),
        helper.make_node("Gemm", ["flat", "V"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
    ]
    W = np.zeros((4, 3, 5, 5), np.float32)
    W[np.arange(4), [0, 1, 2, 0]] = 0.001
    V = np.zeros((4 * 12 * 12, MANY), np.float32)
    V[:144, 7] = 0.02
    V[:, 8:] = np.linspace(0, 0.001, MANY - 8)
    pixels = tensor("pixels", TensorProto.UINT8, ["N", 3, SIZE, SIZE])
    probabilities = tensor("probabilities", TensorProto.FLOAT, ["N", MANY])
    shrink = [
        helper.make_node("Resize", ["image", "", "", "sizes"], ["small"], mode="nearest"),
        helper.make_node("Transpose", ["small"], ["turned"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["turned", "first"], ["pixels"]),
    ]
    image, small = (
        tensor("image", TensorProto.UINT8, ["h", "w", 3]),
        tensor("pixels", TensorProto.UINT8, [1, 3, SIZE, SIZE]),
    )
    maps = tensor("conv1", TensorProto.FLOAT, ["N", 4, 12, 12])
    return {
        "model.onnx": model_of(nodes, [pixels], [probabilities], {"W": W, "V": V}),
        "explain.onnx": model_of(nodes, [pixels], [maps, probabilities], {"W": W, "V": V}),
        "preprocess.onnx": model_of(
            shrink, [image], [small], {"sizes": np.array([SIZE, SIZE, 3]), "first": np.array([0])}
        ),
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, need: Callable[..., None]) -> Path:
    """The shipped `cnn` as versions 2 and 3, `colours`, `plain` without explain.onnx, and `linear` of numbers."""
    need("browser", "shipped models")
    root = tmp_path_factory.mktemp("page") / "models"
    for version in (2, 3):
        folder = Path(shutil.copytree(ROOT / "models" / "cnn" / "3", root / "cnn" / str(version)))
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
    shape = {"kind": "image", "name": "pixels", "shape": ["N", 3, SIZE, SIZE], "dtype": "uint8"}
    labels = [f"colour {at}" for at in range(MANY)]
    publish_images(root, "colours", networks=colourful(), input=shape, labels=labels)
    publish_images(root, "plain")
    publish_features(root)
    return root


@pytest.fixture(scope="module")
def address(serving: Serving, store: Path) -> Iterator[str]:
    with serving(NUMSERVE_STORE=str(store)) as address:
        yield address


@pytest.fixture
def reader(address: str, new_page: Callable[..., Any]) -> Iterator[Reader]:
    reader = Reader(new_page(), address)
    reader.open()
    yield reader
    reader.page.context.close()


def test_models_are_chosen(reader: Reader, expect: Any) -> None:
    boxes = reader.page.locator("#chooser label")
    expect(boxes).to_have_text(["cnn", "colours", "linear", "plain"])
    assert [boxes.nth(at).locator("input").is_checked() for at in range(4)] == [True, True, False, True]
    reader.draw()
    expect(reader.answer()).to_have_text("7")
    reader.page.get_by_label("cnn", exact=True).uncheck()
    expect(reader.answer()).to_have_count(0)
    expect(reader.page.locator(".sight h3")).to_have_text(["colours 1", "plain"])
    reader.page.get_by_label("cnn", exact=True).check()
    expect(reader.answer()).to_have_text("7")
    expect(reader.page.locator(".sight h3").first).to_have_text("cnn 3")


def test_another_version_answers(reader: Reader, expect: Any) -> None:
    versions = reader.page.get_by_label("Version of cnn")
    expect(versions.locator("option")).to_have_text(["3, served", "2"])
    expect(reader.page.get_by_label("Version of plain")).to_be_hidden()
    reader.draw()
    expect(reader.page.locator(".sight h3").first).to_have_text("cnn 3")
    versions.select_option("2")
    expect(reader.page.locator(".sight h3").first).to_have_text("cnn 2")
    expect(reader.page.locator("#curl pre").first).to_have_text(has("/predict/cnn?version=2&"))
    expect(versions).to_have_value("2")


def test_of_hundreds_of_labels_the_likeliest_are_shown(reader: Reader, expect: Any) -> None:
    reader.draw()
    expect(reader.answer("colours")).to_have_text("colour 7")
    card = reader.page.locator(".answer[data-model=colours]")
    expect(card.locator(".bars li")).to_have_count(8)
    expect(card).to_have_text(has("the likeliest 8 of 300 labels"))


def test_a_model_of_colour_is_shown_in_colour(reader: Reader, tmp_path: Path, expect: Any) -> None:
    from PIL import Image

    Image.new("RGB", (90, 60), (255, 0, 0)).save(tmp_path / "red.png")
    reader.give("drop", tmp_path / "red.png")
    sight = reader.page.locator(".sight").nth(1)
    expect(sight.locator(".plate").first).to_have_text(has("3 × 16 × 16"))
    seen = sight.locator(".plate canvas").first.evaluate(
        "each => [...each.getContext('2d').getImageData(3, 3, 1, 1).data]"
    )
    assert seen == [255, 0, 0, 255]
    expect(sight.locator(".layer figcaption").first).to_have_text(has("4 maps of 5 × 5"))


def test_a_model_of_plain_numbers_says_how_to_ask_it(reader: Reader, expect: Any) -> None:
    reader.page.get_by_label("linear", exact=True).check()
    card = reader.page.locator(".answer[data-model=linear]")
    expect(card).to_have_text(has("linear takes plain numbers, no pictures: rows of 4."))
    expect(card.locator("pre")).to_have_text(has('{"inputs":[[0,0,0,0]]}'))
    reader.draw()
    expect(reader.answer()).to_have_text("7")
    reader.picture("other-models")
    assert reader.findings() == []


def test_a_version_without_explanation_still_answers(reader: Reader, expect: Any) -> None:
    reader.draw()
    expect(reader.answer("plain")).to_have_text("light")
    expect(reader.page.locator(".sight").nth(2)).to_have_text(has("published without explain.onnx"))
    expect(reader.page.locator("#trouble")).to_be_hidden()


def test_a_new_version_is_noticed(reader: Reader, store: Path, expect: Any) -> None:
    expect(reader.page.locator(".card h3").last).to_have_text("plain 1")
    publish_images(store, "plain", version=2)
    for _ in range(40):
        reader.draw()
        if reader.page.locator(".card h3").last.inner_text() == "plain 2":
            break
    expect(reader.page.locator(".card h3").last).to_have_text("plain 2")
    expect(reader.page.get_by_label("Version of plain").locator("option")).to_have_text(["2, served", "1"])


def test_a_service_with_api_keys_is_asked_with_one(
    serving: Serving, store: Path, new_page: Callable[..., Any], tmp_path: Path, expect: Any
) -> None:
    (tmp_path / "keys").write_text("a key\n")
    with serving(NUMSERVE_STORE=str(store), NUMSERVE_API_KEYS_FILE=str(tmp_path / "keys")) as address:
        reader = Reader(new_page(), address)
        reader.page.goto(f"http://{address}/")
        field = reader.page.get_by_label("API key")
        for key, said in (("", "This service wants an API key."), ("another", "This API key is not accepted.")):
            if key:
                field.fill(key)
                reader.page.get_by_role("button", name="Use it").click()
            expect(reader.page.locator("#key p")).to_have_text(said)
        field.fill("a key")
        reader.page.get_by_role("button", name="Use it").click()
        expect(field).to_be_hidden()
        reader.draw()
        expect(reader.answer()).to_have_text("7")


def test_an_empty_store_is_said_and_looked_at_again(
    serving: Serving, store: Path, new_page: Callable[..., Any], tmp_path: Path, expect: Any
) -> None:
    """The default model is another one, so that the service is ready without any."""
    publish_features(tmp_path / "models")
    with serving(NUMSERVE_STORE=str(tmp_path / "models"), NUMSERVE_DEFAULT_MODEL="linear") as address:
        shutil.rmtree(tmp_path / "models" / "linear")
        reader = Reader(new_page(), address)
        reader.page.wait_for_timeout(1500)
        reader.page.goto(f"http://{address}/")
        expect(reader.page.locator("#trouble p")).to_have_text(has("No model is published yet."))
        shutil.copytree(store / "cnn", tmp_path / "models" / "cnn")
        expect(reader.page.locator(".card h3")).to_have_text("cnn 3", timeout=15_000)
        expect(reader.page.locator("#trouble")).to_be_hidden()
