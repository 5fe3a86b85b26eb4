"""The page and what it is made of; the reports of published versions."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from stores import add_report, publish_images

from service.app import create_app
from service.config import Config

SERVICE = Path(str(files("service")))
WORDS = {path.stem: json.loads(path.read_text()) for path in (SERVICE / "static").glob("*.json")}
PAGE = (SERVICE / "templates" / "page.html").read_text()
SCRIPTS = "".join(path.read_text() for path in (SERVICE / "static").glob("*.js"))
LARGEST = 60_000  # bytes, of all that a browser loads for the page, in one language


@pytest.fixture
def page(client: FlaskClient) -> str:
    return str(client.get("/").text)


@pytest.mark.parametrize(
    ("accepts", "query", "language"),
    [
        ("", "", "en"),
        ("zh", "", "zh"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "", "zh"),
        ("de,en;q=0.5,zh;q=0.3", "", "en"),
        ("fr", "", "en"),
        ("zh", "?lang=en", "en"),
        ("en", "?lang=zh", "zh"),
        ("zh", "?lang=fr", "zh"),
    ],
)
def test_the_language_is_the_browser_s_or_the_one_that_was_chosen(
    client: FlaskClient, accepts: str, query: str, language: str
) -> None:
    answer = client.get(f"/{query}", headers={"Accept-Language": accepts} if accepts else {})
    assert answer.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in answer.text
    assert f'<title data-word="title">{WORDS[language]["title"]}</title>' in answer.text
    assert "Accept-Language" in answer.headers["Vary"]


def test_every_mark_of_the_page_has_its_words(page: str) -> None:
    assert not re.search(r'data-word="\w+">\s*<', page)
    labels = re.findall(r'aria-label="([^"]+)" title="[^"]+" data-label', page)
    assert labels == [WORDS["en"]["pad"]]


def test_languages_say_the_same_things() -> None:
    assert set(WORDS) == {"en", "zh"}
    assert list(WORDS["en"]) == list(WORDS["zh"])
    for key, text in WORDS["en"].items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", WORDS["zh"][key])), key


def test_every_word_is_said_somewhere_and_every_saying_has_its_word() -> None:
    """Some keys are made of parts: of a plate, of a kind of layer, or of the code of an error."""
    made = r"(pixels|occlusion)_more|kind_\w+|unauthorized|overloaded|model_unavailable"
    said = set(re.findall(r'say\("(\w+)"', SCRIPTS)) | set(re.findall(r'data-(?:word|label)="(\w+)"', PAGE))
    for key in WORDS["en"]:
        assert re.fullmatch(made, key) or key in said or f'"{key}"' in SCRIPTS, key
    assert said <= set(WORDS["en"])


def test_the_policy_lets_nothing_in_from_elsewhere(client: FlaskClient, page: str) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page)
    assert not re.search(r'(?:src|href)="(?:\w+:|//)', page)
    assert "http" not in re.sub(r"http://www.w3.org/2000/svg", "", SCRIPTS)


def test_what_the_page_refers_to_is_there(client: FlaskClient, page: str) -> None:
    found = set(re.findall(r'(?:src|href)="(static/[^"]+)"', page))
    found |= {f"static/{name}" for name in re.findall(r'from "\./(\w+\.js)"', SCRIPTS)}
    assert len(found) > 10
    types = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
    for path in found:
        answer = client.get(f"/{path}")
        assert answer.status_code == 200, path
        assert answer.content_type == types[Path(path).suffix]
        assert answer.data == (SERVICE / path).read_bytes()
    assert client.get("/static/zh.json").json == WORDS["zh"]
    assert client.get("/favicon.ico").content_type == "image/svg+xml"


def test_who_has_a_file_already_is_told_so(client: FlaskClient) -> None:
    for path in ("/", "/static/main.js"):
        first = client.get(path)
        assert first.cache_control.max_age == 0
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    assert client.get("/").headers["ETag"] != client.get("/?lang=zh").headers["ETag"]


@pytest.mark.parametrize(
    "path", ["nope.js", "../app.py", "..%2Fapp.py", "/etc/passwd", "words/zh.json", "words/../main.js", "main"]
)
def test_nothing_else_is_given_out(client: FlaskClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


@pytest.mark.parametrize("language", WORDS)
def test_the_page_is_small(client: FlaskClient, language: str) -> None:
    others = {f"{other}.json" for other in WORDS if other != language}
    files = [path for path in (SERVICE / "static").iterdir() if path.name not in others]
    page = client.get(f"/?lang={language}").data
    assert len(page) + sum(path.stat().st_size for path in files) < LARGEST


def test_the_page_needs_no_key_but_what_it_asks_does(store: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("a key\n")
    client = create_app(Config(store=store, api_keys_file=keys)).test_client()
    for path in ("/", "/static/main.js", "/favicon.ico"):
        assert client.get(path).status_code == 200
    for path in ("/models", "/models/cnn/versions/1/report/"):
        assert client.get(path).status_code == 401
    assert client.post("/explain").status_code == 401


# ---------------------------------------------------------------- reports
@pytest.fixture
def reports(tmp_path: Path) -> FlaskClient:
    """Version 1 of `cnn` has a report, version 2 a damaged one, version 3 none."""
    root = tmp_path / "reports"
    for version in (1, 2, 3):
        add_report(publish_images(root, version=version), listed=version < 3)
    (root / "cnn" / "2" / "report" / "index.html").write_bytes(b"something else")
    return create_app(Config(store=root)).test_client()


def test_a_report_and_its_pictures(reports: FlaskClient) -> None:
    page = reports.get("/models/cnn/versions/1/report/")
    assert (page.data, page.content_type) == (b"<!doctype html>", "text/html; charset=utf-8")
    assert page.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'"
    )
    picture = reports.get("/models/cnn/versions/1/report/curves.png")
    assert (picture.data, picture.content_type) == (b"\x89PNG", "image/png")
    assert picture.cache_control.max_age == 3600
    again = reports.get("/models/cnn/versions/1/report/curves.png", headers={"If-None-Match": picture.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_without_its_slash_a_report_says_where_it_is(reports: FlaskClient) -> None:
    answer = reports.get("/models/cnn/versions/1/report")
    assert answer.status_code == 404
    assert "/models/cnn/versions/1/report/, with a slash" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("cnn/versions/1/report/nope.png", 404, "not_found"),
        ("cnn/versions/1/report/..%2Fmodel.onnx", 404, "not_found"),
        ("cnn/versions/1/report/../model.onnx", 404, "not_found"),
        ("cnn/versions/1/report/%2e%2e", 404, "not_found"),
        ("cnn/versions/2/report/", 503, "model_unavailable"),
        ("cnn/versions/3/report/", 404, "not_found"),
        ("cnn/versions/4/report/", 404, "version_not_found"),
        ("cnn/versions/0/report/", 404, "version_not_found"),
        ("cnn/versions/x/report/", 404, "not_found"),
        ("nope/versions/1/report/", 404, "model_not_found"),
    ],
)
def test_what_is_no_report(reports: FlaskClient, path: str, status: int, code: str) -> None:
    answer = reports.get(f"/models/{path}")
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)


def test_a_report_of_a_version_with_a_broken_manifest(reports: FlaskClient) -> None:
    root = reports.application.extensions["numserve"].store.root
    (root / "cnn" / "1" / "manifest.json").write_text("{}")
    answer = reports.get("/models/cnn/versions/1/report/")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "model_unavailable")
