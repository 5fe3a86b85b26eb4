"""Whether the service's memory stays flat: a million requests of mixed sizes, formats and shapes, some of them bad.

    python benchmarks/soak.py                                    a million requests, half an hour on two cores
    python benchmarks/soak.py --requests 15000 --growth 10       under a minute, as in CI

The pictures are drawn anew from a seed, in every format that is read, raw, in forms of up to 16 and as JSON: sizes from
8x8 to 2000x2000, half of the sides below 32; and as often as all of these, single ones of 28x28 as MNIST has them. The
table has the workers' memory (PSS) along the way. Fails when the last fifth of the way took more than the second fifth
by over --growth percent, when a worker died, or when an answer was not the expected one.
"""

import argparse
import json
import random
import statistics
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw
from processes import ROOT, family, megabytes, service

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
BODIES, CLIENTS, SAMPLES, SHOWN = 600, 4, 60, 20
Body = tuple[bytes, str, int]


def picture(rng: random.Random) -> bytes:
    """A page with strokes, of any size from 8 to 2000: half of the sides are below 32, an eighth above 500."""
    width, height = (int(8 * 250 ** rng.random() ** 2) for _ in range(2))
    image, file = Image.new(rng.choice(["L", "RGB"]), (width, height), "white"), BytesIO()
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        ends = [(rng.randrange(width), rng.randrange(height)) for _ in range(2)]
        draw.line(ends, fill="black", width=max(1, width // 12))
    image.save(file, rng.choice(FORMATS))
    return file.getvalue()


def known(rng: random.Random) -> Body:
    """A stroke as MNIST has them, most of which preprocess.onnx lets pass."""
    image, file = Image.new("L", (28, 28)), BytesIO()
    ImageDraw.Draw(image).line([(14 + rng.randrange(2), 5), (14, 24)], fill=255, width=rng.choice([2, 3]))
    image.save(file, "PNG")
    return file.getvalue(), "image/png", 200


def raw(rng: random.Random) -> Body:
    return picture(rng), "application/octet-stream", 200


def form(rng: random.Random) -> Body:
    head = b'Content-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    parts = [b"--b\r\n" + head + picture(rng) + b"\r\n" for _ in range(rng.choice([1, 1, 1, 2, 4, 16]))]
    return b"".join(parts) + b"--b--\r\n", "multipart/form-data; boundary=b", 200


def encoded(rng: random.Random) -> Body:
    images = [b64encode(picture(rng)).decode() for _ in range(rng.choice([1, 1, 3]))]
    return json.dumps({"images": images}).encode(), "application/json", 200


def bad(rng: random.Random) -> Body:
    return rng.randbytes(rng.choice([10, 1000, 100_000])), "image/png", 400


def bodies(rng: random.Random) -> list[Body]:
    kinds: list[Callable[[random.Random], Body]] = [known] * 15 + [raw] * 8 + [form] * 4 + [encoded] * 2 + [bad]
    return [rng.choice(kinds)(rng) for _ in range(BODIES)]


class Load:
    """Clients that ask until `requests` answers have come."""

    def __init__(self, port: int, asked: list[Body], requests: int) -> None:
        self.port, self.asked, self.left, self.lock = port, asked, requests, threading.Lock()
        self.wrong: list[str] = []

    def run(self, seed: int) -> None:
        rng, connection = random.Random(seed), HTTPConnection("127.0.0.1", self.port, timeout=60)
        while self.take():
            body, kind, expected = rng.choice(self.asked)
            try:
                status, said = self.ask(connection, body, kind)
            except (OSError, HTTPException) as error:
                self.wrong.append(repr(error))
                connection.close()
                continue
            if status != expected:
                self.wrong.append(f"{status} {said[:200]!r}")

    def ask(self, connection: HTTPConnection, body: bytes, kind: str) -> tuple[int, bytes]:
        connection.request("POST", "/predict", body, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def take(self) -> bool:
        with self.lock:
            self.left -= 1
            return self.left >= 0


def soak(parent: int, load: Load, requests: int) -> list[float]:
    """The workers' memory at each of SAMPLES points on the way."""
    workers, found, began = family(parent)[1:], [], time.monotonic()
    clients = [threading.Thread(target=load.run, args=(seed,)) for seed in range(CLIENTS)]
    for client in clients:
        client.start()
    for point in range(1, SAMPLES + 1):
        while load.left > requests * (1 - point / SAMPLES) and any(client.is_alive() for client in clients):
            clients[0].join(0.2)
        found.append(sum(map(megabytes, family(parent)[1:])))
        if point % (SAMPLES // SHOWN) == 0:
            minutes = (time.monotonic() - began) / 60
            print(f"| {requests * point // SAMPLES:,} | {minutes:.1f} | {found[-1]:.0f} |", flush=True)
    for client in clients:
        client.join()
    if family(parent)[1:] != workers:
        raise SystemExit("a worker died on the way")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=ROOT / "models")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--growth", type=float, default=5, help="percent")
    given = parser.parse_args()
    asked = bodies(random.Random(1))
    print("| requests | minutes | workers, MB |\n| ---: | ---: | ---: |")
    with tempfile.TemporaryFile() as log, service(given.store, stdout=log) as (parent, port):
        load = Load(port, asked, given.requests)
        found = soak(parent, load, given.requests)
    fifth = SAMPLES // 5
    early, late = statistics.median(found[fifth : 2 * fifth]), statistics.median(found[-fifth:])
    print(f"second fifth {early:.0f} MB, last fifth {late:.0f} MB: {100 * (late / early - 1):+.1f} %")
    if load.wrong:
        raise SystemExit(f"{len(load.wrong)} answers were not as expected; the first: {load.wrong[0]}")
    if late > early * (1 + given.growth / 100):
        raise SystemExit(f"the memory grew by more than {given.growth:g} %")


if __name__ == "__main__":
    main()
