"""The products: rows in whatever blocks they come add up to what all of them give at once."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.buffers import Buffers
from pipeline.network import multiply, product, windows
from pipeline.network.layer import Array
from pipeline.network.product import Product, blocks

small = st.integers(1, 3)


@given(st.integers(0, 50), st.integers(1, 50), st.integers(1, 200))
def test_blocks_are_all_rows_in_their_order_about_a_block_at_a_time(rows: int, positions: int, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product, "BLOCK", block)
        made = list(blocks(rows, positions))
    assert [row for some in made for row in range(some.start, some.stop)] == list(range(rows))
    for some in made:
        assert some.stop - some.start == 1 or (some.stop - some.start) * positions <= block
    for some in made[:-1]:
        assert (some.stop - some.start + 1) * positions > block, "one row more would have been too many"


def run(X: Array, W: Array, stride: int, out: tuple[int, int], dY: Array, cuts: list[int]) -> tuple[Array, ...]:
    """Y, dW and dX, with the rows cut at `cuts`; rows after the last cut are left out on the way back."""
    made = Product(X, W, stride, out, Buffers())
    Y, dW = np.full(dY.shape, np.nan), np.full(W.shape, np.nan)
    for start, stop in pairwise([*cuts, out[0]] if cuts[-1] < out[0] else cuts):
        made.forward(slice(start, stop), Y[start:stop])
    made.start_back(dW, first=False)
    for start, stop in pairwise(cuts):
        made.backward(slice(start, stop), dY[start:stop])
    return Y, dW, made.end_back()


@given(
    st.tuples(*[small] * 6),
    st.tuples(*[st.integers(0, 6)] * 2),
    st.sampled_from([0, 1_000]),
    st.sampled_from([1, 40, 1_000_000]),
    st.data(),
)
def test_any_cut_gives_the_same(
    sizes: tuple[int, ...], more: tuple[int, int], thin: int, most: int, data: st.DataObject
) -> None:
    """Rows that are not handed in on the way back count as a gradient of 0."""
    n, channels, filters, kh, kw, stride = sizes
    out = more[0] // stride + 1, more[1] // stride + 1
    rng = np.random.default_rng(1)
    X, W = rng.normal(size=(kh + more[0], kw + more[1], n, channels)), rng.normal(size=(kh, kw, channels, filters))
    dY = rng.normal(size=(*out, n, filters))
    cuts = [0, *sorted(data.draw(st.sets(st.integers(1, out[0]), min_size=1)))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "THIN", thin)
        for name, value in {"FEWEST": 1, "SMALL": most, "SHORT": 2, "small": lambda: True}.items():
            patch.setattr(multiply, name, value)
        multiply.piece.cache_clear()
        found = run(X, W, stride, out, dY, cuts)
        dY[cuts[-1] :] = 0
        patch.setattr(multiply, "small", lambda: False)
        expected = run(X, W, stride, out, dY, [0, out[0]])
    multiply.piece.cache_clear()
    for mine, whole in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, whole, rtol=1e-10, atol=1e-12)


def test_a_product_can_go_both_ways_again() -> None:
    """The rows of the second time begin at the first again, in memory that the first time has left as it was."""
    rng = np.random.default_rng(2)
    X, W, dY = (rng.normal(size=shape) for shape in [(6, 5, 2, 30), (3, 2, 30, 4), (4, 4, 2, 4)])
    made, Y, dW = Product(X, W, 1, (4, 4), Buffers()), np.empty((2, 4, 4, 2, 4)), np.empty((2, *W.shape))
    dX = []
    for time in range(2):
        made.forward(slice(0, 4), Y[time])
        made.start_back(dW[time], first=False)
        made.backward(slice(0, 4), dY)
        dX.append(made.end_back().copy())
    for first, second in (Y, dW, dX):
        np.testing.assert_array_equal(first, second)
