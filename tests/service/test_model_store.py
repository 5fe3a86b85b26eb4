"""The store as the service reads it: what is seen, what is ignored, and what is refused before it is used."""

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from stores import brightness_network, model_of, promote, publish_features, publish_images, shrink, tensor

from service.errors import BrokenVersion, ServiceError
from service.manifest import parse_manifest
from service.onnxfile import refuse_foreign
from service.runtime import Model
from service.store import Store


def test_versions_are_whole_numbers_and_everything_else_is_ignored(store: Path) -> None:
    publish_images(store, version=10)
    publish_images(store, version=9)
    for other in (".publishing-11", "11.tmp", "v12", "-3", "0", "007", "٣"):
        (store / "cnn" / other).mkdir()
    (store / "cnn" / "13").write_text("a file")
    (store / ".hidden" / "1").mkdir(parents=True)
    (store / "README.md").write_text("not a model")
    (store / "empty").mkdir()
    listings = Store(store).scan()
    assert list(listings) == ["cnn", "linear"]
    assert list(listings["cnn"].versions) == [1, 9, 10]
    assert listings["cnn"].wanted == 10


def test_current_is_wanted_rather_than_the_newest(store: Path) -> None:
    publish_images(store, version=2)
    promote(store, "cnn", 1)
    assert Store(store).scan()["cnn"].wanted == 1


@pytest.mark.parametrize("pointer", ["", "one", "-1", "1.0"])
def test_current_that_names_no_version_leaves_the_newest(store: Path, pointer: str) -> None:
    promote(store, "cnn", pointer)
    assert Store(store).scan()["cnn"].wanted == 1


def test_signature_changes_with_the_files(store: Path) -> None:
    before = Store(store).scan()["cnn"].versions[1]
    assert Store(store).scan()["cnn"].versions[1] == before
    publish_images(store)
    assert Store(store).scan()["cnn"].versions[1] != before


def test_store_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no such file or directory"):
        Store(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="not a directory"):
        Store(tmp_path / "file")


def test_files_are_verified_when_they_are_read(store: Path) -> None:
    version = Store(store).version("cnn", 1)
    assert version.read("model.onnx") == (store / "cnn" / "1" / "model.onnx").read_bytes()
    with (store / "cnn" / "1" / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(BrokenVersion, match=r"model\.onnx is not the one that was published"):
        version.read("model.onnx")
    (store / "cnn" / "1" / "preprocess.onnx").unlink()
    with pytest.raises(BrokenVersion, match=r"preprocess.onnx cannot be read: no such file"):
        version.read("preprocess.onnx")
    with pytest.raises(BrokenVersion, match=r"no SHA-256 of explain\.onnx"):
        version.read("explain.onnx")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"schema": 2}, "schema"),
        ({"name": "other"}, "name"),
        ({"version": 2}, "version"),
        ({"version": "1"}, "version"),
        ({"task": "regression"}, "task"),
        ({"labels": []}, "labels"),
        ({"labels": [0, 1, 2]}, "labels"),
        ({"labels": None}, "labels"),
        ({"input": None}, "input"),
        ({"input": {"kind": "sound"}}, "input.kind"),
        ({"input": {"kind": "image", "dtype": "float32"}}, "input.dtype"),
        ({"input": {"kind": "image", "dtype": "uint8", "shape": [1]}}, "input.name"),
        ({"input": {"kind": "image", "dtype": "uint8", "name": "pixels", "shape": ["N", 4]}}, "input.shape"),
        ({"input": {"kind": "image", "dtype": "uint8", "name": "pixels", "shape": ["N", 1, "H", 8]}}, "input.shape"),
        ({"outputs": []}, "outputs"),
        ({"outputs": {}}, "outputs"),
        ({"outputs": [{"name": "p", "dtype": "float32", "shape": ["N", 9]}]}, "as many as labels"),
        ({"files": ["model.onnx"]}, "files"),
        ({"files": {"model.onnx": 5}}, "files"),
    ],
)
def test_manifests_that_break_the_contract(store: Path, changes: dict[str, Any], complaint: str) -> None:
    document = json.loads((store / "cnn" / "1" / "manifest.json").read_text())
    with pytest.raises(BrokenVersion, match=complaint):
        parse_manifest(json.dumps(document | changes).encode(), "cnn", 1)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"metrics": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_manifests_that_are_no_json(text: bytes) -> None:
    with pytest.raises(BrokenVersion, match=r"manifest\.json"):
        parse_manifest(text, "cnn", 1)


def test_batch_may_be_written_in_any_way(store: Path) -> None:
    for batch in ("N", None, -1, "batch"):
        shape = {"kind": "image", "name": "pixels", "shape": [batch, 1, 8, 8], "dtype": "uint8"}
        publish_images(store, input=shape)
        assert Store(store).version("cnn", 1).manifest.input.dims == (1, 8, 8)


def external(model: onnx.ModelProto) -> onnx.ModelProto:
    weights = model.graph.initializer[0]
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")
    weights.ClearField("raw_data")
    return model


def hidden_in_a_branch() -> onnx.ModelProto:
    """Weights in another file, two graphs deep: in a Constant of a branch of an If."""
    value = external(model_of([], [], [], {"w": [1.0]})).graph.initializer[0]
    branch = helper.make_graph([helper.make_node("Constant", [], ["c"], value=value)], "branch", [], [])
    return model_of([helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)], [], [], {})


def test_weights_in_other_files_are_refused() -> None:
    for model in (external(brightness_network()), hidden_in_a_branch()):
        with pytest.raises(BrokenVersion, match="keeps weights in another file"):
            refuse_foreign(model.SerializeToString(), "model.onnx")


def test_operators_of_other_domains_are_refused() -> None:
    model = model_of([helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")], [], [], {})
    with pytest.raises(BrokenVersion, match=r"operators of the domain 'com\.microsoft'"):
        refuse_foreign(model.SerializeToString(), "model.onnx")


def test_files_that_are_no_onnx_are_refused_or_left_to_onnxruntime() -> None:
    data = brightness_network().SerializeToString()
    refuse_foreign(data, "model.onnx")
    for at in (1, 10, len(data) // 2, len(data) - 1):
        with pytest.raises(BrokenVersion, match="not an ONNX file"):
            refuse_foreign(data[:at], "model.onnx")


def changed(model: onnx.ModelProto, change: str) -> onnx.ModelProto:
    """The network with one promise of its manifest broken."""
    if change == "name":
        model.graph.input[0].name = model.graph.node[0].input[0] = "picture"
    elif change == "size":
        model.graph.input[0].CopyFrom(tensor("pixels", TensorProto.UINT8, ["N", 1, 4, 16]))
    elif change == "batch":
        model.graph.input[0].CopyFrom(tensor("pixels", TensorProto.UINT8, [7, 1, 8, 8]))
    elif change == "type":
        model.graph.input[0].CopyFrom(tensor("pixels", TensorProto.FLOAT, ["N", 1, 8, 8]))
    elif change == "outputs":
        model.graph.output.append(tensor("scores", TensorProto.FLOAT, ["N", 3]))
    elif change == "infinite":
        model.graph.initializer[1].CopyFrom(numpy_helper.from_array(numpy_helper.to_array(
            model.graph.initializer[1]) * float("nan"), "b"))  # fmt: skip
    elif change == "operator":
        model.graph.node[0].op_type = "Sorcery"
    return model


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("name", "expected pixels uint8"),
        ("size", "expected pixels uint8"),
        ("batch", "expected pixels uint8"),
        ("type", "expected pixels uint8"),
        ("outputs", "expected probabilities float32"),
        ("infinite", "a first run gave"),
        ("operator", "refused by onnxruntime"),
    ],
)
def test_networks_that_are_not_as_promised(tmp_path: Path, change: str, complaint: str) -> None:
    files = {"model.onnx": changed(brightness_network(), change), "preprocess.onnx": shrink()}
    publish_images(tmp_path, networks=files)
    with pytest.raises(BrokenVersion, match=complaint):
        Model(Store(tmp_path).version("cnn", 1))


def test_preprocessing_that_makes_other_pixels(tmp_path: Path) -> None:
    wrong = shrink()
    wrong.graph.initializer[2].CopyFrom(numpy_helper.from_array(numpy_helper.to_array(wrong.graph.initializer[2]) * 2,
                                                                "sizes"))  # fmt: skip
    publish_images(tmp_path, networks={"model.onnx": brightness_network(), "preprocess.onnx": wrong})
    with pytest.raises(BrokenVersion, match=r"first run|refused by onnxruntime|expected pixels"):
        Model(Store(tmp_path).version("cnn", 1))


def test_model_of_numbers_needs_no_preprocessing(tmp_path: Path) -> None:
    publish_features(tmp_path)
    model = Model(Store(tmp_path).version("linear", 1))
    assert model.preprocessing is None
    assert model.title == "linear/1"
