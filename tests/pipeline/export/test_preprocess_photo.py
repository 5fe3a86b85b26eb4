"""preprocess.onnx for photographs: scaled to fit, aspect kept, the rest filled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import pipeline  # noqa: F401  (sets the environment before onnxruntime is imported)
from pipeline.export.preprocess import photo

ort = pytest.importorskip("onnxruntime")


def run(picture: NDArray[np.uint8], channels: int, height: int, width: int) -> NDArray[np.uint8]:
    session = ort.InferenceSession(photo(channels, height, width).SerializeToString())
    return np.asarray(session.run(None, {"image": picture})[0])


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    target=st.tuples(st.sampled_from([1, 3]), st.integers(1, 40), st.integers(1, 40)),
    level=st.integers(0, 255),
)
def test_a_picture_of_one_grey_stays_so(shape: tuple[int, int], target: tuple[int, int, int], level: int) -> None:
    pixels = run(np.full((*shape, 3), level, np.uint8), *target)
    assert pixels.shape == (1, *target)
    assert np.abs(pixels.astype(int) - level).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (3000, 4000), (7, 5)])
def test_any_size(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert run(noise, 3, 32, 48).shape == (1, 3, 32, 48)


def test_a_picture_that_fits_is_untouched() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(run(noise, 3, 32, 32)[0], noise.transpose(2, 0, 1))


def test_the_aspect_is_kept_and_the_sides_are_the_mean() -> None:
    wide = np.zeros((50, 100, 3), np.uint8)
    wide[:, :50] = (200, 100, 0)
    pixels = run(wide, 3, 32, 32)[0]
    assert pixels[:, 0, 0].tolist() == [100, 50, 0]
    assert pixels[:, 16, 4].tolist() == [200, 100, 0]
    np.testing.assert_array_equal(pixels[:, 7], pixels[:, 24])
    assert pixels[:, 8, 4].tolist() == [200, 100, 0]


def test_scaling_down_averages() -> None:
    chequered = np.indices((64, 64)).sum(0) % 2 * 255
    pixels = run(np.repeat(chequered[..., None], 3, axis=2).astype(np.uint8), 1, 8, 8)
    assert np.abs(pixels.astype(int) - 127).max() <= 4


@pytest.mark.parametrize(("colour", "grey"), [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29)])
def test_grey_is_luma(colour: tuple[int, int, int], grey: int) -> None:
    assert run(np.full((9, 9, 3), colour, np.uint8), 1, 4, 4).tolist() == [[[[grey] * 4] * 4]]


def test_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or 3 channels, not 2"):
        photo(2, 8, 8)
