"""Which pictures pass preprocess.onnx as they are: the graph's few products against the conditions written out."""

from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.export.graph import Graph
from pipeline.export.preprocess import canonical
from pipeline.export.preprocess.target import DIGITS, MNIST, Target

Picture = NDArray[np.uint8]
Look = Callable[[Picture], tuple[NDArray[np.float32], bool]]
TALL = MNIST._replace(height=40, width=30, box=22)
TARGETS = {"mnist": MNIST, "digits": DIGITS, "tall": TALL, "tall, by box": TALL._replace(centre="box")}


def compiled(target: Target) -> Look:
    """The look alone, as a function."""
    g = Graph("look")
    ink, is_canonical = canonical.look(g, g.input("image", np.uint8, ["h", "w", 3]), target)
    g.output(ink, np.float32, ["rows", "columns"], name="ink")
    g.output(is_canonical, np.bool_, [], name="canonical")
    session = onnxruntime.InferenceSession(g.model("", {}).SerializeToString(), providers=["CPUExecutionProvider"])

    def look(picture: Picture) -> tuple[NDArray[np.float32], bool]:
        X, passes = session.run(None, {"image": picture})
        return X, bool(passes)

    return look


LOOKS = {name: compiled(target) for name, target in TARGETS.items()}


def conditions(picture: Picture, target: Target) -> tuple[NDArray[np.float64], dict[str, bool]]:
    """The ink of a picture of the target's size, and each thing that is asked of it, as one would say it."""
    colour = picture.astype(np.float64)
    grey = colour.mean(axis=2)
    dark, bright = (grey <= canonical.DARK).sum(), (grey >= canonical.BRIGHT).sum()
    ink = np.abs(grey - (255 if bright > dark else 0))
    rows, columns = (np.flatnonzero((ink > canonical.MARK).any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return ink, {"full": False}
    longer = max(np.ptp(rows), np.ptp(columns)) + 1
    middle = np.array([target.height, target.width]) / 2
    if target.centre == "mass":
        y, x = (np.average(np.arange(ink.shape[axis]) + 0.5, weights=ink.sum(axis=1 - axis)) for axis in (0, 1))
        middle += 0.5
    else:
        y, x = ((side[0] + side[-1] + 1) / 2 for side in (rows, columns))
    return ink, {
        "full": bool(ink.max() >= canonical.FULL),
        "empty": bool(max(dark, bright) >= canonical.EMPTY[target.centre] * ink.size),
        "grey": bool(np.abs(3 * colour - colour.sum(axis=2, keepdims=True)).max() <= 3 * canonical.GREY),
        "box": bool(target.box - 1.25 <= longer <= target.box + 0.25),
        "middle": bool(max(abs(y - middle[0]), abs(x - middle[1])) <= canonical.AWAY[target.centre]),
    }


@st.composite
def pictures(draw: st.DrawFn, target: Target) -> Picture:
    """Of the target's size: a cross with arms as long as the box, more or less, at its place, more or less."""
    height, width = target.height, target.width
    ink = np.zeros((height, width))
    small = st.sampled_from([0, 0, 0, 1, -1])
    top, left = (round((side - target.box) / 2) + draw(small) for side in (height, width))
    long, wide = (target.box + draw(st.sampled_from([-2, -1, 0, 0, 1])) for _ in range(2))
    rows, columns = slice(max(top, 0), max(top + long, 1)), slice(max(left, 0), max(left + wide, 1))
    ink[rows, min(left + wide // 2 + draw(small), width - 1)] = draw(st.sampled_from([179, 180, 255]))
    ink[min(top + long // 2 + draw(small), height - 1), columns] = draw(st.sampled_from([40, 41, 200]))
    ink += draw(st.sampled_from([0, 0, 0, 32, 33]))  # of a paper that is not quite black
    yellow = np.array([0, 0, draw(st.sampled_from([0, 0, 0, 72, 73]))])
    picture = np.clip(ink[:, :, None] - yellow, 0, 255).astype(np.uint8)
    return 255 - picture if draw(st.booleans()) else picture


@pytest.mark.parametrize("name", TARGETS)
def test_what_passes_is_what_meets_every_condition(name: str) -> None:
    target, met = TARGETS[name], []

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(picture=pictures(target))
    def check(picture: Picture) -> None:
        X, passes = LOOKS[name](picture)
        ink, said = conditions(picture, target)
        assert passes == all(said.values()), said
        np.testing.assert_allclose(X, ink, atol=1e-4)
        met.append(passes)

    check()
    assert 20 < sum(met) < len(met) - 20, "both answers were seen"


@pytest.mark.parametrize("shape", [(28, 27), (27, 28), (14, 56), (1, 1), (56, 56)])
def test_another_size_is_not_looked_at(shape: tuple[int, int]) -> None:
    assert not LOOKS["mnist"](np.zeros((*shape, 3), np.uint8))[1]
