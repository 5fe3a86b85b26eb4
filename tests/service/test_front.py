"""The front without a server: what every answer carries; that the short way to POST /predict is Flask's, shortened."""

import asyncio
import gzip
import json
import math
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from documented import read
from flask import request
from werkzeug.datastructures import Headers
from wire import Transport

from service import access
from service.app import create_app
from service.config import Config
from service.errors import Overloaded
from service.front import Front
from service.jsonlog import Writer
from service.metrics import Metrics
from service.table import create
from service.wire.connection import Connection

Picture = Callable[..., bytes]


@dataclass
class Reply:
    """What a client is answered."""

    status: int
    headers: dict[str, str]
    answer: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.answer)


def ask(front: Front, method: str, path: str, body: bytes = b"", whole: bool = True, **headers: str) -> Reply:
    """One request through a connection. whole: whether all of the body comes before the client hangs up."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        given["content-length"] = str(len(body) if whole else len(body) + 1)
    target = quote(path, safe="/?=&")
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in given.items()
    )
    reply = asyncio.run(exchange(front, head.encode() + b"\r\n" + body, whole))
    front.tell()
    described = read(front.app.test_client().get("/openapi.json").data)
    described.check(method, path.partition("?")[0], reply.status, Headers(reply.headers), reply.answer, wire=True)
    return reply


def ask_together(front: Front, *bodies: bytes) -> list[Reply]:
    """POST /predict, each on a connection of its own, all in the same turn of the loop."""

    async def scenario() -> list[Reply]:
        transports = [Transport() for _ in bodies]
        for transport, body in zip(transports, bodies, strict=True):
            connection = Connection(front, asyncio.get_running_loop(), 60, set())
            connection.connection_made(transport)
            connection.data_received(
                b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
        return [reply_in(await transport.answer()) for transport in transports]

    replies = asyncio.run(scenario())
    front.tell()
    return replies


async def exchange(front: Front, sent: bytes, whole: bool) -> Reply:
    transport = Transport()
    connection = Connection(front, asyncio.get_running_loop(), 60, set())
    connection.connection_made(transport)
    connection.data_received(sent)
    if not whole:
        connection.eof_received()
    return reply_in(await transport.answer())


def reply_in(received: bytes) -> Reply:
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert int(headers.get("Content-Length", 0)) == len(body)
    return Reply(int(first.split()[1]), {name.lower(): value for name, value in headers.items()}, body)


@pytest.fixture
def config(store: Path) -> Config:
    return Config(store=store, max_body=100_000, max_pixels=250_000, max_images=4, cors_origins="https://a.org")


def front_of(config: Config, shared: Path) -> Front:
    table = create(1, shared)
    return Front(create_app(config, table), config, Metrics(table), Writer())


@pytest.fixture
def front(config: Config, tmp_path: Path) -> Front:
    return front_of(config, tmp_path)


@pytest.fixture
def guarded(config: Config, tmp_path: Path) -> Front:
    """With API keys; its Flask must not be asked for anything."""
    (tmp_path / "keys").write_text("first\nsecond\n")
    front = front_of(replace(config, api_keys_file=tmp_path / "keys"), tmp_path)
    front.flask = None  # type: ignore[assignment,method-assign]
    return front


def without_times(answer: bytes) -> str:
    return re.sub(r'("(decode|preprocess|inference)": ?)[\d.e-]+', r"\1…", answer.decode("latin-1"))


BODIES: list[tuple[str, dict[str, str], Callable[[Picture], bytes]]] = [
    ("/predict", {}, lambda picture: picture()),
    ("/predict/cnn", {"content_type": "image/png"}, lambda picture: picture(colour="black")),
    ("/predict?top_k=1&version=1", {}, lambda picture: picture()),
    ("/predict?top_k=1&top_k=2", {}, lambda picture: picture()),
    ("/predict?top_k=0", {}, lambda picture: picture()),
    ("/predict?version=", {}, lambda picture: picture()),
    ("/predict?version=9", {}, lambda picture: picture()),
    ("/predict/nope", {}, lambda picture: picture()),
    ("/predict", {}, lambda picture: picture(size=(400, 300))),
    ("/predict", {}, lambda picture: picture(size=(501, 500))),
    ("/predict", {}, lambda picture: picture("JPEG", size=(300, 200))),
    ("/predict", {}, lambda picture: b"hello"),
    ("/predict", {"content_type": "text/plain"}, lambda picture: b"hello"),
    ("/predict", {"content_encoding": "br"}, lambda picture: picture()),
    ("/predict", {"content_encoding": "gzip"}, lambda picture: picture()),
    ("/predict", {"content_type": "application/json; charset=utf-8"},
     lambda picture: json.dumps({"images": [b64encode(picture(size=(400, 300))).decode(), "?"]}).encode()),
    ("/predict", {"content_type": "application/json"},
     lambda picture: json.dumps({"images": [b64encode(picture()).decode()] * 5}).encode()),
    ("/predict/linear", {"content_type": "application/json"}, lambda picture: b'{"inputs": [[1, 2, 3, 4]]}'),
    ("/predict/linear", {"content_type": "application/json"}, lambda picture: b'{"inputs": [[1, 2]]}'),
    ("/predict", {"content_type": "Multipart/Form-Data; boundary=b"},
     lambda picture: b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + picture()
     + b"\r\n--b--\r\n"),
    ("/predict", {"content_type": "multipart/form-data"}, lambda picture: b"x"),
    ("/v2/models/cnn/infer", {}, lambda picture: tensor(1)),
    ("/v2/models/cnn/versions/1/infer", {}, lambda picture: tensor(4)),
    ("/v2/models/cnn/versions/9/infer", {}, lambda picture: tensor(1)),
    ("/v2/models/cnn/versions/x/infer", {}, lambda picture: tensor(1)),
    ("/v2/models/nope/infer", {}, lambda picture: b""),
    ("/v2/models/cnn/infer", {}, lambda picture: b""),
    ("/v2/models/cnn/infer", {}, lambda picture: tensor(5)),
    ("/v2/models/cnn/infer", {"content_encoding": "gzip"}, lambda picture: gzip.compress(tensor(2))),
    ("/v2/models/cnn/infer", {"content_encoding": "gzip"}, lambda picture: tensor(2)),
    ("/v2/models/cnn/infer", {"inference_header_content_length": "0"}, lambda picture: bytes(128)),
    ("/v2/models/cnn/infer", {"inference_header_content_length": "0"}, lambda picture: bytes(63)),
    ("/v2/models/cnn/infer", {}, lambda picture: encoded("image", picture())),
    ("/v2/models/cnn/infer", {}, lambda picture: encoded("image", picture(size=(501, 500)))),
    ("/v2/models/cnn.preprocess/infer", {"accept_encoding": "gzip"}, lambda picture: encoded("image", picture())),
    ("/v2/models/cnn/infer", {}, lambda picture: encoded("nothing", picture())),
]  # fmt: skip


def tensor(rows: int) -> bytes:
    """An infer request in JSON."""
    inputs = {"name": "pixels", "datatype": "UINT8", "shape": [rows, 1, 8, 8], "data": [7] * 64 * rows}
    return json.dumps({"id": "a", "inputs": [inputs]}).encode()


def encoded(name: str, picture: bytes) -> bytes:
    """An infer request with an encoded picture."""
    inputs = {"name": name, "datatype": "BYTES", "shape": [1], "data": [b64encode(picture).decode()]}
    return json.dumps({"inputs": [inputs]}).encode()


@pytest.mark.parametrize(("path", "headers", "make"), BODIES)
def test_the_short_way_answers_as_flask_does(
    front: Front, picture: Picture, path: str, headers: dict[str, str], make: Callable[[Picture], bytes]
) -> None:
    check_that_both_ways_agree(front, path, make(picture), headers)


def check_that_both_ways_agree(front: Front, path: str, body: bytes, headers: dict[str, str]) -> int:
    """The status that both answered with."""
    given = {name.replace("_", "-").title(): value for name, value in headers.items()}
    expected = front.app.test_client().post(path, data=body, headers=given)
    answer = ask(front, "POST", path, body, **headers)
    assert answer.status == expected.status_code
    assert without_times(answer.answer) == without_times(expected.data)
    for name in ("Content-Type", "Content-Encoding", "Inference-Header-Content-Length", "WWW-Authenticate"):
        assert answer.headers.get(name.lower()) == expected.headers.get(name)
    return answer.status


@pytest.mark.parametrize(("path", "headers", "make"), BODIES)
def test_the_short_way_does_with_a_key_what_it_does_where_none_is_wanted(
    guarded: Front, picture: Picture, path: str, headers: dict[str, str], make: Callable[[Picture], bytes]
) -> None:
    assert check_that_both_ways_agree(guarded, path, make(picture), {**headers, "x_api_key": "second"}) != 401
    assert check_that_both_ways_agree(guarded, path, make(picture), headers) == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer first"}, 200),
        ({"authorization": "bearer  second "}, 200),
        ({"x_api_key": "wrong", "authorization": "Bearer first"}, 200),
        ({"x_api_key": "wrong"}, 401),
        ({"x_api_key": ""}, 401),
        ({"authorization": "Basic first"}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "Bearer first second"}, 401),
    ],
)
@pytest.mark.parametrize("size", [(28, 28), (400, 300)])  # on the loop, and in a thread
def test_the_short_way_asks_for_keys_as_flask_does(
    guarded: Front, picture: Picture, headers: dict[str, str], status: int, size: tuple[int, int]
) -> None:
    assert check_that_both_ways_agree(guarded, "/predict", picture(size=size), headers) == status


def test_keys_that_change_are_followed_on_the_short_way(guarded: Front, picture: Picture) -> None:
    assert ask(guarded, "POST", "/predict", picture(), x_api_key="second").status == 200
    keys = guarded.fast.keys
    assert keys is not None
    keys.path.write_text("another\n")
    assert ask(guarded, "POST", "/predict", picture(), x_api_key="second").status == 401
    assert ask(guarded, "POST", "/predict", picture(), x_api_key="another").status == 200


@pytest.mark.parametrize("path", ["/predict/", "/predict/cnn/x", "/predict/a/b", "/models", "/nope", "/predict/\0"])
def test_other_paths_are_flasks(front: Front, path: str) -> None:
    expected = front.app.test_client().post(path)
    answer = ask(front, "POST", path)
    assert (answer.status, answer.answer) == (expected.status_code, expected.data)


def test_requests_that_come_together_run_as_one_batch_and_a_bad_one_harms_nobody(
    front: Front, picture: Picture
) -> None:
    light, bad, dark = ask_together(front, picture(), b"no picture", picture(colour="black"))
    assert (light.status, bad.status, dark.status) == (200, 400, 200)
    assert [each.json["predictions"][0]["label"] for each in (light, dark)] == ["light", "dark"]
    assert bad.json["error"]["code"] == "not_an_image"
    said = ask(front, "GET", "/metrics").answer.decode()
    assert "numserve_batch_size_sum 2" in said
    assert "numserve_batch_size_count 1" in said
    assert "numserve_inference_seconds_count 2" in said
    for label in ("light", "dark"):
        assert f'numserve_predictions_total{{model="cnn",version="1",label="{label}"}} 1' in said


def test_when_a_batch_fails_each_request_runs_alone(
    front: Front, picture: Picture, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = front.models.get("cnn")
    run = model.probabilities

    def fails_on_batches(X: Any) -> Any:
        if len(X) > 1:
            raise MemoryError("no room for so many")
        return run(X)

    monkeypatch.setattr(model, "probabilities", fails_on_batches)
    replies = ask_together(front, picture(), picture(colour="black"))
    assert [each.json["predictions"][0]["label"] for each in replies] == ["light", "dark"]
    assert "so each runs alone: no room for so many" in caplog.text


def test_a_run_that_fails_is_told_of_and_counted(
    front: Front, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(X: Any) -> Any:
        raise MemoryError("no room")

    def failures() -> int:
        (found,) = json.loads(ask(front, "GET", "/v2/models/cnn/stats").answer)["model_stats"]
        return found["inference_stats"]["fail"]["count"]

    size = 4 * math.prod(front.models.get("cnn").manifest.input.dims)
    assert failures() == 0
    monkeypatch.setattr(front.models.get("cnn"), "probabilities", fails)
    answer = ask(front, "POST", "/v2/models/cnn/infer", bytes(size), inference_header_content_length="0")
    assert (answer.status, "no room" in caplog.text, b"no room" in answer.answer) == (500, True, False)
    assert failures() == 1


def test_hooks_before_a_request_are_never_passed_by(front: Front, picture: Picture) -> None:
    def hook() -> None:
        if request.path == "/predict":
            raise Overloaded("hook", "not now")

    for hooks in ([hook], [access.ask, hook]):
        front.app.before_request_funcs[None] = hooks
        assert ask(front, "POST", "/predict", picture()).json["error"]["message"] == "not now"


def test_ids_and_headers(front: Front) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = ask(front, "GET", "/healthz", x_request_id="mine", traceparent=trace, origin="https://a.org")
    assert (answer.headers["x-request-id"], answer.headers["traceparent"]) == ("mine", trace)
    assert answer.headers["access-control-allow-origin"] == "https://a.org"
    other = ask(front, "GET", "/nope", x_request_id='"', traceparent="rubbish", origin="https://b.org")
    assert (other.status, len(other.headers["x-request-id"]) > 10) == (404, True)
    assert not {"traceparent", "access-control-allow-origin"} & other.headers.keys()
    for each in (answer, other):
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["server"] == "numserve"


def test_preflight(front: Front) -> None:
    answer = ask(front, "OPTIONS", "/predict", origin="https://a.org", access_control_request_method="POST")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "https://a.org")


def test_log_lines(front: Front, picture: Picture) -> None:
    ask(front, "POST", "/predict", picture(), x_request_id="mine")
    ask(front, "GET", '/no"pe\n', traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    first, second = (json.loads(line) for line in front.writer.lines)
    assert (first["route"], first["status"], first["request_id"], first["model"]) == ("/predict", 200, "mine", "cnn/1")
    assert (second["path"], second["route"], second["status"]) == ('/no"pe\n', "unknown", 404)
    assert second["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


def test_refusals_before_the_application(front: Front) -> None:
    large = ask(front, "POST", "/predict", bytes(100_001))
    assert (large.status, large.json["error"]["code"]) == (413, "body_too_large")
    assert large.headers["connection"] == "close"
    broken = ask(front, "POST", "/predict", b"breaks off", whole=False)
    assert (broken.status, broken.json["error"]["code"]) == (400, "incomplete_body")
    protocols = ask(front, "POST", "/v2/models/cnn/infer", bytes(100_001))
    assert (protocols.status, protocols.json["error"][:13]) == (413, "the body has ")


def test_a_body_that_nobody_asked_for_is_read_and_the_connection_goes_on(front: Front, picture: Picture) -> None:
    for path in ("/healthz", "/metrics"):
        assert "connection" not in ask(front, "GET", path, b"a body").headers
    assert "connection" not in ask(front, "POST", "/predict", picture()).headers
    assert "connection" not in ask(front, "POST", "/nope", b"a body").headers
    preflight = {"origin": "https://a.org", "access_control_request_method": "POST"}
    assert "connection" not in ask(front, "OPTIONS", "/predict", b"a body", **preflight).headers


def test_a_body_that_is_refused_ends_the_connection_and_the_answer_says_so(front: Front) -> None:
    front.bodies.held = 2**40
    refused = ask(front, "POST", "/predict", bytes(70_000))
    assert (refused.status, refused.headers["connection"]) == (503, "close")


def test_pictures_that_take_long_are_left_to_a_thread(
    front: Front, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[str] = []
    hand_over = front.hand_over

    def watched(exchange: Any, make: Any) -> None:
        handed.append(exchange.path)
        hand_over(exchange, make)

    monkeypatch.setattr(front, "hand_over", watched)
    images = json.dumps({"images": [b64encode(picture()).decode()] * 4}).encode()
    model = front.models.get("cnn")
    model.seconds = 0.001
    assert ask(front, "POST", "/predict", images).status == 200
    assert handed == []
    model.preprocess_seconds = 0.005
    assert ask(front, "POST", "/predict", picture()).status == 200
    assert handed == []
    assert 0 < model.preprocess_seconds < 0.005, "it has learnt from that picture"
    assert ask(front, "POST", "/predict", images).status == 200
    assert handed == ["/predict"]
    model.seconds = 0.1
    assert ask(front, "POST", "/predict", picture()).status == 200
    assert handed == ["/predict"] * 2


def test_the_limits_of_the_service_hold_on_the_short_way_too(front: Front, picture: Picture) -> None:
    images = {"images": [b64encode(picture()).decode()] * 5}
    refused = ask(front, "POST", "/predict", json.dumps(images).encode(), content_type="application/json")
    assert (refused.status, refused.json["error"]["code"]) == (413, "too_many_inputs")


def test_only_health_and_metrics_go_past_admission(front: Front) -> None:
    front.gate.places = front.gate.room = 0
    for path in ("/metrics/x", "/healthz2", "/v2/health/other"):
        assert ask(front, "GET", path).status == 503


def test_overload_says_when_to_come_again_and_never_touches_health(front: Front, picture: Picture) -> None:
    front.gate.places = front.gate.room = 0
    refused = ask(front, "POST", "/predict", picture())
    assert (refused.status, refused.json["error"]["code"]) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    for path in ("/healthz", "/readyz", "/metrics"):
        assert ask(front, "GET", path).status == 200
    said = ask(front, "GET", "/metrics").answer.decode()
    assert 'numserve_refused_total{reason="queue_full"} 1' in said
    assert 'numserve_requests_total{route="/predict",code="503"} 1' in said


def test_stopping(front: Front, picture: Picture) -> None:
    front.metrics.table.stop()
    assert ask(front, "GET", "/healthz").status == 200
    ready = ask(front, "GET", "/readyz")
    assert (ready.status, ready.json["error"]["code"]) == (503, "not_ready")
    answer = ask(front, "POST", "/predict", picture())
    assert (answer.status, answer.headers["connection"]) == (200, "close")


def test_a_defect_is_logged_and_tells_the_client_nothing(
    front: Front, picture: Picture, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(front.models.get("cnn"), "probabilities", lambda X: 1 / 0)
    answer = ask(front, "POST", "/predict", picture())
    assert (answer.status, answer.json["error"]["code"]) == (500, "internal_error")
    assert "ZeroDivisionError" in caplog.text
    assert front.in_flight == 0
