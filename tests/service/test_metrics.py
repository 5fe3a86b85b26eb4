"""Counting in memory that workers share, and the text that Prometheus reads."""

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.exposition import exposition
from service.metrics import FAMILIES, Metrics, series
from service.processes import figures
from service.table import RECORDS, Table, create


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return create(2, tmp_path)


def samples(table: Table) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What Prometheus's own parser makes of the text."""
    families = list(text_string_to_metric_families(exposition(table)))
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def value(table: Table, name: str, **labels: Any) -> float:
    return samples(table)[name, frozenset((key, str(each)) for key, each in labels.items())]


def test_requests_and_work(table: Table) -> None:
    metrics = Metrics(table)
    for status in (200, 200, 503):
        metrics.answered("/predict", status, 0.003)
    metrics.worked([("decode", 1.0, 1.0002), ("inference", 0, 100)], [32], [("cnn", 2, "7")] * 3 + [("cnn", 2, "1")])
    assert value(table, "numserve_requests_total", route="/predict", code=200) == 2
    assert value(table, "numserve_requests_total", route="/predict", code=503) == 1
    assert value(table, "numserve_request_seconds_count", route="/predict") == 3
    assert value(table, "numserve_request_seconds_sum", route="/predict") == pytest.approx(0.009)
    assert value(table, "numserve_request_seconds_bucket", route="/predict", le="0.0025") == 0
    assert value(table, "numserve_request_seconds_bucket", route="/predict", le="0.005") == 3
    assert value(table, "numserve_decode_seconds_bucket", le="0.00025") == 1
    assert value(table, "numserve_inference_seconds_bucket", le="10") == 0
    assert value(table, "numserve_inference_seconds_bucket", le="+Inf") == 1
    assert value(table, "numserve_batch_size_sum") == 32
    assert value(table, "numserve_predictions_total", model="cnn", version=2, label="7") == 3


def test_every_family_is_described_and_named_by_the_conventions(table: Table) -> None:
    Metrics(table)
    families = {each.name: each for each in text_string_to_metric_families(exposition(table))}
    for name, family in FAMILIES.items():
        parsed = families[name.removesuffix("_total") if family.kind == "counter" else name]
        assert (parsed.type, parsed.documentation) == (family.kind, family.meaning)
        assert name.endswith("_total") == (family.kind == "counter")


def test_labels_of_clients_making_are_escaped(table: Table) -> None:
    label = 'a"b\\c\nd'
    Metrics(table).worked([], [], [("m", 1, label)])
    assert value(table, "numserve_predictions_total", model="m", version=1, label=label) == 1
    assert len(series("x", label="y" * 1000)) < 120


def count_and_die(path: str, regions: int) -> None:
    metrics = Metrics(Table(path, regions))
    metrics.answered("/predict", 200, 0.1)
    metrics.set("numserve_requests_in_flight", 7)
    os._exit(9)


def test_workers_are_summed_and_a_dead_ones_counts_go_on(table: Table) -> None:
    own = Metrics(table)
    own.answered("/predict", 200, 0.1)
    for deaths in (1, 2, 3):
        process = multiprocessing.get_context("spawn").Process(target=count_and_die, args=(table.path, table.regions))
        process.start()
        process.join()
        assert process.exitcode == 9
        assert value(table, "numserve_requests_total", route="/predict", code=200) == 1 + deaths
    assert value(table, "numserve_requests_in_flight") == 7
    assert value(table, "numserve_workers") == 1


def test_more_series_than_there_is_room_for(table: Table) -> None:
    metrics = Metrics(table)
    metrics.worked([], [], [("m", 1, str(label)) for label in range(RECORDS + 10)])
    metrics.worked([], [], [("m" * 600, 1, "x")])
    found = samples(table)
    counted = sum(each for (name, _), each in found.items() if name == "numserve_predictions_total")
    dropped = found["numserve_series_dropped_total", frozenset()]
    assert counted + dropped == RECORDS + 11
    assert dropped > 10


def test_figures_of_a_process() -> None:
    found = dict(figures(os.getpid()))
    assert found["numserve_worker_resident_memory_bytes"] > 1_000_000
    assert found["numserve_worker_start_time_seconds"] > 1_500_000_000
    assert dict(figures(2**22 + 1)) == {}
    assert dict(figures(1, Path("/nonexistent"))) == {}
