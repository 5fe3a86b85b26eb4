"""The buffers: the same memory again, for as long as it is large enough."""

import numpy as np
import pytest

from pipeline.buffers import LINE, Buffers, aligned


def test_a_smaller_array_lies_in_the_memory_of_the_larger_one() -> None:
    buffers = Buffers()
    large = buffers.get("Y", (3, 4), np.float32)
    small = buffers.get("Y", (2, 5), np.float32)
    assert small.shape == (2, 5)
    assert small.flags.c_contiguous
    assert np.shares_memory(large, small)
    assert np.shares_memory(large, buffers.get("Y", (12,), np.float32))


def test_another_name_a_larger_array_and_another_dtype_get_memory_of_their_own() -> None:
    buffers = Buffers()
    first = buffers.get("Y", (3, 4), np.float32)
    assert not np.shares_memory(first, buffers.get("X", (3, 4), np.float32))
    assert not np.shares_memory(first, buffers.get("Y", (3, 5), np.float32))
    assert buffers.get("Y", (3, 4), np.float64).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.float64, bool])
@pytest.mark.parametrize("shape", [(3, 5), (100_000,), (1,)])
def test_aligned_arrays_begin_where_a_line_does(shape: tuple[int, ...], dtype: type) -> None:
    made = [aligned(shape, dtype), Buffers().get("Y", shape, dtype)]
    for array in made:
        assert array.shape == shape
        assert array.dtype == dtype
        assert array.ctypes.data % LINE == 0
        assert not array.any()
