"""Memory that is kept from step to step."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

LINE = 64  # bytes in a line of the cache, and in the widest register


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> Any:
    """Zeros, the first at the beginning of a line; NumPy's own begin anywhere.

    With them, an addition of arrays that are in the cache takes half the time: no register is filled from two lines.
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape)
    memory = np.zeros(size * dtype.itemsize + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size * dtype.itemsize].view(dtype).reshape(shape)


class Buffers:
    """Arrays by name. Fresh memory costs more than the arithmetic: the system clears every page of it anew."""

    def __init__(self) -> None:
        self._kept: dict[str, np.ndarray] = {}

    def get(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """An array of this shape with anything in it: the one that was called so before, if that is large enough."""
        size = math.prod(shape)
        kept = self._kept.get(name)
        if kept is None or kept.size < size or kept.dtype != dtype:
            kept = self._kept[name] = aligned((size,), dtype)
        return kept[:size].reshape(shape)
