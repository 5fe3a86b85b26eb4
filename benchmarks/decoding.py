"""Small pictures decoded and preprocessed a second: by one thread, by threads, and by processes, as many as cores.

    python benchmarks/decoding.py

They take turns, so that a neighbour's load falls on all of them; the table has medians. The cores that each had, 2.0 of
two at the most, tell whether it could not use more or whether there was no more to be had.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from many_pictures import make
from processes import ROOT, family

sys.path.insert(0, str(ROOT))

SIZE, PART = 28, 300


def part(files: list[Path], function: Any) -> int:
    """How many of them are decoded: all."""
    from pipeline.data import decoding

    return len(decoding._part(files, function).results)


def seconds() -> float:
    """Of the processor, of this process and all that came from it."""
    ticks = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13] for pid in family(os.getpid())]
    return sum(int(ticks) for each in ticks for ticks in each) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    from pipeline.export.preprocessing import preprocessing, preprocessor

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    function = preprocessor(preprocessing("photo", (1, SIZE, SIZE)).SerializeToString())
    cores = len(os.sched_getaffinity(0))
    with (
        tempfile.TemporaryDirectory() as temporary,
        ThreadPoolExecutor(cores) as threads,
        ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as processes,
    ):
        make(Path(temporary) / "pictures", given.pictures, SIZE)
        files = sorted(Path(temporary).rglob("*.png"))
        parts = [files[start : start + PART] for start in range(0, len(files), PART)]
        ways: dict[str, Callable[..., Any]] = {"one thread": map, "threads": threads.map, "processes": processes.map}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for turn in range(given.rounds + 1):
            for name, way in ways.items():
                start, before = time.perf_counter(), seconds()
                assert sum(way(part, parts, [function] * len(parts))) == len(files)
                took = time.perf_counter() - start
                if turn:  # in the first, processes start and files are read from the disk
                    found[name].append((len(files) / took, (seconds() - before) / took))
    print("| way | pictures a second | cores it had |\n| --- | ---: | ---: |")
    for name, rounds in found.items():
        speed, had = map(statistics.median, zip(*rounds, strict=True))
        print(f"| {name} | {speed:,.0f} | {had:.2f} |")


if __name__ == "__main__":
    main()
