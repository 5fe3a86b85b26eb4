"""Many small products against NumPy's one; how a matrix is cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.network import multiply
from pipeline.network.multiply import FEWEST, add_product, piece

sizes = st.integers(1, 200)


@pytest.fixture(params=[True, False])
def _kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose kernels multiply small matrices as they lie, and one whose kernels do not."""
    monkeypatch.setattr(multiply, "small", lambda: request.param)


@pytest.mark.usefixtures("_kernels")
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("L", "K", "F"), [(1536, 288, 64), (100, 7, 5), (1, 1, 1), (97, 400, 32), (64, 9216, 128)])
def test_the_product_is_numpys(L: int, K: int, F: int, transposed: bool) -> None:
    rng = np.random.default_rng(1)
    A = rng.normal(size=(K, L)).T if transposed else rng.normal(size=(L, K))
    B, out = rng.normal(size=(K, F)), np.full((L, F), np.nan)
    multiply.multiply(A, B, out)
    np.testing.assert_allclose(out, A @ B, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("_kernels")
@pytest.mark.parametrize(("L", "K", "F"), [(1536, 288, 64), (1536, 25, 16), (37, 3, 2), (1, 1, 1)])
def test_a_product_is_added_to_what_is_there(L: int, K: int, F: int) -> None:
    rng = np.random.default_rng(2)
    A, B, to = rng.normal(size=(L, K)), rng.normal(size=(L, F)), rng.normal(size=(K, F))
    expected = to + A.T @ B
    add_product(A, B, to, np.empty((K, F)))
    np.testing.assert_allclose(to, expected, rtol=1e-10, atol=1e-10)


@given(sizes, st.integers(0, 300))
def test_a_piece_is_the_largest_that_fits_unless_it_is_very_small(length: int, most: int) -> None:
    fit = [n for n in range(FEWEST, min(most, length) + 1) if length % n == 0]
    assert piece(length, most) == (max(fit) if fit else length)


@pytest.mark.parametrize(("kernels", "expected"), [("SkylakeX", True), ("Haswell", False), (None, False)])
def test_kernels_that_multiply_as_they_lie(
    kernels: str | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`None`: a library that does not say which it has, as Apple's."""
    library = {"user_api": "blas"} | ({"architecture": kernels} if kernels else {})
    monkeypatch.setattr(multiply, "threadpool_info", lambda: [{"user_api": "openmp"}, library])
    multiply.small.cache_clear()
    assert multiply.small() is expected
    multiply.small.cache_clear()
