"""Other people's clients, unmodified, are the judges: tritonclient[http] and KServe's, against two real workers.

They live in an environment of their own (build/clients, by `make clients`), where tests/clients/*.py run.
"""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import Service, running, until
from stores import publish_features, publish_images

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build" / "clients" / "bin" / "python"
KEY = "an API key"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("clients")
    publish_images(folder / "models")
    publish_features(folder / "models")
    (folder / "keys").write_text(KEY + "\n")
    with running(folder / "models", folder / "log", NUMSERVE_API_KEYS_FILE=str(folder / "keys")) as service:
        until(lambda: len(service.workers()) == 2)
        yield service


@pytest.mark.parametrize("script", ["triton.py", "kserve_rest.py"])
def test_client(script: str, service: Service, need: Callable[..., None]) -> None:
    need("clients")
    command = [str(PYTHON), str(ROOT / "tests" / "clients" / script), f"127.0.0.1:{service.port}", KEY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in service.log.read_text()
