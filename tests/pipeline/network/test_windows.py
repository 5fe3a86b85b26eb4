"""The windows against their definition, cut out one by one; each kind for any shape, and the kind that is taken."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.buffers import Buffers
from pipeline.network.layer import Array
from pipeline.network.windows import THIN, Sliding, Strips, WholeWindows, windows

small = st.integers(1, 3)
Case = tuple[Array, tuple[int, int], int, tuple[int, int]]  # X [H,W,N,C], kernel, stride, out


@st.composite
def cases(draw: st.DrawFn) -> Case:
    n, channels, stride = draw(small), draw(small), draw(small)
    kernel = draw(small), draw(small)
    sides = [k + draw(st.integers(0, 5)) for k in kernel]
    out = tuple((side - k) // stride + 1 for side, k in zip(sides, kernel, strict=True))
    X = np.arange(np.prod([*sides, n, channels]), dtype=draw(st.sampled_from([np.float32, np.float64])))
    return X.reshape(*sides, n, channels), kernel, stride, out


def by_definition(X: Array, kernel: tuple[int, int], s: int, rows: list[int], across: int) -> list[Array]:
    """Each window of these rows, cut out by itself, in the order (y, x, n)."""
    (kh, kw), positions = kernel, product(rows, range(across), range(X.shape[2]))
    return [X[s * y : s * y + kh, s * x : s * x + kw, n].ravel() for y, x, n in positions]


@pytest.mark.parametrize("kind", [Strips, WholeWindows])
@given(case=cases(), data=st.data())
def test_windows(kind: type[Strips | WholeWindows], case: Case, data: st.DataObject) -> None:
    """Rows may come in any blocks, one after the other; those of the way back come from the first again."""
    X, kernel, s, out = case
    made = kind(X, kernel, s, out, Buffers())
    for cuts in ({0, *data.draw(st.sets(st.integers(1, out[0])))}, {0, out[0]}):
        for start, stop in pairwise(sorted(cuts)):
            rows = list(range(start, stop))
            for some, matrix in made.matrices(slice(start, stop)):
                expected = by_definition(X, kernel, s, rows[some], out[1])
                np.testing.assert_array_equal(matrix, np.reshape(expected, matrix.shape))
                assert matrix.dtype == X.dtype
                rows[some] = [None] * len(rows[some])
            assert rows == [None] * (stop - start), "every row once"


@given(cases())
def test_strips_give_a_matrix_a_row_in_memory_that_does_not_grow_with_the_rows(case: Case) -> None:
    X, kernel, s, out = case
    made = Strips(X, kernel, s, out, Buffers())
    for y, (some, matrix) in enumerate(made.matrices(slice(0, out[0]))):
        assert some == slice(y, y + 1)
        assert matrix.flags.c_contiguous
        assert np.shares_memory(matrix, made.strips.memory)
    assert made.strips.memory.size == out[1] * X.shape[2] * kernel[0] * made.width + len(X) * made.width


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 5), st.integers(1, 3), st.data())
def test_a_sliding_window_has_the_last_rows(
    k: int, rows: int, positions: int, values: int, data: st.DataObject
) -> None:
    A = np.random.default_rng(1).normal(size=(rows, positions, values))
    sliding = Sliding(k, rows, (positions, values), Buffers(), "a", A.dtype)
    for end in range(1, rows + 1):
        sliding.row(end - 1)[...] = A[end - 1]
        first = data.draw(st.integers(max(0, end - k), end - 1))
        expected = A[first:end].transpose(1, 0, 2).reshape(positions, -1)
        np.testing.assert_array_equal(sliding.window(first, end), expected)


@pytest.mark.parametrize(
    ("kw", "channels", "kind"),
    [
        (THIN - 1, 1, WholeWindows),
        (THIN, 1, Strips),
        (1, THIN - 1, WholeWindows),
        (1, THIN, Strips),
        (5, 1, WholeWindows),
        (5, 16, Strips),
    ],
)
def test_few_channels_are_taken_whole_and_many_in_strips(kw: int, channels: int, kind: type) -> None:
    X = np.zeros((3, kw, 2, channels), np.float32)
    assert type(windows(X, (2, kw), 1, (2, 1), Buffers())) is kind
