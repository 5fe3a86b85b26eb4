"""From a run to a version: the files, and what the manifest says of them."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from pipeline import files, steps
from pipeline.data import digits
from pipeline.errors import RunError, StoreError
from pipeline.export import store
from pipeline.network.parser import parse
from pipeline.training.run import Run


@pytest.fixture
def run(trained: Any, tmp_path: Path) -> Run:
    """A finished run, to be published from."""
    return Run(Path(shutil.copytree(trained.run, tmp_path / "run")))


@pytest.fixture(scope="module")
def version(trained: Any) -> Path:
    return trained.store / "fnn" / "1"


@pytest.fixture(scope="module")
def manifest(version: Path) -> dict[str, Any]:
    return json.loads((version / "manifest.json").read_text())


def test_a_version_has_the_files_of_the_contract(version: Path) -> None:
    assert {path.name for path in version.iterdir()} == {
        "model.onnx",
        "preprocess.onnx",
        "explain.onnx",
        "manifest.json",
        "report",
    }
    assert (version / "report" / "index.html").stat().st_size > 0


def test_every_graph_is_whole(version: Path) -> None:
    for path in version.glob("*.onnx"):
        onnx.checker.check_model(onnx.load(path), full_check=True)


def test_the_manifest_has_every_file_with_its_checksum(version: Path, manifest: dict[str, Any]) -> None:
    found = {str(path.relative_to(version)): files.sha256(path) for path in version.rglob("*") if path.is_file()}
    del found["manifest.json"]
    assert manifest["files"] == found


def test_the_manifest_says_what_was_done(trained: Any, manifest: dict[str, Any]) -> None:
    run, data = Run(trained.run), digits.load()
    assert (manifest["schema"], manifest["name"], manifest["version"]) == (1, "fnn", 1)
    assert manifest["task"] == "classification"
    assert manifest["labels"] == list("0123456789")
    assert manifest["input"] == {"kind": "image", "name": "pixels", "shape": ["N", 1, 8, 8], "dtype": "uint8"}
    assert manifest["outputs"] == [{"name": "probabilities", "shape": ["N", 10], "dtype": "float32"}]
    assert str(parse(manifest["architecture"])) == manifest["architecture"] == run.job.recipe.architecture
    assert manifest["parameters"] == run.network().theta.size
    training = manifest["training"]
    assert training["dataset"] == {
        "name": "digits",
        "sha256": data.sha256,
        "pictures": "ink",
        "train": 1293,
        "validation": 144,
        "test": 360,
    }
    assert (training["seed"], training["epochs"], training["epochs_done"]) == (1, 12, 12)
    assert (training["optimizer"], training["schedule"], training["batch_size"]) == ("adam", "one-cycle", 128)
    assert set(training["versions"]) >= {"numserve", "numpy", "onnx", "onnxruntime"}
    assert training["seconds"] > 0


def test_the_metrics_are_those_of_the_test_set(trained: Any, manifest: dict[str, Any]) -> None:
    test = digits.load().test
    Y = Run(trained.run).network().predict(test.X)
    assert manifest["metrics"]["accuracy"] == pytest.approx(np.mean(Y.argmax(axis=1) == test.labels))
    assert manifest["parity"]["samples"] == len(test) == 360
    assert 0 <= manifest["parity"]["difference"] <= 1e-5


@pytest.mark.parametrize("missing", ["metrics.json", "export/parity.json"])
def test_a_step_that_was_left_out_is_said_before_anything_is_touched(run: Run, tmp_path: Path, missing: str) -> None:
    (run.folder / missing).unlink()
    with pytest.raises(RunError, match=missing):
        steps.publish(run, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_part_that_went_missing_publishes_nothing(run: Run, tmp_path: Path) -> None:
    (run.folder / "weights.npz").unlink()
    with pytest.raises(RunError, match=r"weights\.npz"):
        steps.publish(run, tmp_path / "models")
    assert store.names(tmp_path / "models") == []


def test_a_disk_that_fills_up_half_way(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    assert steps.publish(run, models) == 1
    write, before = Path.write_bytes, sorted(models.rglob("*"))

    def fills_up(path: Path, content: bytes) -> int:
        if path.name == "model.onnx":
            write(path, content[: len(content) // 2])
            raise OSError(28, "No space left on device", str(path))
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fills_up)
        with pytest.raises(StoreError, match="No space left on device"):
            steps.publish(run, models)
    assert sorted(models.rglob("*")) == before
    assert steps.publish(run, models) == 2
