"""The order in which one epoch sees the examples."""

from collections.abc import Iterator

import numpy as np

from pipeline.data.split import Indices


def batches(n: int, size: int, rng: np.random.Generator) -> Iterator[Indices]:
    """Indices int64 [size] of each batch of one epoch over n examples, shuffled; the last batch is the rest.

    size = n is batch gradient descent, 1 is stochastic gradient descent. The order is drawn at once, when
    this is called: rng has moved on by one permutation, whether or not the epoch is finished.
    """
    if size < 1:
        raise ValueError(f"expected a batch size of 1 or more, came {size}")
    order = rng.permutation(n)
    return (order[start : start + size] for start in range(0, n, size))
