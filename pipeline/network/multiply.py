"""Products of matrices, as many small ones where that is faster.

OpenBLAS copies what it multiplies into an order of its own. Its kernels for AVX-512 multiply small matrices as they
lie: that saves up to a third of the time where the second matrix is small, as the weights of a convolution are.
"""

from functools import cache

import numpy as np
from threadpoolctl import threadpool_info

from pipeline.network.layer import Array

KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}  # those that multiply small matrices as they lie
SMALL = 1_000_000  # up to so many multiply-adds
FEWEST = 16  # rows in a small product: with fewer, the second matrix is read too often
SHORT = 256  # rows of the matrices in `add_product`: of shorter ones there would be too many products to add


def multiply(A: Array, B: Array, out: Array) -> None:
    """out [L,F] = A [L,K] B [K,F]; A and out as they lie, of any strides."""
    rows = piece(len(A), SMALL // B.size) if small() else len(A)
    np.matmul(A.reshape(-1, rows, A.shape[1]), B, out=out.reshape(-1, rows, out.shape[1]))


def add_product(A: Array, B: Array, to: Array, term: Array) -> None:
    """to [K,F] += Aᵀ B, for A [L,K] and B [L,F]; term [K,F] is room for a part of it."""
    rows = piece(len(A), max(SHORT, SMALL // to.size)) if small() else len(A)
    for start in range(0, len(A), rows):
        some = slice(start, start + rows)
        multiply(A[some].T, B[some], term)
        to += term


@cache
def piece(length: int, most: int) -> int:
    """The largest part of `length` that it is a multiple of and that is at most `most`; all of it if none is large."""
    return next((n for n in range(min(most, length), FEWEST - 1, -1) if length % n == 0), length)


@cache
def small() -> bool:
    """Whether this machine's kernels multiply small matrices as they lie."""
    return any(library.get("architecture") in KERNELS for library in threadpool_info())
