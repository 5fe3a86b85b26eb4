"""Looks: the same pixels look the same, and a copy that was saved again nearly so."""

import io

import numpy as np
import pytest
from PIL import Image

from pipeline.data.looks import LOOK, exact, look, of_arrays, of_files

RNG = np.random.default_rng(0)


def ignore(done, total):
    pass


def scene(size=64, seed=0):
    """A few smooth patches of colour."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


def bits(a, b):
    return int(np.bitwise_count(a["alike"] ^ b["alike"]))


def test_what_is_seen():
    seen = look(scene(50)[:30])
    assert seen.shape == ()
    assert seen["size"].tolist() == [30, 50]
    assert seen["small"].shape == (16, 16, 3)
    np.testing.assert_allclose(seen["small"].mean(axis=(0, 1)), scene(50)[:30].mean(axis=(0, 1)), atol=2)


def test_a_slope_to_the_right_is_all_ones_and_one_to_the_left_all_zeros():
    slope = np.tile(np.arange(0, 252, 4, dtype=np.uint8), (40, 1))
    assert int(look(slope)["alike"]) == 2**64 - 1
    assert int(look(slope[:, ::-1])["alike"]) == 0
    assert int(look(slope * 0 + 9)["alike"]) == 0, "nothing is brighter where all is flat"


def test_grey_looks_like_the_same_in_colour_but_for_its_pixels():
    grey = scene()[..., 0]
    one, other = look(grey), look(np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(one["small"], other["small"])
    assert one["alike"] == other["alike"]


def saved(picture, form, **options):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, form, **options)
    return np.asarray(Image.open(file).convert("RGB"))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: saved(p, "JPEG", quality=60),
        lambda p: np.asarray(Image.fromarray(p).resize((40, 50))),
        lambda p: (p * 0.7).astype(np.uint8),
        lambda p: (p.astype(int) + RNG.normal(0, 5, p.shape)).clip(0, 255).astype(np.uint8),
    ],
    ids=["jpeg", "size", "darker", "noise"],
)
def test_a_copy_looks_alike(change):
    pairs = [(look(scene(seed=seed)), look(change(scene(seed=seed)))) for seed in range(20)]
    assert sum(bits(one, other) <= 3 for one, other in pairs) >= 18
    assert all(one["exact"] != other["exact"] for one, other in pairs)


def test_other_pictures_do_not():
    looks = [look(scene(seed=seed)) for seed in range(30)]
    assert min(bits(a, b) for i, a in enumerate(looks) for b in looks[:i]) > 3


def test_exact_tells_numbers_and_shapes_apart():
    X = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert exact(X) == exact(np.asfortranarray(X))
    assert len({exact(X), exact(X.reshape(4, 3)), exact(X[::-1])}) == 3


@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_look_like_the_pictures_they_hold(channels):
    X = RNG.integers(0, 256, (5, channels, 9, 7), np.uint8)
    seen = of_arrays(X, ignore)
    assert (seen.dtype, seen.shape) == (LOOK, (5,))
    assert (seen["size"] == [9, 7]).all()
    np.testing.assert_array_equal(seen[2], look(X[2].transpose(1, 2, 0) if channels == 3 else X[2, 0]))


def test_features_have_the_hash_alone():
    X = np.repeat(RNG.normal(size=(3, 4)).astype(np.float32), 2, axis=0)
    seen = of_arrays(X, ignore)
    assert seen.dtype.names == ("exact",)
    assert len(np.unique(seen["exact"])) == 3


def test_files(tmp_path, pictures):
    files = sorted(pictures(tmp_path, {"a": 4}).rglob("*.png"))
    files[1].write_text("no")
    counted = []
    seen, problems = of_files(files, lambda *counts: counted.append(counts))
    assert seen["size"].tolist() == [[10, 12], [12, 12], [13, 12]]
    assert list(problems) == [1]
    assert problems[1].startswith(f"{files[1]}: expected a whole PNG")
    assert counted[-1] == (4, 4)


def test_files_of_which_none_can_be_read(tmp_path):
    seen, problems = of_files([tmp_path / "none.png"], ignore)
    assert (seen.dtype, len(seen), len(problems)) == (LOOK, 0, 1)
