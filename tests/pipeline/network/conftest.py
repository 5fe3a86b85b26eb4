"""For all tests of the network: memory that a layer asks for comes filled with what would spoil any result."""

import numpy as np
import pytest

from pipeline.buffers import Buffers


@pytest.fixture(autouse=True)
def _fouled_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is read was written first; fresh memory is often zeros, and would hide it."""
    get = Buffers.get

    def foul(self: Buffers, name: str, shape: tuple[int, ...], dtype: np.typing.DTypeLike) -> np.ndarray:
        array = get(self, name, shape, dtype)
        array.fill(np.nan if array.dtype.kind == "f" else True)
        return array

    monkeypatch.setattr(Buffers, "get", foul)
