"""What every layer is: a function that returns its answer and the way back.

    Y, backprop = layer.forward(X)
    dX = backprop(dY)          # and the layer's gradients are in layer.gradients

Inside a network maps are stored [H,W,N,C]: place first, then the example, then the channel. A convolution, a pooling
and a bias then work on long pieces of contiguous memory, one for each place, however few channels there are; and a
convolution's products come out in the same order. Rows of values are [N,D]. Shapes are still written C x H x W.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.buffers import Buffers
from pipeline.network.notation import Shape

Array = NDArray[np.floating[Any]]
Backprop = Callable[[Array], Array]


class Layer:
    """The base of all layers.

    name: unique in its network, "conv1", "relu1"; the name of its feature maps in `explain.onnx`.
    shape: of one example of its output, (C, H, W) or (D,).
    parameter_shapes: of the arrays it learns, by name; empty where there is nothing to learn.
    """

    kind = "layer"

    def __init__(self, shape: Shape, parameter_shapes: dict[str, Shape] | None = None) -> None:
        self.name = self.kind
        self.shape = shape
        self.parameter_shapes = parameter_shapes or {}
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.first = False  # nothing before it learns, so that backprop may leave dX out
        self.buffers = Buffers()

    @property
    def size(self) -> int:
        """The number of parameters."""
        return sum(math.prod(shape) for shape in self.parameter_shapes.values())

    def initialise(self, rng: np.random.Generator, gain: float) -> None:
        """Draw the parameters afresh; `gain` belongs to the activation that follows."""

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y and the way back. `rng` is given while training, and None when answering.

        Y may live in a buffer of the layer: it is valid until the next `forward`.
        """
        raise NotImplementedError(f"{type(self).__name__}.forward")
