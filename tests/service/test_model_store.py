"""The store as the service reads it: what is seen, what is ignored, and what is refused before it is used."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from stores import brightness_network, model_of, promote, publish_features, publish_images, shrink, slow_network, tensor

from service import runtime
from service.errors import BrokenVersion, ServiceError
from service.manifest import parse_manifest
from service.onnxfile import refuse_foreign
from service.runtime import Model, options, verify
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
        ({"task": "ranking"}, "task"),
        ({"task": "regression"}, "labels"),
        ({"labels": []}, "labels"),
        ({"labels": [0, 1, 2]}, "labels"),
        ({"labels": None}, "labels"),
        ({"input": None}, "input"),
        ({"input": {"kind": "sound"}}, "input.kind"),
        ({"input": {"kind": "image", "dtype": "float32"}}, "input.dtype"),
        ({"input": {"kind": "image", "dtype": "uint8", "shape": [1]}}, "input.name"),
        ({"input": {"kind": "image", "dtype": "uint8", "name": "pixels", "shape": ["N", 4]}}, "input.shape"),
        ({"input": {"kind": "image", "dtype": "uint8", "name": "pixels", "shape": ["N", 1, "H", 8]}}, "input.shape"),
        (
            {"input": {"kind": "image", "dtype": "uint8", "name": "pixels", "shape": ["N", 1, 2**40, 8]}},
            "at most 67108864",
        ),
        (
            {"input": {"kind": "image", "dtype": "uint8", "name": "pixels", "shape": ["N", 2**62, 4, 1]}},
            "at most 67108864",
        ),
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


def elsewhere() -> onnx.TensorProto:
    """A tensor whose numbers are in another file."""
    return external(model_of([], [], [], {"w": [1.0]})).graph.initializer[0]


def branching(node: onnx.NodeProto, depth: int = 1) -> onnx.NodeProto:
    """The node in a branch of an If, in a branch of an If, …"""
    for _ in range(depth):
        branch = helper.make_graph([node], "branch", [], [])
        node = helper.make_node("If", ["x"], ["y"], then_branch=branch)
    return node


def sparse() -> onnx.SparseTensorProto:
    return helper.make_sparse_tensor(elsewhere(), numpy_helper.from_array(np.array([0])), [4])


def of_nodes(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    return model_of(list(nodes), [], [], {})


def with_sparse_weights() -> onnx.ModelProto:
    model = of_nodes()
    model.graph.sparse_initializer.append(sparse())
    return model


def with_graphs_in_a_list() -> onnx.ModelProto:
    node = onnx.NodeProto(op_type="If")
    graph = node.attribute.add(name="all", type=onnx.AttributeProto.GRAPHS).graphs.add()
    graph.initializer.append(elsewhere())
    return of_nodes(node)


def with_tensors_in_a_list() -> onnx.ModelProto:
    node = onnx.NodeProto(op_type="Constant")
    node.attribute.add(name="all", type=onnx.AttributeProto.TENSORS).tensors.append(elsewhere())
    return of_nodes(node)


def with_training() -> onnx.ModelProto:
    model = of_nodes()
    model.training_info.add().initialization.initializer.append(elsewhere())
    return model


def in_loop_body() -> onnx.ModelProto:
    body = helper.make_graph([], "body", [], [], [elsewhere()])
    return of_nodes(helper.make_node("Loop", ["m", "c"], ["y"], body=body))


def with_wide_location() -> bytes:
    """EXTERNAL as 2**32 + 1, which is 1 to readers that keep 32 bits of it."""
    tensor = b"\x70\x81\x80\x80\x80\x10"
    graph = b"\x2a" + bytes([len(tensor)]) + tensor
    return b"\x3a" + bytes([len(graph)]) + graph


@pytest.mark.parametrize(
    "model",
    [
        external(brightness_network()),
        of_nodes(branching(helper.make_node("Constant", [], ["c"], value=elsewhere()))),
        of_nodes(branching(helper.make_node("Constant", [], ["c"], value=elsewhere()), depth=5)),
        of_nodes(helper.make_node("Constant", [], ["c"], sparse_value=sparse())),
        with_sparse_weights(),
        with_graphs_in_a_list(),
        with_tensors_in_a_list(),
        with_training(),
        in_loop_body(),
        with_wide_location(),
    ],
    ids=[
        "initializer",
        "branch",
        "deep",
        "sparse-attribute",
        "sparse",
        "graphs",
        "tensors",
        "training",
        "loop",
        "wide",
    ],
)
def test_weights_in_other_files_are_refused(model: onnx.ModelProto | bytes) -> None:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(BrokenVersion, match="keeps weights in another file"):
        refuse_foreign(data, "model.onnx")


FOREIGN = helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")


@pytest.mark.parametrize("model", [of_nodes(FOREIGN), of_nodes(branching(FOREIGN, 3))], ids=["graph", "branch"])
def test_operators_of_other_domains_are_refused(model: onnx.ModelProto) -> None:
    with pytest.raises(BrokenVersion, match=r"operators of the domain 'com\.microsoft'"):
        refuse_foreign(model.SerializeToString(), "model.onnx")


@pytest.mark.parametrize("domain", ["", "of.my.own"])
def test_functions_are_refused(domain: str) -> None:
    """Even one that only takes the place of a standard operator."""
    model = brightness_network()
    node = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function(domain, "Softmax", ["x"], ["y"], [node], model.opset_import))
    with pytest.raises(BrokenVersion, match="brings operators of its own, as functions"):
        refuse_foreign(model.SerializeToString(), "model.onnx")


def test_graphs_within_graphs_without_end_are_refused() -> None:
    with pytest.raises(BrokenVersion, match="nests graphs too deeply"):
        refuse_foreign(of_nodes(branching(FOREIGN, 30)).SerializeToString(), "model.onnx")


def test_fields_that_readers_of_protobuf_understand_differently_are_refused() -> None:
    """A domain whose field has the number 7 in 32 bits, and another one in 64; a field 0."""
    node = b"\xba\x80\x80\x80\x10" + b"\x01x"
    graph = b"\x0a" + bytes([len(node)]) + node
    for data in (b"\x3a" + bytes([len(graph)]) + graph, b"\x00\x00"):
        with pytest.raises(BrokenVersion, match="not an ONNX file"):
            refuse_foreign(data, "model.onnx")


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
    elif change == "empty":
        model.graph.initializer[0].ClearField("raw_data")
    elif change == "negative":
        model.graph.initializer[0].dims[:] = [-64, -3]
    elif change == "giant":
        model.graph.initializer[0].dims[:] = [64, 3, 2**60]
    elif change == "memory":
        model = with_constant_of(2**42)
    return model


def with_constant_of(size: int) -> onnx.ModelProto:
    """The network, which makes a tensor of that many numbers and adds their sum, which is 0."""
    model = brightness_network()
    softmax = model.graph.node.pop()
    model.graph.node.extend([
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["zero"], keepdims=0),
        helper.make_node("Add", ["scores", "zero"], ["sum"]),
        helper.make_node("Softmax", ["sum"], softmax.output),
    ])  # fmt: skip
    model.graph.initializer.append(numpy_helper.from_array(np.array([size]), "size"))
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
        ("empty", "refused by onnxruntime"),
        ("negative", "refused by onnxruntime"),
        ("giant", "refused by onnxruntime"),
        ("memory", "a first run failed"),
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


def test_pictures_of_the_network_s_own_size_become_the_same_pixels(tmp_path: Path) -> None:
    """They have a session of their own, which is made for that size."""
    publish_images(tmp_path)
    model = Model(Store(tmp_path).version("cnn", 1))
    assert model.preprocessing
    assert model.at_size
    assert model.at_size.get_inputs()[0].shape == [8, 8, 3]
    for seed in range(20):
        image = np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
        np.testing.assert_array_equal(model.preprocess(image), model.preprocessing.run(None, {"image": image})[0])


def test_model_of_numbers_needs_no_preprocessing(tmp_path: Path) -> None:
    publish_features(tmp_path)
    model = Model(Store(tmp_path).version("linear", 1))
    assert model.preprocessing is None
    assert model.title == "linear/1"


def test_networks_that_never_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "FIRST_RUN_SECONDS", 0.2)
    publish_images(tmp_path, networks={"model.onnx": slow_network(2**62), "preprocess.onnx": shrink()})
    with pytest.raises(BrokenVersion, match="a first run failed"):
        Model(Store(tmp_path).version("cnn", 1))


def test_onnxruntime_s_own_format_is_refused(tmp_path: Path) -> None:
    """Our reader takes it for rubbish; were it made to look like protobuf, it should still not be loaded."""
    saving = options()
    saving.optimized_model_filepath = str(tmp_path / "model.ort")
    saving.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(brightness_network().SerializeToString(), saving, providers=["CPUExecutionProvider"])
    data = (tmp_path / "model.ort").read_bytes()
    assert data[4:8] == b"ORTM"
    with pytest.raises(BrokenVersion, match="not an ONNX file"):
        refuse_foreign(data, "model.onnx")
    with pytest.raises(Exception, match="protobuf parsing failed"):
        onnxruntime.InferenceSession(data, options(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("file", ["model.onnx", "preprocess.onnx"])
@pytest.mark.parametrize(
    ("change", "complaint"),
    [("sum", "its SHA-256 is not"), ("external", "weights in another file"), ("domain", "operators of the domain"),
     ("function", "operators of its own"), ("input", "inputs: expected"), ("more", "inputs: expected"),
     ("rubbish", "not an ONNX file")],
)  # fmt: skip
def test_every_file_that_is_served_is_held_to_the_same(tmp_path: Path, file: str, change: str, complaint: str) -> None:
    """Before a session is made of it, and when a version that others wait behind is only verified."""
    networks = {"model.onnx": brightness_network(), "preprocess.onnx": shrink()}
    model = networks[file]
    if change == "external":
        external(model)
    elif change == "domain":
        model.graph.node.append(FOREIGN)
    elif change == "function":
        model.functions.add(name="f")
    elif change == "input":
        model.graph.input[0].name = model.graph.node[0].input[0] = "other"
    elif change == "more":
        model.graph.input.append(tensor("more", TensorProto.FLOAT, [1]))
    path = publish_images(tmp_path, networks=networks) / file
    if change == "sum":
        path.write_bytes(path.read_bytes() + b"\n")
    elif change == "rubbish":
        path.write_bytes(b"rubbish")
        document = json.loads((path.parent / "manifest.json").read_text())
        document["files"][file] = hashlib.sha256(b"rubbish").hexdigest()
        (path.parent / "manifest.json").write_text(json.dumps(document))
    version = Store(tmp_path).version("cnn", 1)
    with pytest.raises(BrokenVersion, match=f"{file}.*{complaint}"):
        Model(version)
    if change not in ("input", "more"):  # which only a session tells
        with pytest.raises(BrokenVersion, match=f"{file}.*{complaint}"):
            verify(version)
