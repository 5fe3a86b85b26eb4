"""Seconds and memory of a training on a folder of very many small pictures.

    python benchmarks/many_pictures.py                       # 200,000 pictures, in build/pictures-200000
    python benchmarks/many_pictures.py --pictures 5000

The pictures are scikit-learn's digits, drawn by chance from a seed: enlarged, shifted, made fainter, and noise put over
them. They are made once, decoded into a cache of their own, loaded once more from there, and trained on for an epoch.

Memory is the most that all processes of a step had at once, shared memory counted once (PSS). A part of it are pages of
mapped files, which the system takes back when it needs them; what it cannot take back is anonymous.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from processes import ROOT, family

BLOCK = 1000  # pictures that one process draws at a time


class Taken(NamedTuple):
    """What a step took: seconds, and the most megabytes at once."""

    seconds: float
    megabytes: float
    anonymous: float


def draw(folder: Path, block: int, count: int, size: int) -> None:
    """Some of the pictures, each in the folder of its label."""
    from sklearn.datasets import load_digits

    digits, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng([1, block])
    at = rng.integers(len(digits), size=count)
    wide = _enlarge(size) @ digits[at].reshape(-1, 8, 8) @ _enlarge(size).T * (rng.uniform(8, 15, (count, 1, 1)))
    for i, ink in enumerate(wide + rng.normal(0, 12, wide.shape)):
        pixels = np.roll(ink.clip(0, 255).astype(np.uint8), rng.integers(-2, 3, 2), axis=(0, 1))
        path = folder / str(labels[at[i]]) / f"{block * BLOCK + i}.png"
        Image.fromarray(pixels).save(path, compress_level=1)


def _enlarge(size: int) -> np.ndarray:
    """[size,8]: how much of each of 8 pixels is in each of `size`, by linear interpolation."""
    places = np.linspace(-0.4, 7.4, size)
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(8)))


def make(folder: Path, count: int, size: int) -> None:
    """The whole folder, or nothing."""
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    for label in range(10):
        (beside / str(label)).mkdir(parents=True)
    blocks = range(-(-count // BLOCK))
    with ProcessPoolExecutor() as pool:
        counts = [min(BLOCK, count - block * BLOCK) for block in blocks]
        list(pool.map(draw, [beside] * len(blocks), blocks, counts, [size] * len(blocks)))
    beside.rename(folder)


def load(folder: Path) -> None:
    """What `pipeline train` does before it trains; the seconds alone are printed."""
    sys.path.insert(0, str(ROOT))
    from pipeline import show, steps

    start = time.perf_counter()
    steps.load(str(folder), None, None, None, 1, show.console(stderr=True))
    print(time.perf_counter() - start)


def watched(command: list[str], data: Path) -> tuple[str, Taken]:
    """What a command printed, and what it took."""
    environment = {**os.environ, "NUMSERVE_DATA": str(data)}
    start, most, anonymous = time.perf_counter(), 0.0, 0.0
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            now = memory(process.pid)
            most, anonymous = max(most, now[0]), max(anonymous, now[1])
            time.sleep(0.1)
        assert process.stdout
        printed = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: its message is above")
    return printed, Taken(time.perf_counter() - start, most, anonymous)


def memory(pid: int) -> tuple[float, float]:
    """Megabytes of a process and all that came from it, and how many of them are anonymous; 0 when one is ending."""
    total = {"Pss:": 0, "Pss_Anon:": 0}
    try:
        for each in family(pid):
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                name, *values = line.split()
                if name in total:
                    total[name] += int(values[0])
    except OSError:
        return 0.0, 0.0
    return total["Pss:"] / 1000, total["Pss_Anon:"] / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200_000)
    parser.add_argument("--size", type=int, default=28, help="pixels along each side")
    parser.add_argument("--folder", type=Path, help="where they are made, unless they are there")
    parser.add_argument("more", nargs="*", help="options of `pipeline train`, after --")
    given = parser.parse_args()
    home = (given.folder or ROOT / "build" / f"pictures-{given.pictures}").resolve()
    pictures, data, runs = home / "pictures", home / "data", home / "runs"
    if not pictures.exists():
        make(pictures, given.pictures, given.size)
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(runs, ignore_errors=True)

    print("| step | seconds | MB | of these anonymous |\n| --- | ---: | ---: | ---: |", flush=True)
    loading = [sys.executable, __file__, "--load", str(pictures)]
    for step in ("decoding them into the cache", "opening the cache"):
        printed, taken = watched(loading, data)
        print(row(step, taken._replace(seconds=float(printed))), flush=True)
    options = ["--dataset", str(pictures), "--recipe", "fast", "--epochs", "1", "--runs", str(runs), "--no-publish"]
    _, taken = watched([sys.executable, "-m", "pipeline", "train", "cnn", *options, *given.more], data)
    print(row("training: opening, an epoch, the report, parity", taken))
    (run,) = runs.iterdir()
    (epoch,) = map(json.loads, (run / "history.jsonl").read_text().splitlines())
    print(f"\nThe epoch took {epoch['seconds']:.1f} s ({epoch['images_per_second']:,.0f} images/s);", end=" ")
    print(f"test accuracy {json.loads((run / 'metrics.json').read_text())['accuracy']:.2%}.", end=" ")
    print(f"The cache has {sum(path.stat().st_size for path in data.glob('*/*')) / 1e6:.0f} MB.")


def row(step: str, taken: Taken) -> str:
    """A line of the table."""
    return f"| {step} | {taken.seconds:.1f} | {taken.megabytes:.0f} | {taken.anonymous:.0f} |"


if __name__ == "__main__":
    load(Path(sys.argv[2])) if sys.argv[1:2] == ["--load"] else main()
