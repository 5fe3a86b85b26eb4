"""Which copies of pictures `pipeline data check` finds, and how many pairs it takes for copies that are none.

    python benchmarks/duplicates.py --data-dir FOLDER_WITH_MNIST

The pictures are digits of MNIST, and squares cut at random from scikit-learn's two photographs, some of which overlap.
Each is changed, and looked for among all of them and all that were changed. Of MNIST, no picture of which is there
twice, the pairs found among all 70,000 are counted as well.
"""

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from processes import ROOT

sys.path.insert(0, str(ROOT))

PICTURES = 500


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Saved, and read again."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert(image.mode)


def scaled(image: Image.Image, factor: float) -> Image.Image:
    """In another size."""
    return image.resize((round(image.width * factor), round(image.height * factor)))


def cropped(image: Image.Image, part: float) -> Image.Image:
    """Without a part on each side."""
    x, y = round(image.width * part), round(image.height * part)
    return image.crop((x, y, image.width - x, image.height - y))


def noisy(image: Image.Image) -> Image.Image:
    """With noise of standard deviation 10 of 255."""
    pixels = np.asarray(image) + np.random.default_rng(1).normal(0, 10, np.shape(image))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG, quality 85": lambda image: jpeg(image, 85),
    "JPEG, quality 40": lambda image: jpeg(image, 40),
    "three quarters of the size": lambda image: scaled(image, 0.75),
    "twice the size": lambda image: scaled(image, 2),
    "noise": noisy,
    "darker by a third": lambda image: ImageEnhance.Brightness(image).enhance(2 / 3),
    "brighter by a third": lambda image: ImageEnhance.Brightness(image).enhance(4 / 3),
    "blurred by a pixel": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "without colour": lambda image: ImageOps.grayscale(image).convert(image.mode),
    "cropped by 2 % on each side": lambda image: cropped(image, 0.02),
    "cropped by 10 % on each side": lambda image: cropped(image, 0.1),
    "turned by 3 degrees": lambda image: image.rotate(3, Image.Resampling.BILINEAR),
    "mirrored": ImageOps.mirror,
}


def photographs(count: int) -> list[Image.Image]:
    """Squares of 90 to 220 pixels, far enough from each other not to be copies."""
    from sklearn.datasets import load_sample_images

    rng, images = np.random.default_rng(1), [Image.fromarray(image) for image in load_sample_images().images]
    made: dict[tuple[int, ...], Image.Image] = {}
    while len(made) < count:
        of, side = int(rng.integers(2)), int(rng.integers(90, 220))
        x, y = (int(rng.integers(0, length - side)) for length in images[of].size)
        if all(of != other or abs(x - a) + abs(y - b) > 8 for other, a, b in made):
            made[of, x, y] = images[of].crop((x, y, x + side, y + side))
    return list(made.values())


def found(pictures: list[Image.Image], change: Callable[[Image.Image], Image.Image]) -> tuple[float, int]:
    """The part of the changed pictures that is taken for a copy of its original, and the number of other pairs."""
    from pipeline.data import duplicates, looks

    seen = np.array([looks.look(np.asarray(image)) for image in [*pictures, *map(change, pictures)]])
    pairs = np.concatenate([duplicates.exact(seen), duplicates.near(seen).pairs])
    right = pairs[:, 1] - pairs[:, 0] == len(pictures)
    return right.sum() / len(pictures), int((~right).sum())


def main() -> None:
    from pipeline.data import duplicates, looks, sources
    from pipeline.data.progress import ignore

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="with MNIST; by default where `pipeline fetch mnist` puts it")
    given = parser.parse_args()
    mnist = sources.load("mnist", given.data_dir)
    digits = [Image.fromarray(x[0]) for x in mnist.train.X[:PICTURES]]
    photos = photographs(PICTURES)
    print("| copy | of digits, found | other pairs | of photographs, found | other pairs |")
    print("| --- | ---: | ---: | ---: | ---: |", flush=True)
    for name, change in CHANGES.items():
        cells = [cell for pictures in (digits, photos) for cell in found(pictures, change)]
        print("| {} | {:.0%} | {} | {:.0%} | {} |".format(name, *cells), flush=True)
    seen = np.concatenate([looks.of_arrays(split.X, ignore) for split in (mnist.train, mnist.test)])
    near = duplicates.near(seen).pairs
    labels = np.concatenate([mnist.train.labels, mnist.test.labels])[near]
    print(f"\nAmong all of MNIST: {len(near)} pairs, {int((labels == 1).all(axis=1).sum())} of them of the digit 1.")


if __name__ == "__main__":
    main()
