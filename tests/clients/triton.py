"""What tritonclient[http] makes of the service: python triton.py HOST:PORT API_KEY (tests/service/test_v2_clients.py).

The store is that of tests/service/stores.py: `cnn` takes 8x8 pixels and says dark, light or never.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np
import tritonclient.http as triton
from checks import run
from PIL import Image
from tritonclient.utils import InferenceServerException

KEY = {"Authorization": f"Bearer {sys.argv[2]}"}
LIGHT = np.full((1, 1, 8, 8), 255, np.uint8)
BOTH = np.concatenate([LIGHT, LIGHT * 0])
MANY = np.concatenate([LIGHT] * 200)


@contextmanager
def client(address: str, concurrency: int = 1) -> Iterator[Any]:
    with triton.InferenceServerClient(address, concurrency=concurrency) as made:
        yield made


def tensor(X: Any, name: str = "pixels", datatype: str = "UINT8", binary: bool = True) -> Any:
    return triton.InferInput(name, list(X.shape), datatype).set_data_from_numpy(X, binary_data=binary)


def wanted(**how: Any) -> list[Any]:
    return [triton.InferRequestedOutput("probabilities", **how)]


def refused(call: Any, *arguments: Any, **options: Any) -> InferenceServerException:
    try:
        call(*arguments, **options)
    except InferenceServerException as error:
        return error
    raise AssertionError("it was not refused")


def live_and_ready(address: str) -> None:
    with client(address) as server:
        assert server.is_server_live()
        assert server.is_server_ready()
        assert server.is_model_ready("cnn", headers=KEY)
        assert server.is_model_ready("cnn", "1", headers=KEY)
        assert server.is_model_ready("cnn.preprocess", headers=KEY)
        assert not server.is_model_ready("nope", headers=KEY)
        assert not server.is_model_ready("cnn", "7", headers=KEY)


def metadata(address: str) -> None:
    with client(address) as server:
        assert server.get_server_metadata(headers=KEY)["name"] == "numserve"
        assert "binary_tensor_data" in server.get_server_metadata(headers=KEY)["extensions"]
        model = server.get_model_metadata("cnn", headers=KEY)
        assert model["inputs"] == [{"name": "pixels", "datatype": "UINT8", "shape": [-1, 1, 8, 8]}]
        assert server.get_model_metadata("cnn", "1", headers=KEY) == model
        assert server.get_model_config("cnn", headers=KEY)["max_batch_size"] == 256


def repository_index(address: str) -> None:
    with client(address) as server:
        index = server.get_model_repository_index(headers=KEY)
    states = {(each["name"], each["version"]): each["state"] for each in index}
    assert states == {("cnn", "1"): "READY", ("cnn.preprocess", "1"): "READY", ("linear", "1"): "READY"}


def infer_in_json_and_in_bytes(address: str) -> None:
    with client(address) as server:
        for into in (True, False):
            for outputs in (None, wanted(binary_data=True), wanted(binary_data=False)):
                answer = server.infer(
                    "cnn", [tensor(BOTH, binary=into)], outputs=outputs, request_id="7", headers=dict(KEY)
                )
                P = answer.as_numpy("probabilities")
                assert P.dtype == np.float32
                assert P.shape == (2, 3)
                assert P.argmax(axis=1).tolist() == [1, 0]
                response = answer.get_response()
                assert (response["id"], response["model_name"], response["model_version"]) == ("7", "cnn", "1")
        rows = np.array([[1, 2, 3, 4], [-1, -2, -3, -4]], np.float32)
        answer = server.infer("linear", [tensor(rows, "features", "FP32")], model_version="1", headers=dict(KEY))
        assert answer.as_numpy("probabilities").argmax(axis=1).tolist() == [1, 0]


def compressed_answers(address: str) -> None:
    with client(address) as server:
        for method in ("gzip", "deflate"):
            for binary in (True, False):
                answer = server.infer(
                    "cnn",
                    [tensor(MANY)],
                    outputs=wanted(binary_data=binary),
                    response_compression_algorithm=method,
                    headers=dict(KEY),
                )
                assert answer.as_numpy("probabilities").shape == (200, 3)


def compressed_requests(address: str) -> None:
    with client(address) as server:
        for binary in (True, False):
            answer = server.infer(
                "cnn", [tensor(MANY, binary=binary)], request_compression_algorithm="gzip", headers=dict(KEY)
            )
            assert answer.as_numpy("probabilities").shape == (200, 3)


def asynchronous(address: str) -> None:
    with client(address, concurrency=4) as server:
        asked = [server.async_infer("cnn", [tensor(BOTH)], request_id=str(n), headers=dict(KEY)) for n in range(20)]
        for n, each in enumerate(asked):
            answer = each.get_result()
            assert answer.get_response()["id"] == str(n)
            assert answer.as_numpy("probabilities").argmax(axis=1).tolist() == [1, 0]


def class_count(address: str) -> None:
    with client(address) as server:
        for binary in (True, False):
            answer = server.infer(
                "cnn", [tensor(BOTH)], outputs=wanted(binary_data=binary, class_count=2), headers=dict(KEY)
            )
            classes = answer.as_numpy("probabilities")
            assert classes.shape == (2, 2)
            texts = [each.decode() if isinstance(each, bytes) else each for each in classes.ravel()]
            assert texts == ["0.999955:1:light", "0.000045:0:dark", "0.999955:0:dark", "0.000045:1:light"]


def encoded_pictures(address: str) -> None:
    file = BytesIO()
    Image.new("RGB", (90, 40), "white").save(file, "PNG")
    pictures = np.array([file.getvalue()] * 2, dtype=np.object_)
    with client(address) as server:
        answer = server.infer("cnn", [tensor(pictures, "image", "BYTES")], headers=dict(KEY))
        assert answer.as_numpy("probabilities").argmax(axis=1).tolist() == [1, 1]


def preprocessing_and_then_the_network(address: str) -> None:
    image = np.zeros((90, 40, 3), np.uint8)
    with client(address) as server:
        answer = server.infer("cnn.preprocess", [tensor(image, "image")], headers=dict(KEY))
        pixels = answer.as_numpy("pixels")
        assert (pixels.shape, pixels.dtype) == ((1, 1, 8, 8), np.uint8)
        answer = server.infer("cnn", [tensor(pixels)], headers=dict(KEY))
        assert answer.as_numpy("probabilities").argmax() == 0


def statistics(address: str) -> None:
    def requests() -> int:
        with client(address) as server:  # a new connection each time, so that either worker may answer
            (found,) = server.get_inference_statistics("linear", headers=KEY)["model_stats"]
            return int(found["inference_stats"]["success"]["count"])

    before = requests()
    for _ in range(10):
        with client(address) as server:
            server.infer("linear", [tensor(np.ones((1, 4), np.float32), "features", "FP32")], headers=dict(KEY))
    assert {requests() for _ in range(10)} == {before + 10}


def errors(address: str) -> None:
    with client(address) as server:
        error = refused(server.get_model_metadata, "nope", headers=KEY)
        assert error.status() == "404"
        assert error.message() == "no model 'nope' in the store (models: cnn, linear)"
        error = refused(server.infer, "nope", [tensor(LIGHT)], headers=dict(KEY))
        assert error.status() == "404"
        error = refused(server.infer, "cnn", [tensor(np.zeros((1, 1, 9, 9), np.uint8))], headers=dict(KEY))
        assert (error.status(), "[-1,1,8,8]" in error.message()) == ("400", True)
        error = refused(server.infer, "cnn", [tensor(LIGHT), tensor(LIGHT, "more")], headers=dict(KEY))
        assert (error.status(), "got 2 inputs" in error.message()) == ("400", True)
        error = refused(server.infer, "cnn", [tensor(LIGHT)])
        assert (error.status(), "expected an API key" in error.message()) == ("401", True)


def unload_and_load(address: str) -> None:
    def ready() -> set[bool]:
        found = set()
        for _ in range(16):  # connections, so that every worker takes some
            with client(address) as server:
                found.add(server.is_model_ready("linear", headers=KEY))
        return found

    def every_worker_follows(expected: bool) -> bool:
        """Each looks twice a second, if the machine lets it. The client asks on a new connection each time."""
        end = time.monotonic() + 10
        while (found := ready()) != {expected} and time.monotonic() < end:
            time.sleep(0.1)
        return found == {expected}

    with client(address) as server:
        assert refused(server.unload_model, "linear").status() == "401"
        try:
            server.unload_model("linear", headers=KEY)
            assert every_worker_follows(False)
        finally:
            server.load_model("linear", headers=KEY)
        assert every_worker_follows(True)
        assert refused(server.load_model, "nope", headers=KEY).status() == "404"


run(
    [
        live_and_ready,
        metadata,
        repository_index,
        infer_in_json_and_in_bytes,
        compressed_answers,
        compressed_requests,
        asynchronous,
        class_count,
        encoded_pictures,
        preprocessing_and_then_the_network,
        statistics,
        errors,
        unload_and_load,
    ]
)
