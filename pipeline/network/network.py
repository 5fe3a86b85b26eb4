"""A network: layers in a row, all of whose parameters are views of one vector.

`theta` holds every parameter and `gradient` every derivative, in the same order. So an optimizer is a few
operations on vectors, a checkpoint is one array, and the gradients of many workers are summed with one addition.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.buffers import aligned
from pipeline.errors import ArchitectureError
from pipeline.network import losses, notation
from pipeline.network.activations import Activation, Identity, Sigmoid, Softmax, Step, activation
from pipeline.network.convolution import Convolution
from pipeline.network.dense import Dense
from pipeline.network.dropout import Dropout
from pipeline.network.fused import Fused
from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.notation import Architecture, Shape, times
from pipeline.network.pooling import AveragePooling, MaxPooling
from pipeline.network.reshaping import Flatten, Input
from pipeline.network.scale import Scale

Run = Layer | Fused  # what is run at once
Call = Callable[[Run, np.ndarray, np.random.Generator | None], tuple[Array, Backprop]]
LOSSES = ("cross-entropy", "mse", "perceptron")
AT_ONCE = 10_000_000  # values that all layers of maps together may leave: 40 MB
MOST = 1_000_000_000  # parameters: 4 GB of float32, and as much again for the gradient


class Network:
    """The layers that an architecture describes, for examples of a given shape.

    architecture: see `pipeline.network.notation`.
    example: the shape of one example of the dataset, (C, H, W) or (D,); by default the architecture's own.
    dtype: of the parameters and all arithmetic; float64 serves the tests of the gradients.
    Raises ArchitectureError, naming the layer, where the architecture does not fit.
    """

    def __init__(
        self,
        architecture: Architecture,
        example: Shape | None = None,
        dtype: type[np.floating[Any]] = np.float32,
    ) -> None:
        self.architecture = architecture
        self.dtype = np.dtype(dtype)
        self.layers = _layers(architecture, example or architecture.shape, self.dtype)
        self.call: Call = lambda run, X, rng: run.forward(X, rng)  # a profile puts a clock around it
        self.use(aligned((_parameters(self.layers),), dtype))
        self.learn_into(aligned(self.theta.shape, dtype))

    @property
    def outputs(self) -> int:
        """K, the number of output values."""
        return self.layers[-1].shape[0]

    @property
    def at_once(self) -> int:
        """How many examples best go through at once: rows 128; maps 64, or fewer if they are large, to save memory."""
        if len(self.architecture.shape) == 1:
            return 128
        return min(max(AT_ONCE // sum(math.prod(layer.shape) for layer in self.layers), 16), 64)

    def use(self, theta: Array) -> None:
        """Take theta [P] for the parameters: each layer gets its views of it."""
        self.theta = theta
        for layer, name, view in self._views(theta):
            layer.parameters[name] = view

    def learn_into(self, gradient: Array) -> None:
        """Leave the derivatives in gradient [P] from now on."""
        self.gradient = gradient
        for layer, name, view in self._views(gradient):
            layer.gradients[name] = view

    def weights(self) -> Array:
        """[P], 1 for every weight and 0 for every bias."""
        which = np.zeros_like(self.theta)
        for _, name, view in self._views(which):
            view[...] = name == "W"
        return which

    def _views(self, vector: Array) -> Iterator[tuple[Layer, str, Array]]:
        """What each layer owns of a vector [P], by the parameter's name."""
        at = 0
        for layer in self.layers:
            for name, shape in layer.parameter_shapes.items():
                end = at + math.prod(shape)
                yield layer, name, vector[at:end].reshape(shape)
                at = end

    def initialise(self, rng: np.random.Generator) -> None:
        """Draw all parameters afresh."""
        for layer, after in zip(self.layers, [*self.layers[1:], Identity(())], strict=True):
            layer.initialise(rng, after.gain if isinstance(after, Activation) else 1.0)

    def measure(self, X: np.ndarray, learn: np.ndarray) -> None:
        """Let SCALE see what is to be learned from, if there is one: of the examples X [N,D] those at learn [n]."""
        for layer in self.layers:
            if isinstance(layer, Scale):
                layer.measure(X[learn])

    def forward(
        self, X: np.ndarray, rng: np.random.Generator | None = None, layers: list[Layer] | None = None
    ) -> tuple[Array, Backprop]:
        """Y [N,K] for examples X, and the way back: `backprop(dY)` fills `gradient`."""
        steps: list[Backprop] = []
        for run, first in _runs(self.layers if layers is None else layers):
            X, step = self.call(run, X, rng)
            steps = [step] if first else [*steps, step]  # before the first that learns there is no way back

        def backprop(dY: Array) -> Array:
            for step in reversed(steps):
                dY = step(dY)
            return dY

        return X, backprop

    def loss(
        self,
        X: np.ndarray,
        labels: np.ndarray,
        kind: str,
        rng: np.random.Generator | None = None,
        B: int | None = None,
        smoothing: float = 0.0,
    ) -> tuple[float, Array]:
        """The loss over the examples X, divided by B (by default by their number, which makes it the mean).

        Returns it and the outputs [N,K] (before the last activation, where the loss takes it in); the gradients are
        left in `gradient`. rng: for dropout. smoothing: see `losses.one_hot`.
        """
        aim = objective(self.layers, kind)
        Y, backprop = self.forward(X, rng, aim.layers)
        value, dY = aim.loss(Y, losses.targets(labels, self.outputs, self.dtype, smoothing), B or len(Y))
        backprop(dY)
        return value, Y

    def predict(self, X: np.ndarray) -> Array:
        """The outputs [N,K] for examples X of any number."""
        Y = np.empty((len(X), self.outputs), self.dtype)
        for start in range(0, len(X), self.at_once):
            piece = slice(start, start + self.at_once)
            Y[piece] = self.forward(X[piece])[0]
        return Y


@dataclass(frozen=True)
class Objective:
    """What a training makes small: the loss of what the layers give, from which the last activation may be left out.

    boundary: where one unit stands for two labels, what is above it means the second.
    """

    layers: list[Layer]
    loss: losses.Loss
    boundary: float = 0.0

    def right(self, Y: Array, labels: np.ndarray) -> int:
        """How many of Y [N,K] are answers with the labels [N]; a number [N] that is to be met is never quite right."""
        if labels.dtype.kind == "f":
            return 0
        answers = Y.argmax(axis=1) if Y.shape[1] > 1 else Y[:, 0] > self.boundary
        return int(np.count_nonzero(answers == labels))


def objective(layers: list[Layer], kind: str) -> Objective:
    """What to make small: cross-entropy and the perceptron's criterion take the last activation in."""
    if kind == "mse":
        return Objective(layers, losses.mean_squared_error, boundary=0.5)
    if kind == "perceptron":
        if isinstance(layers[-1], Step) and layers[-1].shape == (1,):
            return Objective(layers[:-1], losses.perceptron_criterion)
        raise ArchitectureError(
            f"the perceptron's rule needs one unit with a step: expected “FC 1 step” at the end, got"
            f" {layers[-1].kind} of {layers[-1].shape[0]}; or use another --loss"
        )
    if isinstance(layers[-1], Softmax) and layers[-1].shape != (1,):
        return Objective(layers[:-1], losses.softmax_cross_entropy)
    if isinstance(layers[-1], Sigmoid):
        return Objective(layers[:-1], losses.sigmoid_cross_entropy)
    raise ArchitectureError(
        f"the cross-entropy needs probabilities: expected softmax or sigmoid on the last layer, got"
        f" {layers[-1].kind}; end with “FC {layers[-1].shape[0]} softmax”, or use --loss mse"
    )


def _layers(architecture: Architecture, example: Shape, dtype: np.dtype[Any]) -> list[Layer]:
    """The input layer and all that the architecture asks for, named conv1, relu1, pool1, conv2 …"""
    shape = architecture.shape
    if shape != example and shape != (int(np.prod(example)),):
        raise ArchitectureError(
            f"INPUT {times(*shape)} does not fit the data: expected {times(*example)}"
            + (f" or {np.prod(example)}" if len(example) == 3 else "")
        )
    layers: list[Layer] = [Input(example, shape, dtype)]
    for spec in architecture.layers:
        if isinstance(spec, notation.Scale) and (len(layers) > 1 or len(example) > 1):
            raise ArchitectureError(
                "SCALE brings plain numbers to one size: expected it right after INPUT, and no pixels, which have it"
            )
        layers += _build(spec, layers[-1].shape)
    if len(layers[-1].shape) != 1:
        raise ArchitectureError(
            f"the last layer gives maps of {times(*layers[-1].shape)}: expected an FC at the end, one unit a label"
        )
    counts: dict[str, int] = {}
    for layer in layers[1:]:
        counts[layer.kind] = counts.get(layer.kind, 0) + 1
        layer.name = f"{layer.kind}{counts[layer.kind]}"
    learning = [layer for layer in layers if layer.size]
    if not learning:
        raise ArchitectureError(f"{architecture}: nothing in it can learn, expected a CONV or an FC")
    learning[0].first = True
    return layers


def _runs(layers: list[Layer]) -> Iterator[tuple[Run, bool]]:
    """What is run, one after the other, and whether it is the first that learns: the layers, some of them as one."""
    at = 0
    while at < len(layers):
        fused, many = Fused.take(layers[at:])
        yield fused or layers[at], layers[at].first
        at += many or 1


def _parameters(layers: list[Layer]) -> int:
    """How many there are in all; ArchitectureError if no memory will hold them."""
    largest = max(layers, key=lambda layer: layer.size)
    if (size := sum(layer.size for layer in layers)) > MOST:
        raise ArchitectureError(
            f"the network has {size:,} parameters, {largest.size:,} of them in {largest.name}: expected at most"
            f" {MOST:,}; take fewer units or filters"
        )
    return size


def _build(spec: notation.Layer, shape: Shape) -> list[Layer]:
    """The layers that one part of the notation stands for, given the shape that comes in."""
    if isinstance(spec, notation.Conv | notation.Pool) and len(shape) != 3:
        raise ArchitectureError(
            f"{spec} works on maps, but gets {times(*shape)} values in a row:"
            " put it before the first FC, and give INPUT as channels x height x width"
        )
    match spec:
        case notation.Conv():
            conv = Convolution(shape, spec)
            return [conv, *_activation(spec.activation, conv.shape)]
        case notation.Pool():
            return [(MaxPooling if spec.kind == "max" else AveragePooling)(shape, spec)]
        case notation.Flatten():
            return [Flatten(shape)]
        case notation.Scale():
            return [Scale(shape)]
        case notation.Dropout():
            return [Dropout(shape, spec.rate)]
        case notation.Dense():
            flat = [Flatten(shape)] if len(shape) == 3 else []
            dense = Dense(int(np.prod(shape)), spec.units)
            return [*flat, dense, *_activation(spec.activation, dense.shape)]


def _activation(name: str, shape: Shape) -> list[Layer]:
    return [] if name == "identity" else [activation(name, shape)]
