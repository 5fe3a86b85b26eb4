"""What the running service answers to the MNIST test set, sent as pictures.

    python benchmarks/posting.py --data-dir FOLDER_WITH_MNIST

Starts the service with the shipped models and posts every test picture as a PNG, then the same pictures as people
might send them: inverted, enlarged, off-centre on a larger page, in any colours, as JPEG. Prints the accuracy of each
condition beside the one that the pipeline measured offline. Nothing was tuned on these pictures.
"""

import io
import json
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
import requests
from drawings import Grey, Rng
from numpy.typing import NDArray
from PIL import Image
from scenes import BLACK, WHITE, Colour, Picture, two_colours

from pipeline.data.mnist import load_folder

MODELS = ("fnn", "cnn")
BATCH = 50  # pictures in a request


def shaded(ink: Grey, pen: Colour = BLACK, paper: Colour = WHITE) -> Picture:
    """Ink from 0 to 255 as that much of the pen's colour on paper."""
    share = np.arange(256)[:, None] / 255
    colours: Picture = np.rint(np.asarray(paper) + share * np.subtract(pen, paper)).astype(np.uint8)
    return colours[ink]


def enlarged(ink: Grey, rng: Rng) -> Grey:
    """To 200–600 pixels, smoothly."""
    side = int(rng.integers(200, 601))
    return np.asarray(Image.fromarray(ink).resize((side, side), Image.Resampling.BICUBIC))


def moved(ink: Grey, rng: Rng) -> Grey:
    """Anywhere on a page 1.2 to 2.5 times as large."""
    room = (np.asarray(ink.shape) * rng.uniform(0.2, 1.5, 2)).astype(int)
    before = rng.integers(room + 1)
    return np.pad(ink, np.stack([before, room - before], axis=1))


CONDITIONS: dict[str, Callable[[Grey, Rng], Picture]] = {
    "as they are, PNG": lambda ink, rng: shaded(ink, WHITE, BLACK),
    "inverted": lambda ink, rng: shaded(ink),
    "enlarged to 200–600 pixels": lambda ink, rng: shaded(enlarged(ink, rng), WHITE, BLACK),
    "enlarged, off-centre on a larger page": lambda ink, rng: shaded(moved(enlarged(ink, rng), rng)),
    "enlarged, in any two colours": lambda ink, rng: shaded(enlarged(ink, rng), *two_colours(rng)),
    "enlarged, as JPEG": lambda ink, rng: shaded(enlarged(ink, rng)),
}


def encode(condition: str, number: int, ink: Grey) -> bytes:
    """The picture file of test image `number` under a condition; the same at every call."""
    rng = np.random.default_rng([number, zlib.crc32(condition.encode())])
    image, file = Image.fromarray(CONDITIONS[condition](ink, rng)), io.BytesIO()
    if "JPEG" in condition:
        image.save(file, "JPEG", quality=75)
    else:
        image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def ask(address: str, model: str, pictures: list[bytes]) -> list[str]:
    """The labels that the service answers."""
    files = [("image", (f"{number}", picture)) for number, picture in enumerate(pictures)]
    answer = requests.post(f"{address}/predict/{model}?top_k=1", files=files, timeout=120)
    answer.raise_for_status()
    return [each["label"] for each in answer.json()["predictions"]]


def accuracies(address: str, condition: str, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[float]:
    """The share of right answers of each model."""

    def work(start: int) -> list[int]:
        numbers = range(start, min(start + BATCH, len(images)))
        pictures = [encode(condition, number, images[number]) for number in numbers]
        truth = [str(labels[number]) for number in numbers]
        return [sum(a == t for a, t in zip(ask(address, m, pictures), truth, strict=True)) for m in MODELS]

    with ThreadPoolExecutor(4) as threads:
        right = np.sum(list(threads.map(work, range(0, len(images), BATCH))), axis=0)
    return [float(share) for share in right / len(images)]


@contextmanager
def service(store: Path) -> Iterator[str]:
    """The service on a free port; its address, once it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "service", "--port", str(port), "--store", str(store)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(300):
                time.sleep(0.1)
                try:
                    if requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok:
                        break
                except requests.ConnectionError:
                    continue
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@click.command()
@click.option("--data-dir", type=click.Path(exists=True, path_type=Path), required=True, help="MNIST's IDX files.")
@click.option("--store", type=click.Path(exists=True, path_type=Path), default="models", show_default=True)
@click.option("--pictures", "n", default=10_000, show_default=True, help="How many of the test pictures.")
def main(data_dir: Path, store: Path, n: int) -> None:
    """Post the MNIST test pictures and print the accuracies."""
    test = load_folder(data_dir).test
    click.echo("| the test pictures | " + " | ".join(MODELS) + " |")
    click.echo("| --- |" + " ---: |" * len(MODELS))
    folders = [store / model for model in MODELS]
    manifests = [json.loads(sorted(folder.glob("*/manifest.json"))[-1].read_text()) for folder in folders]
    click.echo("| offline, all 10,000 | " + " | ".join(f"{m['metrics']['accuracy']:.2%}" for m in manifests) + " |")
    with service(store) as address:
        for condition in CONDITIONS:
            shares = accuracies(address, condition, test.X[:n, 0], test.labels[:n])
            click.echo(f"| {condition} | " + " | ".join(f"{share:.2%}" for share in shares) + " |")


if __name__ == "__main__":
    main()
