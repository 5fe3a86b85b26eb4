"""How well preprocess.onnx finds the digit in what people send.

    python benchmarks/handwriting.py models/cnn/3 --data-dir FOLDER_WITH_MNIST

Every picture is made here from a seed: digits of the **training** set's last images (never of the test set, for this
benchmark is what the preprocessing was tuned on), as they are or traced to strokes, and digits written out in lines;
drawn with pens from a hair to a marker, on canvases from 28 to 4000 pixels. Prints the model's accuracy by condition.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from drawings import Grey, Strokes, posed, traced, unit, written
from numpy.typing import NDArray
from PIL import Image
from scenes import CONDITIONS, Picture, Subject

from pipeline.export.session import session

HELD_OUT = 10_000  # the last images of the training set


class Row(NamedTuple):
    picture: Picture
    pixels: Grey
    label: int
    answer: int


def held_out(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images [n,28,28] and labels [n] from the end of the training set."""

    def read(name: str, header: int) -> NDArray[np.uint8]:
        return np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8, offset=header)

    images = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    return images[-HELD_OUT:], read("train-labels-idx1-ubyte.gz", 8)[-HELD_OUT:]


def pictures(
    condition: str, images: NDArray[np.uint8], labels: NDArray[np.uint8], n: int, seed: int
) -> Iterator[tuple[Picture, int]]:
    """n pictures and their labels. Strokes are traced and written out by turns; the image is always MNIST's.

    All conditions get the same digits, so that they can be compared.
    """
    hand, rng = np.random.default_rng(seed), np.random.default_rng([seed, zlib.crc32(condition.encode())])
    for i, pick in enumerate(hand.choice(len(images), n, replace=False)):
        image, label = images[pick], int(labels[pick])
        yield CONDITIONS[condition](Subject(image, lines(image, label, hand if i % 2 else None), rng)), label


def lines(image: Grey, label: int, hand: np.random.Generator | None) -> Callable[[], Strokes]:
    """What makes the strokes of a digit: written by `hand`, else traced from its image."""
    if hand is None:
        return lambda: unit(traced(image))
    strokes = posed(written(label, hand), hand)  # at once, for that is the order in which chance is drawn
    return lambda: strokes


def sheet(rows: list[Row], file: Path, cell: int = 112, columns: int = 12) -> None:
    """A contact sheet: each picture over the pixels that came out; mistakes have a red ground."""
    wide, high = cell + 4, 2 * cell + 12
    page = Image.new("RGB", (columns * wide, -(-len(rows) // columns) * high), "grey")
    for i, row in enumerate(rows):
        x, y = i % columns * wide, i // columns * high
        if row.label != row.answer:
            page.paste("red", (x, y, x + wide, y + high - 4))
        small = Image.fromarray(row.picture)
        small.thumbnail((cell, cell))
        page.paste(small, (x + 2, y + 2))
        page.paste(Image.fromarray(row.pixels).resize((cell, cell), Image.Resampling.NEAREST), (x + 2, y + cell + 4))
    page.save(file)


@click.command()
@click.argument("version", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--data-dir", type=click.Path(exists=True, path_type=Path), required=True, help="MNIST's IDX files.")
@click.option("--pictures", "n", default=200, show_default=True, help="Pictures for each condition.")
@click.option("--seed", default=1, show_default=True)
@click.option("--only", default="", help="Only conditions whose name contains this.")
@click.option("--sheets", type=click.Path(path_type=Path), help="A folder for contact sheets.")
def main(version: Path, data_dir: Path, n: int, seed: int, only: str, sheets: Path | None) -> None:
    """Accuracy of the published model in the folder VERSION on made-up handwriting, by condition."""
    prepare, model = session(version / "preprocess.onnx"), session(version / "model.onnx")
    images, labels = held_out(data_dir)
    shares = []
    for condition in (name for name in CONDITIONS if only in name):
        rows = []
        for picture, label in pictures(condition, images, labels, n, seed):
            pixels = prepare.run(None, {"image": picture})[0]
            answer = int(model.run(None, {"pixels": pixels})[0].argmax())
            rows.append(Row(picture, pixels[0, 0], label, answer))
        shares.append(np.mean([row.label == row.answer for row in rows]))
        click.echo(f"{condition:40s} {shares[-1]:7.1%}")
        if sheets:
            sheets.mkdir(exist_ok=True)
            file = "".join(c if c.isalnum() else "_" for c in condition)
            sheet(sorted(rows, key=lambda row: row.label == row.answer)[:48], sheets / f"{file}.png")
    click.echo(f"{'mean':40s} {np.mean(shares):7.1%}")


if __name__ == "__main__":
    main()
