"""The windows against their definition, cut out one by one; each kind for any shape, and the kind that is taken."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.buffers import Buffers
from pipeline.network.layer import Array
from pipeline.network.windows import THIN, RowWindows, WholeWindows, windows

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


@st.composite
def some(draw: st.DrawFn, length: int) -> slice:
    start = draw(st.integers(0, length - 1))
    return slice(start, draw(st.integers(start + 1, length)))


@given(cases(), st.data())
def test_row_windows(case: Case, data: st.DataObject) -> None:
    X, (kh, kw), s, out = case
    rows = data.draw(some(out[0]))
    made = RowWindows(X, (kh, kw), s, out, Buffers())
    matrices = list(made.matrices(rows))
    assert len(matrices) == made.parts == kh
    for i, matrix in enumerate(matrices):
        positions = product(range(rows.start, rows.stop), range(out[1]), range(X.shape[2]))
        cut = [X[s * y + i, s * x : s * x + kw, n].ravel() for y, x, n in positions]
        np.testing.assert_array_equal(matrix, cut)
        assert matrix.dtype == X.dtype


@given(cases(), st.data())
def test_whole_windows(case: Case, data: st.DataObject) -> None:
    X, (kh, kw), s, out = case
    rows = data.draw(some(out[0]))
    (matrix,) = WholeWindows(X, (kh, kw), s, out, Buffers()).matrices(rows)
    positions = product(range(rows.start, rows.stop), range(out[1]), range(X.shape[2]))
    cut = [X[s * y : s * y + kh, s * x : s * x + kw, n].ravel() for y, x, n in positions]
    np.testing.assert_array_equal(matrix, cut)
    assert matrix.dtype == X.dtype


@pytest.mark.parametrize(
    ("kw", "channels", "kind"),
    [
        (THIN - 1, 1, WholeWindows),
        (THIN, 1, RowWindows),
        (1, THIN - 1, WholeWindows),
        (1, THIN, RowWindows),
        (5, 1, WholeWindows),
        (5, 16, RowWindows),
    ],
)
def test_few_channels_are_taken_whole_and_many_row_by_row(kw: int, channels: int, kind: type) -> None:
    X = np.zeros((3, kw, 2, channels), np.float32)
    assert type(windows(X, (2, kw), 1, (2, 1), Buffers())) is kind
