"""Duplicates: no pair is missed that each with each would find, and none is invented."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.data import duplicates
from pipeline.data.duplicates import DISTANCE, Thumbnails, exact, near
from pipeline.data.looks import look, of_arrays


def scene(seed, size=48):
    """Smooth patches of colour."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


def looks(*pictures):
    return np.array([look(picture) for picture in pictures])


def pairs(found):
    return sorted(map(tuple, found.tolist()))


def test_exact_copies_are_paired_with_the_first():
    a, b, c = (scene(seed) for seed in range(3))
    assert pairs(exact(looks(a, b, a, c, b, a))) == [(0, 2), (0, 5), (1, 4)]
    assert pairs(exact(looks(a, b, c))) == []
    features = of_arrays(np.array([[1, 2], [3, 4], [1, 2]], np.float32), lambda *_: None)
    assert pairs(exact(features)) == [(0, 2)]


def test_near_copies():
    a, b, c = (scene(seed) for seed in range(3))
    darker = (a * 0.8).astype(np.uint8)
    smaller = np.asarray(Image.fromarray(b).resize((30, 30)))
    found = near(looks(a, b, c, darker, a, smaller))
    assert pairs(found.pairs) == [(0, 3), (1, 5)], "an exact copy is not near as well"
    assert found.complete
    assert (found.correlation >= 0.995).all()
    assert (np.diff(found.correlation) <= 0).all()


def test_what_alone_is_alike_in_grey_is_another_picture():
    """Two discs of different colours are no copies: they may well have different labels."""
    y, x = np.mgrid[:40, :40] - 20
    disc = (x**2 + y**2 < 150)[..., None]
    red, blue = (np.where(disc, np.array(colour, np.uint8), np.uint8(255)) for colour in ((200, 0, 0), (0, 0, 200)))
    assert pairs(near(looks(red, blue)).pairs) == []


def test_flat_pictures_are_not_near_each_other():
    flat = [np.full((20, 20, 3), grey, np.uint8) + np.eye(20, dtype=np.uint8)[..., None] for grey in range(90, 99)]
    assert pairs(near(looks(*flat)).pairs) == []
    assert near(looks(flat[0])).complete


@pytest.mark.parametrize("count", [1, 2])
def test_few_pictures(count):
    assert pairs(near(looks(*[scene(7)] * count)).pairs) == []


def each_with_each(hashes):
    return {(i, j) for j in range(len(hashes)) for i in range(j) if np.bitwise_count(hashes[i] ^ hashes[j]) <= DISTANCE}


@given(
    data=st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 63), max_size=5)), min_size=1, max_size=40),
    dead=st.integers(0, 2**64 - 1),
)
def test_bands_miss_no_pair_and_find_each_once(data, dead):
    """Hashes are four centres with a few bits flipped; `dead` bits are 0 in all of them, as where no ink comes."""
    centres = np.random.default_rng(0).integers(0, 2**64, 4, np.uint64, endpoint=False)
    hashes = np.array([centres[at] ^ np.uint64(sum({1 << bit for bit in bits})) for at, bits in data], np.uint64)
    hashes &= np.uint64(dead)
    found = [
        tuple(sorted(pair)) for some in duplicates._similar(hashes, duplicates._bands(hashes)) for pair in some.tolist()
    ]
    assert len(found) == len(set(found))
    assert set(found) == each_with_each(hashes)


def test_every_bit_is_in_one_band_and_bands_are_even():
    rng = np.random.default_rng(0)
    ink = rng.integers(0, 2**64, 1000, np.uint64, endpoint=False) & np.uint64(0x003C3C3C3C3C3C00)
    bands = duplicates._bands(ink)
    assert (np.bitwise_or.reduce(bands, axis=0) == ink).all()
    counts = [len(np.unique(band)) for band in bands]
    assert min(counts) > 30, "six of the 24 bits that differ are in each"


def test_correlation_is_numpy_s():
    small = np.random.default_rng(0).integers(0, 256, (6, 50), np.uint8)
    both = np.array([[0, 1], [2, 5], [3, 3]])
    expected = [np.corrcoef(small[a], small[b])[0, 1] for a, b in both]
    np.testing.assert_allclose(Thumbnails(small).correlation(both), expected, atol=1e-5)


def test_too_many_that_look_alike_are_said_and_not_compared(monkeypatch):
    monkeypatch.setattr(duplicates, "MOST", 10)
    found = near(looks(*[scene(0, size) for size in range(40, 48)]))
    assert not found.complete
    assert pairs(found.pairs) == []
