"""Where the time of a training goes: the seconds and the GFLOP/s of each layer, there and back."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.network.convolution import Convolution
from pipeline.network.dense import Dense
from pipeline.network.fused import Fused
from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.network import Run

SIDE = 1024  # of the matrices whose product shows what the machine can do


@dataclass
class Line:
    """What one layer, or one other part of a step, has taken. examples: that went forward through it."""

    forward: float = 0.0
    backward: float = 0.0
    examples: int = 0
    operations: tuple[float, float] = (0.0, 0.0)  # of its products, for one example, there and back

    @property
    def speeds(self) -> tuple[float, float]:
        """GFLOP/s there and back; 0 where there is no product."""
        there, back = self.operations
        return (
            there * self.examples / self.forward / 1e9 if self.forward else 0.0,
            back * self.examples / self.backward / 1e9 if self.backward else 0.0,
        )


@dataclass
class Profile:
    """The clocks of one worker. They are put around its parts from outside: a training knows nothing of them."""

    lines: dict[str, Line] = field(default_factory=dict)

    def call(self, run: Run, X: np.ndarray, rng: np.random.Generator | None) -> tuple[Array, Backprop]:
        """`run.forward`, with a clock around it and around its way back."""
        line = self.lines.setdefault(run.name, Line(operations=operations(run)))
        start = time.perf_counter()
        Y, backprop = run.forward(X, rng)
        forward = time.perf_counter() - start

        def timed(dY: Array) -> Array:
            start = time.perf_counter()
            dX = backprop(dY)
            line.backward += time.perf_counter() - start
            line.forward += forward
            line.examples += Y.size // math.prod(run.shape)
            return dX

        return Y, timed

    def around(self, owner: object, method: str, name: str) -> None:
        """Put a clock around a method: what it takes is counted under `name`."""
        timed = getattr(owner, method)

        def call(*arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return timed(*arguments)
            finally:
                self.lines.setdefault(name, Line()).forward += time.perf_counter() - start

        setattr(owner, method, call)


def operations(run: Run) -> tuple[float, float]:
    """Multiplications and additions in the products for one example, there and back (dW, and dX but for the first)."""
    layer: Layer = run.conv if isinstance(run, Fused) else run
    if isinstance(layer, Convolution):
        there = 2.0 * math.prod(layer.shape) * layer.fan_in
    elif isinstance(layer, Dense):
        there = 2.0 * layer.fan_in * layer.shape[0]
    else:
        return 0.0, 0.0
    return there, there if layer.first else 2 * there


def best_product(seconds: float = 0.5) -> float:
    """GFLOP/s of one core at what it does best: the product of two large matrices, the fastest of several."""
    A, B, C = (np.ones((SIDE, SIDE), np.float32) for _ in range(3))
    best, end = math.inf, time.perf_counter() + seconds
    with threadpool_limits(1, "blas"):
        while time.perf_counter() < end:
            start = time.perf_counter()
            np.matmul(A, B, out=C)
            best = min(best, time.perf_counter() - start)
    return 2 * SIDE**3 / best / 1e9
