"""The OpenAPI document against the routes and the errors; /docs. Every answer is held against it by conftest.py."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from documented import read
from flask import Flask
from flask.testing import FlaskClient

from service import errors
from service.access import is_open
from service.app import create_app
from service.config import Config
from service.errors import RequestError
from service.openapi.document import document


@pytest.fixture
def keyed(store: Path, tmp_path: Path) -> Config:
    (tmp_path / "keys").write_text("secret\n")
    return Config(store=store, api_keys_file=tmp_path / "keys")


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_it_is_openapi(store: Path, keyed: Config) -> None:
    for config in (Config(store=store), keyed):
        described = json.loads(json.dumps(document(config)))
        schemathesis.openapi.from_dict(described).validate()
        names = [operation["operationId"] for _, _, operation in operations(described)]
        assert len(names) == len(set(names))
        assert {tag for *_, each in operations(described) for tag in each["tags"]} == {
            tag["name"] for tag in described["tags"]
        }
        used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
        assert used == set(described["components"]["schemas"])


def test_what_is_no_openapi_is_noticed(store: Path) -> None:
    described = json.loads(json.dumps(document(Config(store=store))))
    described["paths"]["/models"]["get"]["responses"]["200"].pop("description")
    with pytest.raises(jsonschema_rs.ValidationError, match="description"):
        schemathesis.openapi.from_dict(described).validate()


def test_every_route_and_method_is_there_and_no_other(app: Flask) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method, _ in operations(document(Config()))} == routes


def test_parameters_of_each_path_are_there(app: Flask) -> None:
    for path, _, operation in operations(document(Config())):
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))


def test_every_error_has_its_place_with_its_status(store: Path, keyed: Config) -> None:
    found = set()
    for config in (Config(store=store), keyed):
        for _, _, operation in operations(document(config)):
            for status, answer in operation["responses"].items():
                found |= {(code, int(status)) for code in re.findall(r"`(\w+)`", answer["description"])}
    expected = {(each.code, each.status) for each in vars(errors).values() if is_request_error(each)}
    assert found == expected | {("internal_error", 500)}


def is_request_error(each: Any) -> bool:
    return isinstance(each, type) and issubclass(each, RequestError)


def test_limits_are_those_of_the_settings(store: Path) -> None:
    described = document(Config(store=store, max_images=7, default_model="fnn"))
    assert described["components"]["schemas"]["Pictures"]["properties"]["images"]["maxItems"] == 7
    assert "fnn" in described["paths"]["/predict"]["post"]["summary"]


def test_keys_are_told_of_where_they_are_wanted(store: Path, keyed: Config) -> None:
    for path, _, operation in operations(document(keyed)):
        wanted = not is_open(path)
        assert ("security" in operation) == ("401" in operation["responses"]) == wanted
    described = document(Config(store=store))
    assert "securitySchemes" not in described["components"]
    assert not any(
        "security" in operation or "401" in operation["responses"] for *_, operation in operations(described)
    )


def test_who_has_no_key_may_read_how_to_ask(keyed: Config) -> None:
    client = create_app(keyed).test_client()
    for path in ("/openapi.json", "/docs", "/docs/swagger-ui.css"):
        assert client.get(path).status_code == 200
    assert client.get("/docsx").status_code == 401


def test_it_is_sent_once_while_it_stays_the_same(client: FlaskClient) -> None:
    for path in ("/openapi.json", "/docs", "/docs/swagger-ui-bundle.js"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert "max-age" in first.headers["Cache-Control"]
        assert (again.status_code, again.data) == (304, b"")


def test_page_runs_nothing_but_files_of_its_own(client: FlaskClient) -> None:
    page = client.get("/docs")
    policy = dict(each.split(" ", 1) for each in page.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not re.search(
        r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|<style|\sstyle=|//", page.text.replace("<!doctype", "")
    )
    linked = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(linked) == 3
    for path in linked:
        assert client.get(path).status_code == 200
    assert 'url: "/openapi.json"' in client.get("/docs/initializer.js").text


def test_swagger_ui_is_one_that_reads_openapi_3_1() -> None:
    version = files("flask_swagger_ui").joinpath("dist", "VERSION").read_text().strip()
    assert re.fullmatch(r"v?([5-9]|\d\d)\.\d+\.\d+", version)


@pytest.mark.parametrize("file", ["nope.js", "..%2fdocs.py", "swagger-ui.js"])
def test_other_files_are_not_there(client: FlaskClient, file: str) -> None:
    answer = client.get(f"/docs/{file}")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")


# ---- what conftest.py holds every answer against


def test_an_answer_that_is_not_documented_is_noticed(client: FlaskClient) -> None:
    described = read(client.get("/openapi.json").data)
    good, kind = client.get("/models").data, {"Content-Type": "application/json"}
    described.check("GET", "/models", 200, kind, good)
    for status, headers, body in (
        (418, kind, good),
        (200, {"Content-Type": "text/plain"}, good),
        (200, kind, good.replace(b'"default"', b'"standard"')),
        (200, kind, good.replace(b'{"default"', b'{"more": 1, "default"')),
        (503, kind, b'{"error": {"code": "not_ready", "message": ""}}'),
        (503, kind, b'{"error": "overloaded"}'),
    ):
        with pytest.raises(AssertionError, match="GET /models"):
            described.check("GET", "/models", status, headers, body)
    with pytest.raises(AssertionError, match="without X-Request-ID"):
        described.check("GET", "/models", 200, kind, good, wire=True)
    with pytest.raises(AssertionError, match="is not in the document"):
        described.check("GET", "/model", 200, kind, good)
