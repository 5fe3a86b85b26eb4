"""What KServe's InferenceRESTClient makes of the service: python kserve_rest.py HOST:PORT API_KEY.

The store is that of tests/service/stores.py: `cnn` takes 8x8 pixels and says dark, light or never.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import numpy as np
from checks import run
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

KEY = {"Authorization": f"Bearer {sys.argv[2]}"}
BOTH = np.stack([np.full((1, 8, 8), 255, np.uint8), np.zeros((1, 8, 8), np.uint8)])


def with_client(check: Callable[[Any, str], Awaitable[None]]) -> Callable[[str], None]:
    """The check as checks.run calls it: with a client of its own, to its end."""

    def call(address: str) -> None:
        async def whole() -> None:
            async with InferenceRESTClient(RESTConfig(protocol="v2", retries=0)) as client:
                await check(client, f"http://{address}")

        asyncio.run(whole())

    call.__name__ = check.__name__
    return call


def request(binary: bool, name: str = "pixels", **more: Any) -> InferRequest:
    tensor = InferInput(name, list(BOTH.shape), "UINT8")
    tensor.set_data_from_numpy(BOTH, binary_data=binary)
    return InferRequest("cnn", [tensor], request_id="7", **more)


async def refused(call: Awaitable[Any]) -> httpx.HTTPStatusError:
    try:
        await call
    except httpx.HTTPStatusError as error:
        return error
    raise AssertionError("it was not refused")


async def live_and_ready(client: Any, url: str) -> None:
    assert await client.is_server_live(url) is True
    assert await client.is_server_ready(url) is True
    assert await client.is_model_ready(url, "cnn", headers=KEY)
    assert await client.is_model_ready(url, "cnn.preprocess", headers=KEY)
    assert not await client.is_model_ready(url, "nope", headers=KEY)


async def infer_in_json_and_in_bytes(client: Any, url: str) -> None:
    outputs = [RequestedOutput("probabilities", {"binary_data": True})]
    for into in (True, False):
        for more in ({}, {"parameters": {"binary_data_output": True}}, {"request_outputs": outputs}):
            answer = await client.infer(url, request(into, **more), model_name="cnn", headers=dict(KEY))
            assert (answer.id, answer.model_name) == ("7", "cnn")
            P = answer.outputs[0].as_numpy()
            assert P.shape == (2, 3)
            assert P.argmax(axis=1).tolist() == [1, 0]


async def a_plain_dictionary(client: Any, url: str) -> None:
    tensor = {"name": "features", "shape": [1, 4], "datatype": "FP32", "data": [[1.0, 2.0, 3.0, 4.0]]}
    answer = await client.infer(url, {"inputs": [tensor]}, model_name="linear", headers=KEY)
    assert answer.outputs[0].as_numpy().argmax() == 1


async def errors(client: Any, url: str) -> None:
    for call, status, message in (
        (client.infer(url, request(False), model_name="nope", headers=dict(KEY)), 404, "no model 'nope' in the store"),
        (
            client.infer(url, request(False, "x"), model_name="cnn", headers=dict(KEY)),
            400,
            "expected the input 'pixels'",
        ),
        (client.infer(url, request(False), model_name="cnn"), 401, "expected an API key"),
    ):
        error = await refused(call)
        assert error.response.status_code == status, error
        assert message in str(error)


run([with_client(check) for check in (live_and_ready, infer_in_json_and_in_bytes, a_plain_dictionary, errors)])
