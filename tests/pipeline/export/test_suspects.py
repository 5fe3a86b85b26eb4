"""Suspects: examples with a wrong label are found by a model that was trained on right ones."""

from io import StringIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from pipeline.data import check, digits
from pipeline.export import store, suspects
from pipeline.export.suspects import SURE, unfit


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMSERVE_DATA", str(tmp_path_factory.mktemp("data")))


def examined(source: Any) -> check.Examples:
    return check.load(str(source), None, 1, Console(file=StringIO()))


def found(trained: Any, examples: check.Examples) -> list[suspects.Suspect]:
    home, manifest = trained.store / "fnn" / "1", store.manifest(trained.store, "fnn", 1)
    assert unfit(manifest, examples) is None
    return suspects.suspects(home, manifest, examples, Console(file=StringIO()))


def mislabelled(tmp_path: Any) -> Any:
    """The digits that are tested on, the first ten of each label under the next label's name."""
    test = digits.load().test
    y = test.labels.copy()
    for label in range(10):
        y[np.flatnonzero(test.labels == label)[:10]] = (label + 1) % 10
    np.savez(tmp_path / "set.npz", X=test.X[:, 0], y=y)
    return test, y


def test_wrong_labels_are_suspected(trained: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "PIECE", 37)
    test, y = mislabelled(tmp_path)
    examples = examined(tmp_path / "set.npz")
    came = found(trained, examples)
    rows = [int(examples.names[each.at].split()[1]) for each in came]
    wrong = set(np.flatnonzero(y != test.labels).tolist())
    assert len(wrong & set(rows)) > 60
    assert len(set(rows) - wrong) < 10
    assert [each.probability for each in came] == sorted((each.probability for each in came), reverse=True)
    assert min(each.probability for each in came) >= SURE
    right = [
        each for each, row in zip(came, rows, strict=True) if row in wrong and each.answer == str(test.labels[row])
    ]
    assert len(right) > 60


def test_files_go_through_the_model_s_own_preprocessing(trained: Any, tmp_path: Any) -> None:
    """Black on white, and larger; labels in another order than the model's."""
    test = digits.load().test
    for at in range(60):
        label = test.labels[at] if at != 20 else (test.labels[at] + 1) % 10
        (tmp_path / "set" / str(label)).mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(255 - test.X[at, 0]).resize((80, 80), Image.Resampling.BICUBIC)
        picture.save(tmp_path / "set" / str(label) / f"{at}.png")
    for other in "01":
        (tmp_path / "set" / other).mkdir(exist_ok=True)
    (tmp_path / "set" / "0" / "torn.png").write_text("no")
    examples = examined(tmp_path / "set")
    names = {examples.names[each.at].rsplit("/", 1)[1]: each.answer for each in found(trained, examples)}
    assert names["20.png"] == str(test.labels[20])
    assert len(names) < 8


def test_models_that_cannot_answer(trained: Any, tmp_path: Any) -> None:
    manifest = store.manifest(trained.store, "fnn", 1)
    np.savez(tmp_path / "a.npz", X=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2, label_names=["cat", "dog"])
    np.savez(tmp_path / "b.npz", X=np.zeros((20, 9, 8), np.uint8), y=np.arange(20) % 2)
    assert unfit(manifest, examined(tmp_path / "a.npz")) == (
        "expected a model of the same labels, it does not know “cat”"
    )
    assert unfit(manifest, examined(tmp_path / "b.npz")) == "expected a model of examples 1x9x8, it takes 1x8x8"
    for label in "01":
        (tmp_path / "set" / label).mkdir(parents=True)
        for at in range(3):
            Image.new("L", (8, 8)).save(tmp_path / "set" / label / f"{at}.png")
    manifest["input"]["shape"] = ["N", 64]
    assert unfit(manifest, examined(tmp_path / "set")) == "expected a model of pictures, it takes plain numbers"
