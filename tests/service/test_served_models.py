"""Following the store: publications, promotions, removals and broken versions, while requests go on."""

import logging
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from stores import promote, publish_broken, publish_images

from service.errors import ModelNotFound, ModelUnavailable, VersionNotFound
from service.models import OTHERS_KEPT, Models
from service.store import Store

PIXELS = np.zeros((1, 1, 8, 8), np.uint8)


@pytest.fixture
def models(store: Path) -> Models:
    models = Models(Store(store))
    models.refresh()
    return models


def served(models: Models, name: str = "cnn") -> int:
    models.refresh()
    return models.get(name).version.number


def test_newest_is_served_and_a_publication_is_picked_up(models: Models, store: Path) -> None:
    assert served(models) == 1
    before = models.get("cnn")
    publish_images(store, version=2)
    assert models.get("cnn") is before
    assert served(models) == 2
    assert before.probabilities(PIXELS).shape == (1, 3)  # a request under way finishes on the old one


def test_nothing_is_loaded_again_without_a_change(models: Models) -> None:
    before = models.get("cnn")
    models.refresh()
    assert models.get("cnn") is before


def test_promotion_and_back(models: Models, store: Path) -> None:
    publish_images(store, version=2)
    assert served(models) == 2
    for version in (1, 2, 1):
        promote(store, "cnn", version)
        assert served(models) == version
    (store / "cnn" / "current").unlink()
    assert served(models) == 2


def test_same_version_with_other_files_is_loaded_again(models: Models, store: Path) -> None:
    publish_images(store, labels=["night", "day", "never"])
    models.refresh()
    assert models.get("cnn").manifest.labels[0] == "night"


def test_removed_version_and_removed_model(models: Models, store: Path) -> None:
    publish_images(store, version=2)
    assert served(models) == 2
    shutil.rmtree(store / "cnn" / "2")
    assert served(models) == 1
    shutil.rmtree(store / "cnn")
    models.refresh()
    with pytest.raises(ModelNotFound, match="models: linear"):
        models.get("cnn")


def test_first_publication_in_an_empty_store(tmp_path: Path) -> None:
    models = Models(Store(tmp_path))
    models.refresh()
    with pytest.raises(ModelNotFound, match="none yet"):
        models.get("cnn")
    publish_images(tmp_path)
    assert served(models) == 1


def test_broken_version_is_logged_once_and_the_one_before_goes_on(
    models: Models, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = models.get("cnn")
    publish_broken(store, version=2)
    for _ in range(3):
        models.refresh()
    assert models.get("cnn") is before
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "version 2 of model 'cnn' is broken and not served" in caplog.text
    with pytest.raises(ModelUnavailable, match="not the one that was published"):
        models.get("cnn", 2)
    publish_images(store, version=2)
    assert served(models) == 2  # once its files are right, it is served


def test_promotion_of_a_broken_version_changes_nothing(models: Models, store: Path) -> None:
    publish_images(store, version=2)
    publish_broken(store, version=3)
    promote(store, "cnn", 1)
    assert served(models) == 1
    promote(store, "cnn", 3)
    assert served(models) == 1


@pytest.mark.parametrize("pointer", ["7", "nonsense"])
def test_current_that_points_nowhere(models: Models, store: Path, pointer: str) -> None:
    promote(store, "cnn", pointer)
    assert served(models) == 1


def test_started_on_a_broken_version_the_next_older_is_served(store: Path) -> None:
    publish_images(store, version=2)
    publish_broken(store, version=3)
    assert served(Models(Store(store))) == 2


def test_only_broken_versions(tmp_path: Path) -> None:
    publish_broken(tmp_path, version=1)
    models = Models(Store(tmp_path))
    models.refresh()
    with pytest.raises(ModelUnavailable, match="no version of model 'cnn' can be served"):
        models.get("cnn")


def test_versions_that_nobody_asks_for_are_verified_too(models: Models, store: Path) -> None:
    promote(store, "cnn", 1)
    publish_broken(store, version=2)
    models.refresh()
    assert models.reasons(models.listing("cnn")) == {}
    models.verify_one()
    assert list(models.reasons(models.listing("cnn"))) == [2]


def test_other_versions_are_loaded_on_demand_and_few_are_kept(models: Models, store: Path) -> None:
    for version in range(2, 12):
        publish_images(store, version=version)
    models.refresh()
    for version in range(1, 12):
        assert models.get("cnn", version).version.number == version
    assert models.get("cnn", 10) is models.get("cnn", 10)
    models.refresh()
    assert len(models._loaded) <= OTHERS_KEPT + len(models.served)
    with pytest.raises(VersionNotFound, match="no version 12; versions: 1, 2"):
        models.get("cnn", 12)


def test_swaps_under_way_fail_no_request(models: Models, store: Path) -> None:
    failures, seen, done = [], set(), threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                model = models.get("cnn")
                seen.add(model.version.number)
                assert model.probabilities(PIXELS).shape == (1, 3)
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for version in range(2, 12):
        publish_images(store, version=version)
        models.refresh()
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(seen) > 1
