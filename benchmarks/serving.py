"""This service beside other servers of models: the same ONNX files, pictures, two cores and two workers, in one run.

    make peers                                        their environments, in build/
    python benchmarks/serving.py                      some twenty minutes, alone on the machine
    python benchmarks/serving.py --rounds 1 --seconds 1 --only numserve fastapi

Needs wrk. Everybody, wrk too, has the same two cores. Each server is first started alone, some times over: seconds
until it says that it is ready, memory after some load (PSS), and whether it answers like onnxruntime itself, in every
way it can be asked. Then all stand side by side and are asked by turns, in short slots, each round in another order, so
that a neighbour's load falls on all alike; those that wait their turn sleep, and what they use meanwhile is printed.
The table has the medians of the slots; in brackets, how many times faster numserve was: the median of the ratios of
each round. CPU is what the server's processes used for a request, the least of the slots, since neighbours can only
add to it.

Latencies are numserve's at half the load that wrk got out of it, at a constant rate (openloop.py). They are medians of
slots too, with the worst of the slots beside: a neighbour's load shows there first.

The service is measured as it is: admission, metrics, request ids and a log line a request. The peers count and log
nothing. The limit decodes and runs the networks in two processes, without a server.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from asked import FORM, FORMS, KINDS, LENGTH, RAW, TENSOR, Kind, Sample, newest
from contestants import CONTESTANTS, WORKERS, Contestant, Stage
from openloop import latencies
from peers.network import Network
from processes import ROOT, cpu_seconds, family, free_port, megabytes, running
from wrk import Ask, requests_per_second

OURS, LIMIT = "numserve", "limit"
LIMIT_TITLE = "limit: decode and run in two processes, no HTTP"
LOGS = ROOT / "build" / "serving"
STARTS = 3
PAUSE = 0.2  # seconds between two slots: what the last one left under way is finished
Table = dict[tuple[str, Kind], list[float]]
network: Network  # in the processes of the limit


@contextmanager
def started(who: Contestant) -> Iterator["subprocess.Popen[bytes]"]:
    """The server, ready, with its complaints in a file of its own."""
    with (
        (LOGS / f"{who.title.replace(' ', '-')}.log").open("wb") as log,
        running(who.command, who.ready_url, who.environment, stderr=log) as process,
    ):
        yield process


def check(who: Contestant, sample: Sample) -> None:
    """Ask in every way, each so often that every worker has answered."""
    for kind, ask in sample.asks(who.paths).items():
        for _ in range(4 * WORKERS):
            asked = urllib.request.Request(f"http://127.0.0.1:{who.port}{ask.path}", ask.body, ask.headers)
            try:
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    sample.check(who.title, kind, answer.read(), answer.headers[LENGTH])
            except OSError as error:
                raise SystemExit(f"{who.title}, {kind.title}: {error}; its log is in {LOGS}") from None


def alone(who: Contestant, sample: Sample, starts: int) -> tuple[float, list[float]]:
    """The median seconds to be ready; and the memory of each process after every kind of load, in MB."""
    took = []
    for number in range(starts):
        began = time.perf_counter()
        with started(who) as process:
            took.append(time.perf_counter() - began)
            if number == starts - 1:
                check(who, sample)
                for ask in sample.asks(who.paths).values():
                    requests_per_second(who.port, ask, 1)
                memory = [megabytes(pid) for pid in family(process.pid)]
    return statistics.median(took), memory


class Limit:
    """Decoding and both networks in as many processes as the servers have workers, and nothing else."""

    kinds = (RAW, FORM, FORMS)

    def __init__(self, version: Path, sample: Sample) -> None:
        self.sample = sample
        self.pool = ProcessPoolExecutor(WORKERS, get_context("spawn"), load, (version,))
        self.measure(RAW, 1)  # now they have started

    def measure(self, kind: Kind, seconds: float) -> tuple[float, float]:
        """Requests per second of all processes together, and seconds of CPU a request."""
        pictures = self.sample.pngs[: kind.pictures]
        speeds, cpu = zip(*self.pool.map(work, [pictures] * WORKERS, [seconds] * WORKERS), strict=True)
        return sum(speeds), statistics.mean(cpu)


def load(version: Path) -> None:
    global network
    network = Network(version)


def work(pictures: list[bytes], seconds: float) -> tuple[float, float]:
    began, used, count = time.perf_counter(), time.process_time(), 0
    while (took := time.perf_counter() - began) < seconds:
        network.probabilities(network.pixels(pictures))
        count += 1
    return count / took, (time.process_time() - used) / count


class Match:
    """All servers side by side, and what each slot found, in requests per second and seconds of CPU a request."""

    def __init__(self, servers: dict[str, Contestant], pids: dict[str, int], sample: Sample, limit: Limit) -> None:
        self.servers, self.pids, self.limit = servers, pids, limit
        self.asks: dict[str, dict[Kind, Ask]] = {name: sample.asks(who.paths) for name, who in servers.items()}
        self.speed: Table = defaultdict(list)
        self.cpu: Table = defaultdict(list)

    def play(self, rounds: int, seconds: int) -> None:
        for number in range(rounds):
            for kind in KINDS:
                names = [name for name in self.servers if kind in self.asks[name]]
                names += [LIMIT] * (kind in self.limit.kinds)
                shift = number % len(names)
                for name in names[shift:] + names[:shift]:
                    self.slot(name, kind, seconds)

    def slot(self, name: str, kind: Kind, seconds: int) -> None:
        time.sleep(PAUSE)
        speed, cpu = self.limit.measure(kind, seconds) if name == LIMIT else self.ask(name, kind, seconds)
        self.speed[name, kind].append(speed)
        self.cpu[name, kind].append(cpu)

    def ask(self, name: str, kind: Kind, seconds: int) -> tuple[float, float]:
        before = cpu_seconds(self.pids[name])
        speed = requests_per_second(self.servers[name].port, self.asks[name][kind], seconds)
        return speed, (cpu_seconds(self.pids[name]) - before) / (speed * seconds)

    def times_faster(self, name: str, kind: Kind) -> float:
        """How many times faster numserve was: the median of the rounds."""
        pairs = zip(self.speed[OURS, kind], self.speed[name, kind], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    def speeds(self, name: str) -> list[str]:
        """The cells of a contestant: pictures a second."""
        return [self.speed_cell(name, kind) if (name, kind) in self.speed else "-" for kind in KINDS]

    def speed_cell(self, name: str, kind: Kind) -> str:
        pictures = f"{statistics.median(self.speed[name, kind]) * kind.pictures:,.0f}"
        return pictures if name in (OURS, LIMIT) else f"{pictures} ({self.times_faster(name, kind):.2f})"

    def cpus(self, name: str) -> list[str]:
        """The cells of a contestant: microseconds of CPU a request."""
        return [f"{min(self.cpu[name, kind]) * 1e6:,.0f}" if (name, kind) in self.cpu else "-" for kind in KINDS]


def idling(pids: dict[str, int], seconds: float) -> float:
    """The share of a core that all use together while nobody asks."""
    before = sum(map(cpu_seconds, pids.values()))
    time.sleep(seconds)
    return (sum(map(cpu_seconds, pids.values())) - before) / seconds


def row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def head(first: str, *columns: str) -> None:
    print()
    row(first, *columns)
    row("---", *["---:"] * len(columns))


def start_alone(servers: dict[str, Contestant], sample: Sample, starts: int) -> None:
    head("server", "ready after, s", "all its processes, MB", "the largest, MB")
    for who in servers.values():
        seconds, memory = alone(who, sample, starts)
        row(who.title, f"{seconds:.2f}", f"{sum(memory):.0f}", f"{max(memory):.0f}")


def tell(match: Match) -> None:
    titles = {name: who.title for name, who in match.servers.items()} | {LIMIT: LIMIT_TITLE}
    head("pictures/s", *(kind.title for kind in KINDS))
    for name, title in titles.items():
        row(title, *match.speeds(name))
    head("CPU of a request, µs", *(kind.title for kind in KINDS))
    for name, title in titles.items():
        row(title, *match.cpus(name))


def tell_latencies(match: Match, rounds: int, seconds: float) -> None:
    """numserve's at half of the highest load."""
    kinds = (RAW, FORM, TENSOR)
    rates = {kind: statistics.median(match.speed[OURS, kind]) / 2 for kind in kinds}
    slots: dict[Kind, list[list[float]]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            time.sleep(PAUSE)
            slots[kind].append(latencies(match.servers[OURS].port, match.asks[OURS][kind], rates[kind], seconds))
    head("at half the load", "requests/s", "median, ms", "99 %, ms", "in the worst slot", "longest, ms")
    for kind, taken in slots.items():
        middles, most = zip(*((np.median(slot), np.quantile(slot, 0.99)) for slot in taken), strict=True)
        shown = statistics.median(middles), statistics.median(most), max(most), max(map(max, taken))
        row(kind.title, f"{rates[kind]:,.0f}", *(f"{1000 * each:.2f}" for each in shown))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=ROOT / "models")
    parser.add_argument("--model", default="cnn", help="of pictures")
    parser.add_argument("--environments", type=Path, default=ROOT / "build", help="where `make peers` made them")
    names = list(CONTESTANTS)
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="these beside numserve")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=3, help="of each slot")
    given = parser.parse_args()
    version = newest(given.store.resolve() / given.model)
    stage = Stage(version, given.environments.resolve())
    servers = {name: CONTESTANTS[name](stage, free_port()) for name in dict.fromkeys([OURS, *given.only])}
    for who in servers.values():
        if not shutil.which(who.command[0]):
            parser.error(f"{who.title} needs {who.command[0]}; `make peers` makes it")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])  # whatever is started from here on inherits it
    LOGS.mkdir(parents=True, exist_ok=True)
    sample = Sample(version)
    start_alone(servers, sample, min(STARTS, given.rounds))
    with ExitStack() as stack:
        pids = {name: stack.enter_context(started(who)).pid for name, who in servers.items()}
        limit = Limit(version, sample)
        stack.callback(limit.pool.shutdown)
        for who in servers.values():
            check(who, sample)
        families = {name: family(pid) for name, pid in pids.items()}
        print(f"\nWhile nobody asks, all of them use {idling(pids, given.seconds):.1%} of a core.")
        match = Match(servers, pids, sample, limit)
        match.play(given.rounds, given.seconds)
        tell(match)
        tell_latencies(match, given.rounds, given.seconds)
        if families != {name: family(pid) for name, pid in pids.items()}:
            raise SystemExit("a process of one of them died on the way")


if __name__ == "__main__":
    main()
