"""The text that Prometheus reads: every family of service/metrics.py with its samples, summed over the workers."""

from collections.abc import Iterator, Mapping

from service.metrics import FAMILIES, Family, series
from service.processes import figures
from service.table import Table

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(table: Table) -> str:
    """All that has been counted so far, and the workers that live now."""
    return "".join(f"{line}\n" for line in lines({**table.totals(), **workers(table)}))


def workers(table: Table) -> dict[str, float]:
    """The figures of each worker process; `worker` is the number of its region, so a new one has the old one's."""
    found = {number: dict(figures(pid)) for number, pid in table.workers().items()}
    held = table.connections()
    living = {n: {**each, "numserve_worker_connections": held[n]} for n, each in found.items() if each}
    samples = {series(name, worker=number): value for number, each in living.items() for name, value in each.items()}
    return {"numserve_workers": len(living), **samples}


def lines(samples: Mapping[str, float]) -> Iterator[str]:
    by_family: dict[str, dict[str, float]] = {name: {} for name in FAMILIES}
    for key, value in samples.items():
        by_family[family_of(key)][key] = value
    for name, family in FAMILIES.items():
        yield f"# HELP {name} {family.meaning}"
        yield f"# TYPE {name} {family.kind}"
        yield from histogram_lines(by_family[name]) if family.buckets else plain_lines(family, by_family[name])


def family_of(key: str) -> str:
    name = key.partition("{")[0]
    return name if name in FAMILIES else name.rpartition("_")[0]


def plain_lines(family: Family, samples: Mapping[str, float]) -> Iterator[str]:
    for key, value in sorted(samples.items()):
        yield f"{key} {number(value)}"


def histogram_lines(samples: Mapping[str, float]) -> Iterator[str]:
    """The buckets added up from the least bound to the largest, as they were made; then sum and count."""
    below: dict[str, float] = {}
    for key, value in samples.items():
        name, _, labels = key.partition("{")
        others = labels.rpartition('le="')[0].rstrip(",") if name.endswith("_bucket") else labels.rstrip("}")
        family, suffix = name.rsplit("_", 1)
        if suffix == "bucket":
            below[others] = below.get(others, 0.0) + value
            yield f"{key} {number(below[others])}"
        else:
            braces = f"{{{others}}}" if others else ""
            yield f"{key} {number(value)}"
            yield f"{family}_count{braces} {number(below.get(others, 0.0))}"


def number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
