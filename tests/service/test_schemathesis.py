"""Schemathesis, which makes requests of the OpenAPI document, good ones and bad ones, and judges every answer by it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import Service, running, until
from stores import publish_broken, publish_explained, publish_features

HERE = Path(__file__).parent
KEY = "secret"
# Refused where there are no keys.
CHANGES = {("POST", f"/v2/repository/models/<name>/{change}") for change in ("load", "unload")}
OPERATIONS = re.compile(r"Operations: +(\d+) selected / (\d+) total")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(params=[False, True], ids=["open", "with keys"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """Two workers with a model of pictures in two versions, one of numbers and one that is broken."""
    store, settings = tmp_path / "models", {}
    publish_explained(store)
    publish_explained(store, version=2)
    publish_features(store)
    publish_broken(store, "broken", 1)
    if request.param:
        (tmp_path / "keys").write_text(KEY + "\n")
        settings["NUMSERVE_API_KEYS_FILE"] = str(tmp_path / "keys")
    with running(store, tmp_path / "log", **settings) as service:
        until(lambda: len(service.workers()) == 2)
        yield service


def test_no_request_finds_a_gap(service: Service, tmp_path: Path) -> None:
    """Every route is asked, and every answer is one that the document has."""
    command = [str(Path(sys.executable).with_name("st")), "--config-file", str(HERE / "schemathesis.toml"), "run"]
    address = f"http://127.0.0.1:{service.port}/openapi.json"
    done = subprocess.run(
        [*command, address, "--header", f"X-API-Key: {KEY}", "--no-color"],
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py")},
        capture_output=True,
        text=True,
    )
    print(done.stdout)
    found = OPERATIONS.search(done.stdout)
    assert found, done.stdout + done.stderr
    assert found[1] == found[2]
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in service.log.read_text()
    until(lambda: never_answered_well(service) == (set() if keyed(service) else CHANGES))


def keyed(service: Service) -> bool:
    return "securitySchemes" in described(service)["components"]


def described(service: Service) -> dict[str, Any]:
    assert service.document is not None
    return service.document.document


def never_answered_well(service: Service) -> set[tuple[str, str]]:
    """The operations that have no 200 in the log."""
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
    answered = {(line["method"], line["route"].replace("<int:", "<")) for line in lines if line.get("status") == 200}
    asked = {
        (method.upper(), path.replace("{", "<").replace("}", ">"))
        for path, methods in described(service)["paths"].items()
        for method in methods
    }
    print("no 200 from", sorted(asked - answered))
    return asked - answered
