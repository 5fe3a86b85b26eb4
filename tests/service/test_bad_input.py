"""What bad requests get: the right status, a stable code, a message that says the way out, and the service lives on."""

import gzip
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, run_wsgi_app

from service.app import create_app
from service.config import Config

Picture = Callable[..., bytes]


def refused(answer: Any, status: int, code: str) -> str:
    """The message of an error answer, after checking that it is one, in the one shape that they all have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json) == ["error"]
    assert list(answer.json["error"]) == ["code", "message"]
    assert answer.json["error"]["code"] == code
    assert "Traceback" not in answer.text
    return str(answer.json["error"]["message"])


@pytest.mark.parametrize(
    ("body", "declared", "status", "code"),
    [
        (b"", None, 400, "empty_body"),
        (b"", "image/png", 400, "empty_body"),
        (b"hello", None, 400, "not_an_image"),
        (b"hello", "image/png", 400, "not_an_image"),
        (b"hello", "application/x-www-form-urlencoded", 400, "not_an_image"),
        (b"hello", "application/octet-stream", 400, "not_an_image"),
        (b"hello", "text/plain", 415, "unsupported_media_type"),
        (b"<x/>", "application/xml", 415, "unsupported_media_type"),
        (b"8BPS\0\1", "image/vnd.adobe.photoshop", 415, "unsupported_image"),
        (b"<svg></svg>", "image/svg+xml", 415, "unsupported_image"),
        (b"\x89PNG\r\n\x1a\n", "image/png", 400, "damaged_image"),
        (b"hello", "application/json", 400, "invalid_json"),
        (b"{", None, 400, "invalid_json"),
        (b"\xff\xfe\x00{", "application/json", 400, "invalid_json"),
        (b"[" * 100_00, "application/json", 400, "invalid_json"),
        (b'{"inputs": ' + b"[" * 50_000, "application/json", 400, "invalid_json"),
        (b"[]", "application/json", 400, "no_image"),
        (b"{}", "application/json", 400, "no_image"),
        (b'{"images": []}', "application/json", 400, "no_image"),
        (b'{"images": "abc"}', "application/json", 400, "no_image"),
        (b'{"images": ["?"]}', "application/json", 400, "not_an_image"),
        (b'{"images": [""]}', "application/json", 400, "empty_body"),
        (b'{"images": ["aGVsbG8="]}', "application/json", 400, "not_an_image"),
        (b'{"images": ["a","b","c","d","e"]}', "application/json", 413, "too_many_inputs"),
        (b'{"inputs": [[1]]}', "application/json", 400, "wrong_input_kind"),
        (b"x", "multipart/form-data", 400, "bad_request"),
        (b"x", "multipart/form-data; boundary=b", 400, "bad_request"),
        (b"--b\r\nContent-Dis", "multipart/form-data; boundary=b", 400, "bad_request"),
        (b"--b\r\nno blank line\r\n--b--\r\n", "multipart/form-data; boundary=b", 400, "bad_request"),
        (b"--b--\r\n", "multipart/form-data; boundary=b", 400, "no_image"),
        (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b", 400, "no_image"),
    ],
)
def test_bodies(client: FlaskClient, body: bytes, declared: str | None, status: int, code: str) -> None:
    refused(client.post("/predict", data=body, content_type=declared), status, code)


def test_truncated_picture(client: FlaskClient, picture: Picture) -> None:
    message = refused(client.post("/predict", data=picture("JPEG", size=(200, 200))[:-500]), 400, "damaged_image")
    assert message.startswith("this JPEG picture is truncated or damaged")


def test_form_without_the_field_names_what_came(client: FlaskClient, picture: Picture) -> None:
    answer = client.post("/predict", data={"file": (BytesIO(picture()), "a.png"), "note": "x"})
    assert refused(answer, 400, "no_image").endswith("got fields: file, note")


def test_form_with_an_empty_file(client: FlaskClient) -> None:
    refused(client.post("/predict", data={"image": (BytesIO(b""), "")}), 400, "empty_body")


def test_form_with_too_many(client: FlaskClient, picture: Picture) -> None:
    many = {"image": [(BytesIO(picture()), "a.png") for _ in range(5)]}
    assert "more than the 4" in refused(client.post("/predict", data=many), 413, "too_many_inputs")
    refused(client.post("/predict", data={f"f{n}": "x" for n in range(40)}, content_type="multipart/form-data"), 413,
            "too_many_inputs")  # fmt: skip


def test_body_over_the_limit(client: FlaskClient) -> None:
    assert "100000" in refused(client.post("/predict", data=b"x" * 100_001), 413, "body_too_large")
    refused(client.post("/predict", data=b"x" * 100_000), 400, "not_an_image")


@pytest.mark.parametrize(("size", "status"), [(100_000, 400), (100_001, 413), (5_000_000, 413)])
def test_chunked_body_over_the_limit_is_not_cut_short(app: Flask, size: int, status: int) -> None:
    stream = BytesIO(b"x" * size)
    environ = EnvironBuilder("/predict", method="POST").get_environ()
    environ |= {"wsgi.input": stream, "wsgi.input_terminated": True}
    environ.pop("CONTENT_LENGTH", None)
    assert run_wsgi_app(app.wsgi_app, environ)[1].startswith(str(status))
    assert stream.tell() == min(size, 100_001)  # no more was read than it takes to know


def test_body_that_ends_early(app: Flask) -> None:
    environ = EnvironBuilder("/predict", method="POST").get_environ()
    environ |= {"wsgi.input": BytesIO(b"abc"), "CONTENT_LENGTH": "10"}
    body, status, _ = run_wsgi_app(app.wsgi_app, environ)
    assert status == "400 BAD REQUEST"
    assert b'"incomplete_body"' in b"".join(body)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_body_compressed_otherwise_than_with_gzip(client: FlaskClient, picture: Picture, encoding: str) -> None:
    answer = client.post("/predict", data=picture(), headers={"Content-Encoding": encoding})
    assert encoding in refused(answer, 415, "unsupported_encoding")


def test_gzip(client: FlaskClient, picture: Picture) -> None:
    def post(body: bytes) -> Any:
        return client.post("/predict", data=body, headers={"Content-Encoding": "gzip"})

    assert post(gzip.compress(picture(colour="white"))).json["predictions"][0]["label"] == "light"
    refused(post(picture()), 400, "damaged_body")
    refused(post(gzip.compress(picture())[:-5]), 400, "damaged_body")
    refused(post(gzip.compress(picture()) + b"more"), 400, "damaged_body")
    refused(post(gzip.compress(b"")), 400, "empty_body")


def test_gzip_that_inflates_over_the_limit(client: FlaskClient) -> None:
    for size, status, code in ((100_000, 400, "not_an_image"), (100_001, 413, "body_too_large"),
                               (50_000_000, 413, "body_too_large")):  # fmt: skip
        answer = client.post("/predict", data=gzip.compress(bytes(size)), headers={"Content-Encoding": "gzip"})
        refused(answer, status, code)


def test_more_pixels_than_allowed(client: FlaskClient, picture: Picture) -> None:
    assert "501x500" in refused(client.post("/predict", data=picture(size=(501, 500))), 413, "image_too_large")


@pytest.mark.parametrize("query", ["top_k=0", "top_k=-1", "top_k=x", "top_k=", "top_k=1.5", "top_k=9999999999",
                                   "version=x", "version=0", "version=", "top_k=%D9%A3"])  # fmt: skip
def test_bad_parameters(client: FlaskClient, picture: Picture, query: str) -> None:
    answer = client.post(f"/predict?{query}", data=picture())
    assert f"?{query.partition('=')[0]}=" in refused(answer, 400, "invalid_parameter")


def test_unknown_model_and_version(client: FlaskClient, picture: Picture) -> None:
    message = refused(client.post("/predict/nope", data=picture()), 404, "model_not_found")
    assert "cnn, linear" in message
    message = refused(client.post("/predict?version=7", data=picture()), 404, "version_not_found")
    assert "versions: 1" in message
    refused(client.get("/models/nope"), 404, "model_not_found")
    refused(client.get("/models/cnn?version=7"), 404, "version_not_found")


def test_default_model_that_is_not_there_is_never_another(store: Path, picture: Picture) -> None:
    client = create_app(Config(store=store, default_model="mine")).test_client()
    assert "cnn, linear" in refused(client.post("/predict", data=picture()), 404, "model_not_found")


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ("[[1, 2, 3]]", "[N, 4], got row 0 with 3"),
        ("[[1, 2, 3, 4], [1]]", "row 1 with 1"),
        ("[1, 2, 3, 4]", "row 0 is no list"),
        ("[[]]", "row 0 with 0"),
        ('[[1, 2, 3, "4"]]', "something else"),
        ("[[1, 2, 3, null]]", "something else"),
        ("[[1, 2, 3, true]]", "something else"),
        ("[[1, 2, 3, [4]]]", "something else"),
        ("[[1, 2, 3, NaN]]", "finite"),
        ("[[1, 2, 3, Infinity]]", "finite"),
        ("[[1, 2, 3, 1e999]]", "finite"),
        ("[[1, 2, 3, 1e39]]", "finite"),
        (f"[[1, 2, 3, {10**400}]]", "finite"),
    ],
)
def test_rows_that_do_not_fit(client: FlaskClient, inputs: str, complaint: str) -> None:
    answer = client.post("/predict/linear", data=f'{{"inputs": {inputs}}}', content_type="application/json")
    assert complaint in refused(answer, 400, "invalid_inputs")


def test_number_that_python_refuses_to_read(client: FlaskClient) -> None:
    answer = client.post("/predict/linear", data='{"inputs": [[' + "9" * 5000 + "]]}")
    refused(answer, 400, "invalid_json")


def test_picture_for_a_model_of_numbers_and_reverse(client: FlaskClient, picture: Picture) -> None:
    message = refused(client.post("/predict/linear", data=picture()), 400, "wrong_input_kind")
    assert '{"inputs": [[…]]}' in message
    message = refused(client.post("/predict", json={"inputs": [[1, 2, 3, 4]]}), 400, "wrong_input_kind")
    assert "takes pictures" in message


@pytest.mark.parametrize(("method", "path"), [("GET", "/predict"), ("PUT", "/predict/cnn"), ("POST", "/models")])
def test_wrong_method(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    refused(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) & {"POST", "GET"}


@pytest.mark.parametrize("path", ["/nope", "/predict/cnn/x", "/predict//x", "/models/../predict", "/predict/%00"])
def test_routes_that_do_not_exist(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (404, 405)
    assert list(answer.json["error"]) == ["code", "message"]


def test_a_defect_is_logged_and_tells_the_client_nothing(
    app: Flask, picture: Picture, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = app.extensions["numserve"].get("cnn")
    monkeypatch.setattr(model, "probabilities", lambda X: 1 / 0)
    client = app.test_client()
    message = refused(client.post("/predict", data=picture()), 500, "internal_error")
    assert "division" not in message
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert client.post("/predict", data=picture()).status_code == 200


def test_preprocessing_that_fails_is_the_error_of_its_picture(
    app: Flask, picture: Picture, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing:
        def run(self, *_: object) -> None:
            raise RuntimeError("no such kernel\nand a stack")

    monkeypatch.setattr(app.extensions["numserve"].get("cnn"), "preprocessing", Failing())
    refused(app.test_client().post("/predict", data=picture()), 500, "preprocessing_failed")
    assert "no such kernel" in caplog.text
    assert "and a stack" not in caplog.text
