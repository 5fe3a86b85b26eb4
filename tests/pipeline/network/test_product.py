"""The products: rows in whatever blocks they come add up to what all of them give at once."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.buffers import Buffers
from pipeline.network import product, windows
from pipeline.network.layer import Array
from pipeline.network.product import Product, blocks, part

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


@given(st.integers(1, 30), st.integers(1, 64), st.integers(1, 20_000))
def test_parts_are_the_largest_that_make_small_products(across: int, N: int, weights: int) -> None:
    found = part(across, N, weights, 10_000)
    assert (across * N) % found == found % N == 0
    if weights > 10_000 or N * weights > product.SMALL:
        assert found == across * N, "all of the row, there is no gain"
    else:
        assert found * weights <= product.SMALL
        larger = [d * N for d in range(found // N + 1, across + 1) if across % d == 0]
        assert not larger or larger[0] * weights > product.SMALL


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
    st.sampled_from([0, 40, 1_000_000]),
    st.data(),
)
def test_any_cut_gives_the_same(
    sizes: tuple[int, ...], more: tuple[int, int], thin: int, small_ones: int, data: st.DataObject
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
        patch.setattr(product, "SMALL", small_ones)
        part.cache_clear()
        found = run(X, W, stride, out, dY, cuts)
        dY[cuts[-1] :] = 0
        patch.setattr(product, "SMALL", 0)
        part.cache_clear()
        expected = run(X, W, stride, out, dY, [0, out[0]])
    part.cache_clear()
    for mine, whole in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, whole, rtol=1e-10, atol=1e-12)
