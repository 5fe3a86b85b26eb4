import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data.split import hold_out, stratified
from pipeline.errors import DataError

LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=60).map(lambda labels: np.array(labels, dtype=np.int64))


@given(labels=LABELS, data=st.data(), seed=st.integers(0, 99))
def test_every_example_is_in_one_part_and_shares_are_fair(labels, data, seed):
    count = data.draw(st.integers(0, len(labels)))
    kept, held = stratified(labels, count, np.random.default_rng(seed))
    assert len(held) == count
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(len(labels)))
    for label in np.unique(labels):
        fair = count * np.mean(labels == label)
        assert abs(np.sum(labels[held] == label) - fair) <= 1


@given(labels=LABELS, seed=st.integers(0, 99))
def test_a_label_with_two_is_in_both_parts(labels, seed):
    common = [label for label in np.unique(labels) if np.sum(labels == label) > 1]
    kept, held = stratified(labels, len(labels) // 2, np.random.default_rng(seed))
    assert set(common) <= set(labels[kept])
    assert set(common) <= set(labels[held])


def test_the_seed_decides():
    labels = np.arange(100) % 5
    first, again, other = (stratified(labels, 20, np.random.default_rng(seed))[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.1, 10), (0.25, 25), (1, 1), (30, 30)])
def test_hold_out_takes_a_fraction_or_a_number(share, count):
    train, validation = hold_out(np.arange(100) % 5, share, np.random.default_rng(0))
    assert (len(train), len(validation)) == (100 - count, count)
    assert sorted([*train, *validation]) == list(range(100))
    assert np.ptp(np.bincount(validation % 5, minlength=5)) <= 1, "of each label equally many"


@pytest.mark.parametrize("share", [-0.5, -3, 100, 1000])
def test_hold_out_refuses_what_leaves_nothing(share):
    with pytest.raises(DataError, match=r"fewer than the 100 .* came"):
        hold_out(np.zeros(100, np.int64), share, np.random.default_rng(0))
