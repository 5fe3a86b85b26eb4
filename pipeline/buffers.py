"""Memory that is kept from step to step."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike


class Buffers:
    """Arrays by name. Fresh memory costs more than the arithmetic: the system clears every page of it anew."""

    def __init__(self) -> None:
        self._kept: dict[str, np.ndarray] = {}

    def get(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """An uninitialised array of this shape: the one that was called so before, if that is large enough."""
        size = math.prod(shape)
        kept = self._kept.get(name)
        if kept is None or kept.size < size or kept.dtype != dtype:
            kept = self._kept[name] = np.empty(size, dtype)
        return kept[:size].reshape(shape)
