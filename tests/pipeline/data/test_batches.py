import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data.batches import batches


@given(n=st.integers(0, 50), size=st.integers(1, 60), seed=st.integers(0, 9))
def test_an_epoch_sees_every_example_once(n, size, seed):
    epoch = list(batches(n, size, np.random.default_rng(seed)))
    assert sorted(index for batch in epoch for index in batch) == list(range(n))
    assert all(len(batch) == size for batch in epoch[:-1])
    assert all(0 < len(batch) <= size for batch in epoch)


def test_the_order_is_drawn_when_asked_for():
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    epoch = batches(10, 4, rng)
    same.permutation(10)
    assert rng.random() == same.random()
    assert [len(batch) for batch in epoch] == [4, 4, 2]


def test_no_batch_of_nothing():
    with pytest.raises(ValueError, match="batch size of 1 or more, came 0"):
        batches(10, 0, np.random.default_rng(0))
