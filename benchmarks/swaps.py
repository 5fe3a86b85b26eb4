"""How long a publication, a promotion or a rollback takes until every worker serves it, under full load.

    python benchmarks/swaps.py --changes 200

Three clients ask as fast as they are answered; none may fail. A change is made as the pipeline makes it, by renaming.
Seconds are counted from the rename to the moment when `numserve_model_loaded` has all workers on the new version;
looking takes up to 0.25 s of that, as often as a worker tells its gauges.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import threading
import time
import urllib.request
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw
from processes import ROOT, service

CLIENTS = 3


def digit() -> bytes:
    """A PNG of 28x28, like those of MNIST."""
    image, file = Image.new("L", (28, 28)), BytesIO()
    ImageDraw.Draw(image).line([(8, 6), (20, 6), (12, 22)], fill=255, width=3)
    image.save(file, "PNG")
    return file.getvalue()


def publish(store: Path, model: str, version: int) -> None:
    """Version 1 once more, under another number."""
    beside = store / model / f".publishing-{version}"
    shutil.copytree(store / model / "1", beside)
    manifest = json.loads((beside / "manifest.json").read_text())
    (beside / "manifest.json").write_text(json.dumps({**manifest, "version": version}))
    beside.rename(store / model / str(version))


def promote(store: Path, model: str, version: int) -> None:
    beside = store / model / ".current"
    beside.write_text(f"{version}\n")
    beside.rename(store / model / "current")


def serving(port: int, model: str, version: int) -> int:
    """How many workers serve this version."""
    said = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    wanted = f'numserve_model_loaded{{model="{model}",version="{version}"}} '
    return next((int(line.removeprefix(wanted)) for line in said.splitlines() if line.startswith(wanted)), 0)


def ask(port: int, done: threading.Event, answers: list[int], failures: list[str]) -> None:
    connection, body = HTTPConnection("127.0.0.1", port, timeout=30), digit()
    while not done.is_set():
        try:
            connection.request("POST", "/predict", body)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status == 200:
                answers.append(json.loads(said)["version"])
            else:
                failures.append(f"{answer.status} {said!r}")
        except OSError as error:
            failures.append(repr(error))


def change(port: int, store: Path, model: str, changes: int) -> list[float]:
    """The seconds of each change: a publication, back to the version before, and forth again, by turns."""
    took, newest = [], 1
    for number in range(changes):
        if number % 3 == 0:
            newest += 1
            publish(store, model, newest)
        version = newest - 1 if number % 3 == 1 else newest
        began = time.monotonic()
        promote(store, model, version)
        while serving(port, model, version) < 2:
            time.sleep(0.02)
        took.append(time.monotonic() - began)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "cnn" / "3", help="a published version")
    parser.add_argument("--changes", type=int, default=200)
    given = parser.parse_args()
    done, answers, failures = threading.Event(), [], []
    with tempfile.TemporaryDirectory() as folder:
        store, model = Path(folder), "cnn"
        shutil.copytree(given.model, store / model / "1")
        manifest = json.loads((store / model / "1" / "manifest.json").read_text())
        (store / model / "1" / "manifest.json").write_text(json.dumps({**manifest, "name": model, "version": 1}))
        with service(store) as (_, port):
            clients = [threading.Thread(target=ask, args=(port, done, answers, failures)) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            took = change(port, store, model, given.changes)
            done.set()
            for client in clients:
                client.join()
    print(f"{given.changes} changes: median {statistics.median(took):.2f} s, longest {max(took):.2f} s")
    print(f"{len(answers):,} requests by {len(set(answers))} versions, {len(failures)} failures")
    if failures:
        raise SystemExit(failures[0])


if __name__ == "__main__":
    main()
