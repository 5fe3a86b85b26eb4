"""The folder that workers share: for this user only, there while the service runs, gone afterwards."""

import os
import stat

import pytest

import service.shared
from service.errors import ServiceError
from service.shared import shared_folder


def test_folder_is_private_and_goes_away() -> None:
    with shared_folder() as folder:
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        (folder / "file").touch()
        (folder / "unloaded").mkdir()
    assert not folder.exists()


def test_no_place_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(service.shared, "TemporaryDirectory", refuse)
    with pytest.raises(ServiceError, match="set TMPDIR"), shared_folder():
        pass
