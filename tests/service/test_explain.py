"""POST /explain: layers by name, their values as numbers, bytes and pictures, filters, what carried the answer."""

import json
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from flask.testing import FlaskClient
from onnx import TensorProto, helper
from PIL import Image
from stores import (
    LABELS,
    SIZE,
    brightness_network,
    model_of,
    publish_features,
    publish_images,
    shrink,
    sum_network,
    tensor,
)

from service.app import create_app
from service.config import Config

Encode = Callable[..., bytes]


def convolutional(channels: int = 1, filters: int = 2) -> dict[str, onnx.ModelProto]:
    """A picture model whose first layer is a convolution: its filters find light or dark."""
    weights = np.arange(1, filters + 1) * 0.1 * (-1.0) ** np.arange(filters)
    W = np.broadcast_to(weights[:, None, None, None], (filters, channels, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["floats", "W"], ["conv1"]),
        helper.make_node("Relu", ["conv1"], ["relu1"]),
        helper.make_node("Flatten", ["relu1"], ["flat"]),
        helper.make_node("Gemm", ["flat", "V", "b"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
    ]
    V = np.zeros((36 * filters, 3), np.float32)
    V[:36, 1] = 0.01
    constants = {"W": W, "V": V, "b": np.array([10, 0, -20], np.float32)}
    pixels = tensor("pixels", TensorProto.UINT8, ["N", channels, SIZE, SIZE])
    probabilities = tensor("probabilities", TensorProto.FLOAT, ["N", 3])
    shown = [
        tensor("conv1", TensorProto.FLOAT, ["N", filters, 6, 6]),
        tensor("relu1", TensorProto.FLOAT, ["N", filters, 6, 6]),
    ]
    return {
        "model.onnx": model_of(nodes, [pixels], [probabilities], constants),
        "explain.onnx": model_of(nodes, [pixels], [*shown, probabilities], constants),
    }


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """`cnn` has a convolution; `fnn` and `linear`, of plain numbers, have none; `old` has no explain.onnx."""
    publish_images(tmp_path, networks=convolutional() | {"preprocess.onnx": shrink()})
    plain = {"model.onnx": brightness_network(), "preprocess.onnx": shrink()}
    publish_images(tmp_path, "fnn", networks=plain | {"explain.onnx": brightness_network()})
    publish_images(tmp_path, "old", networks=plain)
    folder = publish_features(tmp_path)
    (folder / "explain.onnx").write_bytes(sum_network().SerializeToString())
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["explain.onnx"] = manifest["files"]["model.onnx"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return create_app(Config(store=tmp_path, max_body=100_000, max_images=4)).test_client()


@pytest.fixture
def half(picture: Encode) -> bytes:
    """Light on the left, black on the right."""
    page = Image.open(BytesIO(picture("PNG", size=(SIZE, SIZE))))
    page.paste("black", (SIZE // 2, 0, SIZE, SIZE))
    file = BytesIO()
    page.save(file, "PNG")
    return file.getvalue()


def layers(answer: Any) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {layer["name"]: layer for layer in answer.json["layers"]}


def test_layers_by_name_kind_and_shape(client: FlaskClient, half: bytes) -> None:
    said = client.post("/explain/cnn?top_k=2", data=half)
    assert said.json["model"] == "cnn"
    assert said.json["version"] == 1
    assert set(said.json["milliseconds"]) == {"decode", "preprocess", "explain"}
    described = [(layer["kind"], layer["shape"]) for layer in layers(said).values()]
    assert described == [("Input", [1, 8, 8]), ("Conv", [2, 6, 6]), ("Relu", [2, 6, 6]), ("Softmax", [3])]
    assert list(layers(said)) == ["input", "conv1", "relu1", "probabilities"]
    assert layers(said)["input"]["range"] == [0, 255]
    assert not any("values" in layer for layer in layers(said).values())


def test_the_answer_is_that_of_predict(client: FlaskClient, half: bytes) -> None:
    explained = client.post("/explain/cnn?top_k=2", data=half).json
    (predicted,) = client.post("/predict/cnn?top_k=2", data=half).json["predictions"]
    for key in ("label", "probability", "top_k"):
        assert explained[key] == predicted[key]


def test_the_default_model_is_explained(client: FlaskClient, half: bytes) -> None:
    assert client.post("/explain", data=half).json["model"] == "cnn"


def test_values_as_numbers(client: FlaskClient, half: bytes) -> None:
    found = layers(client.post("/explain/cnn?layer=conv1&layer=input", data=half))
    pixels, maps = (np.array(found[name]["values"]) for name in ("input", "conv1"))
    assert pixels[0, 0].tolist() == [255] * 4 + [0] * 4
    assert maps.shape == (2, 6, 6)
    assert maps[0, 0] == pytest.approx(0.1 * 3 * np.convolve(pixels[0, 0], [1, 1, 1], "valid"), rel=1e-5)
    assert maps[1] == pytest.approx(-2 * maps[0], rel=1e-5)
    assert "values" not in found["relu1"]


def test_all_layers_as_bytes(client: FlaskClient, half: bytes) -> None:
    asked = {form: layers(client.post(f"/explain/cnn?layer=all&format={form}", data=half)) for form in ("json", "int8")}
    assert list(asked["int8"]) == ["input", "conv1", "relu1", "probabilities"]
    for name, layer in asked["int8"].items():
        values = np.frombuffer(b64decode(layer["values"]), np.int8).reshape(layer["shape"])
        exact = np.array(asked["json"][name]["values"])
        assert values * layer["scale"] == pytest.approx(exact, abs=layer["scale"] * 0.501)
        assert np.abs(values.astype(int)).max() == 127


def test_the_strongest_maps(client: FlaskClient, half: bytes) -> None:
    strongest = layers(client.post("/explain/cnn?layer=conv1&most=1", data=half))["conv1"]
    assert strongest["maps"] == [1]
    assert strongest["shape"] == [2, 6, 6]
    assert np.array(strongest["values"]).shape == (1, 6, 6)
    assert layers(client.post("/explain/cnn?layer=conv1&most=9", data=half))["conv1"]["maps"] == [0, 1]
    assert (
        len(layers(client.post("/explain/cnn?layer=probabilities&most=1", data=half))["probabilities"]["values"]) == 3
    )


def test_of_many_maps_the_64_strongest_are_given(tmp_path: Path, half: bytes) -> None:
    networks = convolutional(filters=70) | {"preprocess.onnx": shrink()}
    publish_images(tmp_path, networks=networks)
    client = create_app(Config(store=tmp_path)).test_client()
    assert layers(client.post("/explain?layer=conv1", data=half))["conv1"]["maps"] == [*range(6, 70)]
    assert layers(client.post("/explain?layer=conv1&most=70", data=half))["conv1"]["maps"] == [*range(70)]


def test_filters_of_a_convolution(client: FlaskClient, half: bytes) -> None:
    filters = layers(client.post("/explain/cnn?layer=filters", data=half))["filters"]
    assert (filters["kind"], filters["shape"]) == ("Filters", [2, 1, 3, 3])
    assert np.array(filters["values"])[:, 0, 0, 0] == pytest.approx([0.1, -0.2])


def test_filters_of_a_fully_connected_layer_are_as_large_as_the_picture(client: FlaskClient, half: bytes) -> None:
    filters = layers(client.post("/explain/fnn?layer=filters", data=half))["filters"]
    assert filters["shape"] == [3, 1, SIZE, SIZE]
    light = np.array(filters["values"])[1]
    assert light == pytest.approx(20 / (255 * SIZE * SIZE))
    assert not np.array(filters["values"])[[0, 2]].any()


def test_occlusion_finds_what_carried_the_answer(client: FlaskClient, picture: Encode) -> None:
    """A dark page with a light corner: the light one speaks against “dark”, so hiding it helps."""
    page = Image.new("L", (SIZE, SIZE), "black")
    page.paste(255, (0, 0, 3, 3))
    file = BytesIO()
    page.save(file, "PNG")
    answer = client.post("/explain/cnn?layer=occlusion", data=file.getvalue())
    assert answer.json["label"] == "dark"
    (heat,) = layers(answer)["occlusion"]["values"]
    heat = np.array(heat)
    assert heat.shape == (SIZE, SIZE)
    assert heat[0, 0] < -0.01
    assert heat[-1, -1] == pytest.approx(0, abs=1e-4)
    assert heat.argmin() % SIZE < 3


@pytest.mark.parametrize("name", ["conv1", "input", "filters", "occlusion", "probabilities"])
def test_one_layer_as_a_picture(client: FlaskClient, half: bytes, name: str) -> None:
    for way in ({"path": f"/explain/cnn?layer={name}&format=png"}, {"path": f"/explain/cnn?layer={name}"}):
        answer = client.post(**way, data=half, headers={"Accept": "image/png"})
        assert answer.content_type == "image/png"
        assert Image.open(BytesIO(answer.data)).format == "PNG"
    assert client.post(f"/explain/cnn?layer={name}", data=half, headers={"Accept": "*/*"}).is_json


def test_the_picture_of_maps_is_blue_above_0_and_orange_below(client: FlaskClient, half: bytes) -> None:
    page = Image.open(BytesIO(client.post("/explain/cnn?layer=conv1&format=png", data=half).data)).convert("RGB")
    times = 640 // 13
    assert page.size == (13 * times, 6 * times)
    left, right = (page.getpixel((x * times, times)) for x in (0, 7))
    assert left[2] > left[0]
    assert right[0] > right[2]
    assert page.getpixel((5 * times, times)) == (255, 255, 255)


def test_pictures_of_colour_are_shown_in_colour(tmp_path: Path, picture: Encode) -> None:
    nodes = [
        helper.make_node("Resize", ["image", "", "", "sizes"], ["small"], mode="nearest"),
        helper.make_node("Transpose", ["small"], ["turned"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["turned", "first"], ["pixels"]),
    ]
    constants = {"sizes": np.array([SIZE, SIZE, 3]), "first": np.array([0])}
    image, pixels = tensor("image", TensorProto.UINT8, ["h", "w", 3]), tensor("pixels", TensorProto.UINT8, [1, 3, 8, 8])
    shape = {"kind": "image", "name": "pixels", "shape": ["N", 3, SIZE, SIZE], "dtype": "uint8"}
    networks = convolutional(3) | {"preprocess.onnx": model_of(nodes, [image], [pixels], constants)}
    publish_images(tmp_path, networks=networks, input=shape)
    client = create_app(Config(store=tmp_path)).test_client()
    seen = Image.open(BytesIO(client.post("/explain?layer=input&format=png", data=picture(colour="red")).data))
    assert seen.convert("RGB").getpixel((9, 9)) == (255, 0, 0)
    assert layers(client.post("/explain?layer=filters", data=picture()))["filters"]["shape"] == [2, 3, 3, 3]
    filters = Image.open(BytesIO(client.post("/explain?layer=filters&format=png", data=picture()).data))
    assert filters.convert("RGB").getpixel((1, 1)) == (191, 191, 191)


def test_a_row_of_numbers(client: FlaskClient) -> None:
    found = layers(client.post("/explain/linear?layer=all", json={"inputs": [[1, 2, 3, 4]]}))
    assert found["input"]["values"] == [1, 2, 3, 4]
    assert found["probabilities"]["kind"] == "Softmax"
    for name in ("filters", "occlusion"):
        refused = client.post(f"/explain/linear?layer={name}", json={"inputs": [[1, 2, 3, 4]]})
        assert refused.json["error"]["code"] == "invalid_parameter"


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("layer=nope", "no layer 'nope' here; there are input, conv1, relu1, probabilities, all"),
        ("format=gif", "expected ?format= to be one of json, int8, png, got 'gif'"),
        ("format=png", "expected one ?layer= for a picture, got 0"),
        ("format=png&layer=all", "expected one ?layer= for a picture, got 4"),
        ("most=0", "expected ?most= to be a whole number"),
        ("version=x", "expected ?version= to be a whole number"),
    ],
)
def test_parameters_that_do_not_fit(client: FlaskClient, half: bytes, query: str, complaint: str) -> None:
    answer = client.post(f"/explain/cnn?{query}", data=half)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "invalid_parameter")
    assert complaint in answer.json["error"]["message"]


def test_what_cannot_be_explained(client: FlaskClient, half: bytes) -> None:
    for path, data, status, code in (
        ("/explain/old", half, 404, "no_explanation"),
        ("/explain/nope", half, 404, "model_not_found"),
        ("/explain/cnn?version=7", half, 404, "version_not_found"),
        ("/explain/cnn", b"no picture", 400, "not_an_image"),
        ("/explain/cnn", b"", 400, "empty_body"),
        ("/explain/linear", half, 400, "wrong_input_kind"),
        ("/explain/cnn", {"image": [(BytesIO(half), "a.png"), (BytesIO(half), "b.png")]}, 413, "too_many_inputs"),
    ):
        answer = client.post(path, data=data)
        assert (answer.status_code, answer.json["error"]["code"]) == (status, code), path


@pytest.mark.parametrize("damage", ["content", "outputs"])
def test_a_damaged_explanation_is_refused_and_the_model_answers_on(tmp_path: Path, half: bytes, damage: str) -> None:
    networks = convolutional() | {"preprocess.onnx": shrink()}
    if damage == "outputs":
        networks["explain.onnx"].graph.output.pop()
    folder = publish_images(tmp_path, networks=networks)
    if damage == "content":
        (folder / "explain.onnx").write_bytes(b"something else")
    client = create_app(Config(store=tmp_path)).test_client()
    answer = client.post("/explain", data=half)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "model_unavailable")
    assert client.post("/predict", data=half).json["predictions"][0]["label"] in LABELS


def test_nothing_is_kept_of_a_model_that_is_gone(tmp_path: Path, half: bytes) -> None:
    """The new version of the same name has other layers."""
    publish_images(tmp_path, networks=convolutional() | {"preprocess.onnx": shrink()})
    app = create_app(Config(store=tmp_path))
    assert "conv1" in layers(app.test_client().post("/explain", data=half))
    plain = {"model.onnx": brightness_network(), "preprocess.onnx": shrink(), "explain.onnx": brightness_network()}
    publish_images(tmp_path, version=2, networks=plain)
    app.extensions["numserve"].refresh()
    assert list(layers(app.test_client().post("/explain", data=half))) == ["input", "probabilities"]
    assert "conv1" in layers(app.test_client().post("/explain?version=1", data=half))
