"""CONV, activation and POOL run as one, against the same layers one after the other."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.network import notation, product, windows
from pipeline.network.activations import activation
from pipeline.network.convolution import Convolution
from pipeline.network.fused import Fused
from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.network.pooling import MaxPooling

small = st.integers(1, 3)


@dataclass(frozen=True)
class Case:
    """Layers to be made as often as they are needed, and how many examples there are."""

    shape: tuple[int, int, int]
    conv: notation.Conv
    activation: str | None
    pool: notation.Pool | None
    n: int
    first: bool = False
    seed: int = 5

    def layers(self) -> list[Layer]:
        """The layers anew, with the same parameters and no gradients yet."""
        rng, conv = np.random.default_rng(self.seed), Convolution(self.shape, self.conv)
        for name, shape in conv.parameter_shapes.items():
            conv.parameters[name] = rng.normal(0, conv.fan_in**-0.5, shape)  # small enough to saturate nothing
            conv.gradients[name] = np.full(shape, np.nan)
        conv.first = self.first
        between = [activation(self.activation, conv.shape)] if self.activation else []
        return [conv, *between, *([MaxPooling(conv.shape, self.pool)] if self.pool else [])]

    def examples(self) -> Array:
        """Examples without ties."""
        C, H, W = self.shape
        return np.random.default_rng([self.seed, 1]).normal(size=(H, W, self.n, C))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    channels, sides = draw(st.sampled_from([1, 2, 7, 20])), (draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    padding, stride = draw(st.sampled_from(["valid", "same"])), draw(small)
    kernel = tuple(draw(st.integers(1, min(4, side + 2 * (padding == "same")))) for side in sides)
    shape, conv = (channels, *sides), notation.Conv(draw(small), kernel, stride, padding)
    name = draw(st.sampled_from([None, "relu", "sigmoid", "tanh", "identity"]))
    window = tuple(draw(st.integers(1, min(3, side))) for side in Convolution(shape, conv).shape[1:])
    pool = notation.Pool("max", window) if name is None or draw(st.booleans()) else None
    return Case(shape, conv, name, pool, draw(small), draw(st.booleans()), draw(st.integers(0, 1_000)))


def one_after_the_other(layers: list[Layer], X: Array) -> tuple[Array, Backprop]:
    steps = []
    for layer in layers:
        X, step = layer.forward(X)
        steps.append(step)

    def backprop(dY: Array) -> Array:
        for step in reversed(steps):
            dY = step(dY)
        return dY

    return X, backprop


def agree(found: Array, expected: Array) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


@given(cases(), st.sampled_from([1, 3, 20, 8_192]), st.sampled_from([0, windows.THIN, 1_000]))
@settings(max_examples=150)
def test_as_one_and_one_after_the_other_are_the_same(case: Case, block: int, thin: int) -> None:
    alone, together, X = case.layers(), case.layers(), case.examples()
    fused, many = Fused.take(together)
    assert many == len(together)
    expected, expected_back = one_after_the_other(alone, X)
    dY = np.random.default_rng(case.seed).normal(size=expected.shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product, "BLOCK", block)
        patch.setattr(windows, "THIN", thin)
        Y, backprop = fused.forward(X)
        agree(Y, expected)
        dX, expected_dX = backprop(dY.copy()), expected_back(dY)
    assert dX.size == (0 if case.first else X.size)
    agree(dX, expected_dX)
    for name in ("W", "b"):
        agree(together[0].gradients[name], alone[0].gradients[name])


def test_kept_buffers_do_not_leak_from_one_batch_into_another() -> None:
    any_n = Case((2, 7, 8), notation.Conv(3, (3, 2), 1, "same"), "tanh", notation.Pool("max", (2, 3)), 1)
    layers = any_n.layers()
    used, _ = Fused.take(layers)
    for n in (4, 1, 6, 3):
        case = replace(any_n, n=n)
        fresh = case.layers()
        Y, backprop = used.forward(case.examples())
        expected, fresh_backprop = Fused.take(fresh)[0].forward(case.examples())
        np.testing.assert_array_equal(Y, expected)
        np.testing.assert_array_equal(backprop(np.ones_like(Y)), fresh_backprop(np.ones_like(Y)))
        np.testing.assert_array_equal(layers[0].gradients["W"], fresh[0].gradients["W"])


def test_the_gradient_of_a_tie_goes_to_the_first() -> None:
    """A picture of one colour: everywhere the same value comes out."""
    case = Case((1, 6, 7), notation.Conv(1, (2, 2)), "relu", notation.Pool("max", (2, 3)), 1)
    alone, together, X = case.layers(), case.layers(), np.ones((6, 7, 1, 1))
    for layers in (alone, together):
        layers[0].parameters["W"][...] = [[[[1]], [[2]]], [[[3]], [[4]]]]
    Y, backprop = Fused.take(together)[0].forward(X)
    expected, expected_back = one_after_the_other(alone, X)
    dY = np.arange(1.0, 1 + Y.size).reshape(Y.shape)
    np.testing.assert_array_equal(Y, expected)
    np.testing.assert_array_equal(backprop(dY.copy()), expected_back(dY))


@pytest.mark.parametrize(
    ("text", "many"),
    [
        ("CONV 4@3x3 relu -> POOL max 2x2", 3),
        ("CONV 4@3x3 stride 2 same tanh -> POOL max 3x2", 3),
        ("CONV 4@3x3 sigmoid -> POOL max 1x1", 3),
        ("CONV 4@3x3 step -> POOL max 2x2", 3),
        ("CONV 4@3x3 -> POOL max 2x2", 2),
        ("CONV 4@3x3 relu -> POOL max 3x3 stride 3", 3),
        ("CONV 4@3x3 relu -> POOL max 3x3 stride 2", 2),
        ("CONV 4@3x3 relu -> POOL max 2x3 stride 2", 2),
        ("CONV 4@3x3 relu -> POOL max 2x2 stride 3", 2),
        ("CONV 4@3x3 relu -> POOL avg 2x2", 2),
        ("CONV 4@3x3 -> POOL avg 2x2", 0),
        ("CONV 4@3x3 softmax -> POOL max 2x2", 0),
        ("CONV 4@3x3 relu -> DROPOUT 0.5 -> POOL max 2x2", 2),
        ("CONV 4@3x3 relu -> CONV 4@3x3 relu -> POOL max 2x2", 2),
        ("CONV 4@3x3 relu", 2),
        ("CONV 4@3x3", 0),
        ("POOL max 2x2", 0),
        ("POOL max 2x2 -> CONV 4@3x3 relu", 0),
        ("FC 5 relu", 0),
    ],
)
def test_what_is_taken_together(text: str, many: int) -> None:
    layers = Network(parse(f"INPUT 1x12x12 -> {text} -> FC 2 softmax")).layers[1:]
    fused, taken = Fused.take(layers)
    assert taken == many
    assert (fused is None) == (many == 0)


@pytest.mark.parametrize("text", ["CONV 4@3x3", "POOL max 2x2"])
def test_at_the_end_of_the_layers_there_is_nothing_to_take(text: str) -> None:
    layers = Network(parse(f"INPUT 1x12x12 -> {text} -> FC 2")).layers
    assert Fused.take(layers[1:-2]) == (None, 0), "all but the FC and its way from maps to rows"
    assert Fused.take([]) == (None, 0)


def test_neither_the_input_nor_the_gradient_is_changed() -> None:
    case = Case((2, 6, 8), notation.Conv(3, (3, 3)), "relu", notation.Pool("max", (2, 2)), 3)
    X, dY = case.examples(), np.ones((2, 3, 3, 3))
    Y, backprop = Fused.take(case.layers())[0].forward(X)
    kept = Y.copy()
    backprop(dY)
    np.testing.assert_array_equal(X, case.examples())
    np.testing.assert_array_equal(dY, 1)
    np.testing.assert_array_equal(Y, kept)
