"""API keys: who is let in, who is told what is missing, and files of keys that change."""

import os
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Config
from service.errors import ConfigError
from service.keys import Keys


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_bytes(b"# of the clients\n\nfirst-key\r\n  second key \nsch\xc3\xbcssel\n")
    return path


@pytest.fixture
def client(store: Path, keys_file: Path) -> FlaskClient:
    return create_app(Config(store=store, api_keys_file=keys_file)).test_client()


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer first-key"},
        {"Authorization": "bearer  first-key "},
        {"X-API-Key": "first-key"},
        {"X-API-Key": "second key"},
        {"X-API-Key": "schüssel".encode().decode("latin-1")},
        {"X-API-Key": "first-key", "Authorization": "Basic abc"},
        {"X-API-Key": "wrong", "Authorization": "Bearer first-key"},
    ],
)
def test_keys_that_are_accepted(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.get("/models", headers=headers).status_code == 200
    assert client.get("/v2", headers=headers).status_code == 200
    answer = client.post(
        "/v2/models/cnn/infer", data=bytes(64), headers={**headers, "Inference-Header-Content-Length": "0"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ({}, "expected an API key, as Authorization: Bearer KEY or X-API-Key: KEY; got none"),
        ({"X-API-Key": ""}, "got none"),
        ({"Authorization": "Basic first-key"}, "got none"),
        ({"Authorization": "Bearer"}, "got none"),
        ({"Authorization": "first-key"}, "got none"),
        ({"X-API-Key": "first-ke"}, "not one of those that are accepted"),
        ({"X-API-Key": "# of the clients"}, "not one of those"),
        ({"Authorization": "Bearer First-Key"}, "not one of those"),
        ({"Authorization": "Bearer \u2615"}, "not one of those"),
    ],
)
def test_others_are_told_what_is_missing(client: FlaskClient, headers: dict[str, str], complaint: str) -> None:
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    for method, path in (("GET", "/v2/models/cnn"), ("POST", "/v2/models/cnn/infer"), ("POST", "/v2/repository/index")):
        answer = client.open(path, method=method, environ_base=environ)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="numserve"'
        assert complaint in answer.json["error"]
    for method, path in (("GET", "/models"), ("POST", "/predict"), ("GET", "/nope"), ("PUT", "/predict")):
        answer = client.open(path, method=method, environ_base=environ)
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "unauthorized")
        assert "WWW-Authenticate" in answer.headers


def test_health_is_open(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"):
        assert client.get(path).status_code == 200


def test_nothing_is_asked_for_without_a_file(store: Path) -> None:
    assert create_app(Config(store=store)).test_client().get("/v2").status_code == 200


def test_file_that_changes(client: FlaskClient, keys_file: Path) -> None:
    def status(key: str) -> int:
        return client.get("/v2", headers={"X-API-Key": key}).status_code

    assert (status("first-key"), status("third-key")) == (200, 401)
    keys_file.write_text("third-key\n")
    assert (status("first-key"), status("third-key")) == (401, 200)
    beside = keys_file.with_name("new")  # as a mounted secret is exchanged
    beside.write_text("fourth-key\n")
    os.replace(beside, keys_file)
    assert (status("third-key"), status("fourth-key")) == (401, 200)
    keys_file.write_text("")
    assert status("fourth-key") == 401


def test_file_that_goes_away_changes_nothing(keys_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    keys = Keys(keys_file)
    content = keys_file.read_bytes()
    keys_file.unlink()
    assert [keys.accept("first-key"), keys.accept("first-key"), keys.accept("x")] == [True, True, False]
    assert len(caplog.records) == 1  # said once
    assert "the API keys cannot be read again" in caplog.text
    keys_file.write_bytes(b"new-key\n" + content)
    assert keys.accept("new-key")


def test_no_key_is_kept_as_it_is(keys_file: Path) -> None:
    assert "first-key" not in repr(vars(Keys(keys_file)))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "a file that can be read (no such file or directory)"), (b"# none\n\n", "at least one API key")],
)
def test_file_without_keys_is_refused_at_the_start(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="NUMSERVE_API_KEYS_FILE: expected ") as caught:
        Config.from_environment({"NUMSERVE_API_KEYS_FILE": str(path)})
    assert complaint in str(caught.value)
