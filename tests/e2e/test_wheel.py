"""The wheel, built from this checkout and installed in an environment of its own, away from the checkout."""

import json
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import requests
from PIL import Image
from project import ROOT, eventually, ready, run, without_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", *options, ROOT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the console scripts."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", folder)
    pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet")
    for lock in ("service", "pipeline"):
        run(*pip, "--require-hashes", "-r", ROOT / "requirements" / f"{lock}.txt")
    run(*pip, "--no-deps", wheel)
    return folder / "bin"


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def store(installed: Path, tmp_path: Path) -> Path:
    """Published by the installed `pipeline`, outside the checkout."""
    places = ("--store", tmp_path / "models", "--runs", tmp_path / "runs")
    arguments = ("train", "cnn", "--dataset", "digits", "--epochs", "30", *places)
    said = run(installed / "pipeline", *arguments, cwd=tmp_path, env=without_settings())
    assert "published" in said
    return tmp_path / "models"


@pytest.fixture
def address(installed: Path, store: Path, port: int, tmp_path: Path) -> Iterator[str]:
    command = [str(installed / "service"), "--port", str(port), "--store", str(store)]
    with subprocess.Popen(command, cwd=tmp_path, env=without_settings()) as process:
        try:
            eventually(lambda: ready(f"http://127.0.0.1:{port}"), 30)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            assert process.wait(15) == 0


def test_wheel_holds_every_file_of_both_packages(wheel: Path) -> None:
    kept = {
        str(path.relative_to(ROOT))
        for package in ("pipeline", "service")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert held == kept
    assert {"pipeline/py.typed", "service/py.typed"} <= held


def test_what_the_installed_pipeline_publishes_the_installed_service_answers_with(address: str, store: Path) -> None:
    picture = BytesIO()
    Image.new("L", (8, 8)).save(picture, "PNG")
    answer = requests.post(f"{address}/predict", picture.getvalue(), timeout=30)
    labels = json.loads((store / "cnn" / "1" / "manifest.json").read_text())["labels"]
    assert answer.json()["predictions"][0]["label"] in labels
