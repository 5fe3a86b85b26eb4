"""A published version, trained again from its manifest."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TEXT = "INPUT 64 -> FC 20 relu -> DROPOUT 0.2 -> FC 10 softmax"
OPTIONS = ("--dataset", "digits", "--architecture", TEXT, "--epochs", 3, "--workers", 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.pipeline.conftest import run_command

    home = tmp_path_factory.mktemp("made")
    options = ("--store", home / "models", "--runs", home / "runs", "--average", 0.9, "--seed", 4)
    assert run_command("train", "fnn", *OPTIONS, *options).code == 0
    return home / "models"


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "models")


def rewrite(store: Path, change: Any) -> None:
    path = store / "fnn" / "1" / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_it_comes_out_the_same(pipeline: Any, store: Path) -> None:
    said = pipeline("reproduce", "fnn", 1, "--workers", 2)
    assert said.code == 0, said.err
    assert said.out.count("│ yes") == 3
    assert "may differ" not in said.out
    assert not (store / "fnn" / "2").exists(), "nothing is published"


def test_another_seed_does_not(pipeline: Any, store: Path) -> None:
    rewrite(store, lambda manifest: manifest["training"].update(seed=5))
    said = pipeline("reproduce", "fnn", 1)
    assert said.code == 10
    assert "explain.onnx, model.onnx: expected the bytes that were published" in said.err
    assert said.out.count("│ yes") == 1, "the preprocessing has no seed"


def test_what_may_be_the_reason_is_said(pipeline: Any, store: Path) -> None:
    rewrite(store, lambda manifest: manifest["training"]["versions"].update(numpy="1.0"))
    assert "published with numpy 1.0, this is 2." in pipeline("reproduce", "fnn", 1).out


def test_other_data_is_refused(pipeline: Any, store: Path) -> None:
    np.savez("other.npz", X=np.zeros((40, 8, 8), np.uint8), y=np.arange(40) % 10)
    said = pipeline("reproduce", "fnn", 1, "--dataset", "other.npz")
    assert said.code == 3
    assert "expected the data that the version was trained on" in said.err


def test_data_without_a_known_name_has_to_be_shown(pipeline: Any, store: Path) -> None:
    rewrite(store, lambda manifest: manifest["training"]["dataset"].update(name="pictures"))
    said = pipeline("reproduce", "fnn", 1)
    assert said.code == 3
    assert "say where it is, by --dataset" in said.err
    assert pipeline("reproduce", "fnn", 1, "--dataset", "digits").code == 0


def test_a_manifest_that_says_too_little(pipeline: Any, store: Path) -> None:
    rewrite(store, lambda manifest: manifest.pop("training"))
    said = pipeline("reproduce", "fnn", 1)
    assert said.code == 9
    assert "does not say enough" in said.err
