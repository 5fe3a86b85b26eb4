"""What is measured, and how Prometheus is told: counters, gauges and histograms of all workers together.

prometheus_client's way for several processes takes a lock and packs a struct for every value, about 2 µs each and
some twenty of them a request; here a value is one addition in mapped memory (docs/serving.md has the figures).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.models import Models
from service.table import Table

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
STAGES = ("decode", "preprocess", "inference")


@dataclass(frozen=True)
class Family:
    """A metric: its kind (counter, gauge or histogram) and what it says; buckets are a histogram's upper bounds."""

    kind: str
    meaning: str
    buckets: tuple[float, ...] = ()


FAMILIES = {
    "numserve_requests_total": Family("counter", "Requests that were answered, by route and HTTP status."),
    "numserve_request_seconds": Family("histogram", "From a request's headers to its answer, by route.", SECONDS),
    "numserve_queue_seconds": Family("histogram", "Waiting for a place, of each request that got one.", SECONDS),
    "numserve_decode_seconds": Family("histogram", "Decoding, of each picture.", SECONDS),
    "numserve_preprocess_seconds": Family("histogram", "Preprocessing, of each picture.", SECONDS),
    "numserve_inference_seconds": Family("histogram", "The network, of each batch.", SECONDS),
    "numserve_batch_size": Family("histogram", "Pictures or rows that went through the network at once.", SIZES),
    "numserve_refused_total": Family("counter", "Requests that were refused under load, by reason."),
    "numserve_abandoned_total": Family("counter", "Requests whose client went away while they waited."),
    "numserve_requests_in_flight": Family("gauge", "Requests between their headers and their answer."),
    "numserve_requests_waiting": Family("gauge", "Requests that wait for a place."),
    "numserve_predictions_total": Family("counter", "Predictions, by model, version and likeliest label."),
    "numserve_model_loaded": Family("gauge", "Workers that serve this version."),
    "numserve_model_broken": Family("gauge", "Workers that found this version broken."),
    "numserve_series_dropped_total": Family(
        "counter", "Values that were not counted because there were too many series."
    ),
    "numserve_workers": Family("gauge", "Worker processes that live."),
    "numserve_worker_cpu_seconds_total": Family("counter", "CPU time of a worker."),
    "numserve_worker_resident_memory_bytes": Family("gauge", "Resident memory of a worker."),
    "numserve_worker_threads": Family("gauge", "Threads of a worker."),
    "numserve_worker_open_fds": Family("gauge", "Open file descriptors of a worker."),
    "numserve_worker_connections": Family("gauge", "Connections that a worker holds open."),
    "numserve_worker_start_time_seconds": Family("gauge", "When a worker started, in seconds since 1970."),
}
GAUGES = tuple(name for name, family in FAMILIES.items() if family.kind == "gauge")


def series(name: str, **labels: object) -> str:
    """A sample's name with its labels, as Prometheus writes it; a label of clients' making is cut at 100 characters."""
    if not labels:
        return name
    pairs = ",".join(f'{key}="{escape(str(value)[:100])}"' for key, value in labels.items())
    return f"{name}{{{pairs}}}"


def escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class Histogram:
    """The buckets of one series. Each holds what fell into it alone; they are added up when they are shown."""

    def __init__(self, metrics: "Metrics", name: str, **labels: object) -> None:
        self.values, self.bounds = metrics.values, FAMILIES[name].buckets
        limits = [f"{bound:g}" for bound in self.bounds] + ["+Inf"]
        self.slots = [metrics.slot(series(name + "_bucket", **labels, le=limit)) for limit in limits]
        self.sum = metrics.slot(series(name + "_sum", **labels))

    def observe(self, value: float) -> None:
        self.values[self.slots[bisect_left(self.bounds, value)]] += 1
        self.values[self.sum] += value


class Metrics:
    """What one worker counts; to be used from its event loop alone."""

    def __init__(self, table: Table) -> None:
        self.table, self.values, self.region = table, table.values, table.claim()
        self.keys: dict[tuple[object, ...], int] = {}
        self.dropped = self.region.slot("numserve_series_dropped_total") or 0
        for key, slot in self.region.records():
            if key.startswith(GAUGES):
                self.values[slot] = 0
        self.queue = Histogram(self, "numserve_queue_seconds")
        self.batch = Histogram(self, "numserve_batch_size")
        self.stages = {name: Histogram(self, f"numserve_{name}_seconds") for name in STAGES}
        self.requests: dict[str, Histogram] = {}
        self.predictions: dict[tuple[str, int, str], int] = {}
        self.shown: dict[str, set[tuple[str, int]]] = {"numserve_model_loaded": set(), "numserve_model_broken": set()}

    def slot(self, key: str) -> int:
        """Where `key` is counted. When there is no room left, values go where dropped ones are counted."""
        found = self.region.slot(key)
        return self.dropped if found is None else found

    def add(self, name: str, amount: float = 1, **labels: object) -> None:
        self.values[self.find(name, labels)] += amount

    def set(self, name: str, value: float, **labels: object) -> None:
        self.values[self.find(name, labels)] = value

    def find(self, name: str, labels: Mapping[str, object]) -> int:
        key = (name, *labels.values())
        slot = self.keys.get(key)
        if slot is None:
            slot = self.keys[key] = self.slot(series(name, **labels))
        return slot

    def answered(self, route: str, status: int, seconds: float) -> None:
        self.add("numserve_requests_total", route=route, code=status)
        histogram = self.requests.get(route)
        if histogram is None:
            histogram = self.requests[route] = Histogram(self, "numserve_request_seconds", route=route)
        histogram.observe(seconds)

    def worked(
        self,
        stages: Iterable[tuple[str, float, float]],
        batches: Iterable[int],
        predicted: Iterable[tuple[str, int, str]],
    ) -> None:
        for name, start, end in stages:
            self.stages[name].observe(end - start)
        for size in batches:
            self.batch.observe(size)
        for prediction in predicted:
            slot = self.predictions.get(prediction)
            if slot is None:
                labels = dict(zip(("model", "version", "label"), prediction, strict=True))
                slot = self.predictions[prediction] = self.slot(series("numserve_predictions_total", **labels))
            self.values[slot] += 1

    def models(self, models: Models) -> None:
        """Which versions this worker serves and which it found broken, as it is now; 0 for those that were before."""
        loaded = {(name, model.version.number) for name, model in models.served.items()}
        broken = {(name, number) for name, number, _ in list(models.broken)}
        for family, now in (("numserve_model_loaded", loaded), ("numserve_model_broken", broken)):
            for name, version in now ^ self.shown[family]:
                self.set(family, float((name, version) in now), model=name, version=version)
            self.shown[family] = now
