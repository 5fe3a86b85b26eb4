"""What it is worth that requests which come together run through a network as one batch.

    python benchmarks/batching.py --rounds 6 --seconds 2

Two services stand side by side and are asked by turns, by wrk with 16 connections: one as it is, and one with
NUMSERVE_THREADS=1, which gives one place a turn, so that each request runs alone. Needs wrk. The table has the medians
of the slots, and of the ratios of each round.
"""

import argparse
import os
import statistics
from contextlib import ExitStack
from pathlib import Path

from asked import RAW, TENSOR, Kind, Paths, Sample, newest
from processes import ROOT, service
from wrk import requests_per_second

ALONE = {"NUMSERVE_THREADS": "1"}
Slots = list[tuple[float, float]]


def measure(store: Path, name: str, rounds: int, seconds: int) -> dict[Kind, Slots]:
    """Requests a second of each slot, together and alone, by the way of asking."""
    sample = Sample(newest(store / name))
    asks = sample.asks(Paths(raw=f"/predict/{name}", form=None, tensor=f"/v2/models/{name}/infer", binary=None))
    found: dict[Kind, Slots] = {kind: [] for kind in (RAW, TENSOR)}
    with ExitStack() as stack:
        _, together = stack.enter_context(service(store))
        os.environ |= ALONE  # of the second service only: the first one runs
        _, alone = stack.enter_context(service(store))
        for number in range(rounds):
            for kind, slots in found.items():
                ports = (together, alone) if number % 2 else (alone, together)
                got = {port: requests_per_second(port, asks[kind], seconds) for port in ports}
                slots.append((got[together], got[alone]))
    for variable in ALONE:
        del os.environ[variable]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=ROOT / "models")
    parser.add_argument("--models", nargs="+", default=["cnn", "fnn"])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=2)
    given = parser.parse_args()
    print("| model | asked with | together, requests/s | each alone | ratio |\n| --- | --- | ---: | ---: | ---: |")
    for name in given.models:
        for kind, slots in measure(given.store, name, given.rounds, given.seconds).items():
            together, alone = (statistics.median(each) for each in zip(*slots, strict=True))
            ratio = statistics.median(first / second for first, second in slots)
            print(f"| {name} | {kind.title} | {together:,.0f} | {alone:,.0f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
