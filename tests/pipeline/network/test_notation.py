"""The notation: what is written is what is read, and read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.network.notation import (
    ACTIVATIONS,
    Architecture,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Item,
    Pool,
    Repeat,
    Scale,
    times,
)
from pipeline.network.parser import parse

numbers = st.integers(1, 1_000_000)
kernels = st.tuples(numbers, numbers)
activations = st.sampled_from(ACTIVATIONS)
layers = st.one_of(
    st.builds(Conv, numbers, kernels, numbers, st.sampled_from(["valid", "same"]), activations),
    st.builds(Pool, st.sampled_from(["max", "avg"]), kernels, st.none() | numbers),
    st.builds(Dense, numbers, activations),
    st.just(Flatten()),
    st.just(Scale()),
    st.integers(0, 10**9 - 1).map(lambda n: Dropout(n / 10**9)),
)


@st.composite
def repeats(draw: st.DrawFn, inner: st.SearchStrategy[Item]) -> Repeat:
    return Repeat(tuple(draw(st.lists(inner, min_size=1, max_size=3))), draw(st.integers(1, 3)))


items = st.recursive(layers, repeats, max_leaves=6)
shapes = st.tuples(numbers) | st.tuples(numbers, numbers, numbers)
architectures = st.builds(Architecture, shapes, st.lists(items, min_size=1, max_size=4).map(tuple))


@given(architectures)
def test_what_is_printed_reads_back_as_the_same(architecture: Architecture) -> None:
    text = str(architecture)
    assert parse(text) == architecture
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "INPUT 1x28x28 -> (CONV 16@5x5 relu -> POOL max 2x2) * 2 -> FC 128 relu -> FC 10 softmax",
        "INPUT 784 -> FC 300 sigmoid -> FC 10 sigmoid",
        "INPUT 3x32x48 -> CONV 8@3x5 stride 2 same tanh -> POOL avg 3x2 stride 1 -> FLATTEN -> DROPOUT 0.25 -> FC 2",
        "INPUT 1x8x8 -> ((CONV 4@3x3 same relu * 2 -> POOL max 2x2) * 2 -> DROPOUT 0.000000001) -> FC 10 softmax",
    ],
)
def test_text_in_the_house_style_is_kept_to_the_letter(text: str) -> None:
    assert str(parse(text)) == text


def test_layers_writes_every_repetition_out() -> None:
    conv, pool, dense = Conv(4, (3, 3)), Pool("max", (2, 2)), Dense(10)
    inner = Repeat((conv,), 2)
    architecture = Architecture((1, 28, 28), (Repeat((inner, pool), 3), dense))
    assert architecture.layers == [conv, conv, pool] * 3 + [dense]


def test_times() -> None:
    assert times(1, 28, 28) == "1x28x28"
    assert times(784) == "784"
