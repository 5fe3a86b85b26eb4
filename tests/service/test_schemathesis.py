"""Schemathesis, which makes requests of the OpenAPI document, good ones and bad ones, and judges every answer by it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from running import Service, running, until
from stores import publish_broken, publish_features, publish_images

HERE = Path(__file__).parent
KEY = "secret"
CHANGES = {"/v2/repository/models/<name>/load", "/v2/repository/models/<name>/unload"}
OPERATIONS = re.compile(r"Operations: +(\d+) selected / (\d+) total")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(params=[False, True], ids=["open", "with keys"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """Two workers with a model of pictures in two versions, one of numbers and one that is broken."""
    store, settings = tmp_path / "models", {}
    publish_images(store)
    publish_images(store, version=2)
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
    # Each operation was answered with 200 too; without keys, load and unload are refused.
    routes = {path.replace("{", "<").replace("}", ">") for path in service.document().document["paths"]}
    assert routes - answered_well(service) == (set() if keyed(service) else CHANGES)


def keyed(service: Service) -> bool:
    return "securitySchemes" in service.document().document["components"]


def answered_well(service: Service) -> set[str]:
    """The routes that the service has answered with 200, by its own count."""
    families = text_string_to_metric_families(service.exchange("GET", "/metrics", X_API_Key=KEY)[2].decode())
    samples = (each for family in families for each in family.samples if each.name == "numserve_requests_total")
    return {each.labels["route"] for each in samples if each.labels["code"] == "200"}
