"""What the protocol tells of the server, its models and their use, as documents ready for JSON."""

from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from service.models import Models
from service.store import Listing
from service.v2.graphs import SUFFIX, Port, Target
from service.v2.statistics import Counts, Title

EXTENSIONS = ["classification", "model_repository", "model_configuration", "binary_tensor_data", "statistics"]
PLATFORM = "onnxruntime_onnx"
Document = dict[str, Any]


@cache
def server() -> Document:
    try:
        number = version("numserve")
    except PackageNotFoundError:  # run from a checkout that nothing was installed from
        number = "unknown"
    return {"name": "numserve", "version": number, "extensions": EXTENSIONS}


def metadata(target: Target, models: Models) -> Document:
    """A model's input and output; -1 is any size. versions: all that can be asked for."""
    listing = models.listing(target.model.version.name)
    broken = models.reasons(listing)
    return {
        "name": target.name,
        "versions": [str(number) for number in listing.versions if number not in broken],
        "platform": PLATFORM,
        "inputs": [tensor(target.graph.given)],
        "outputs": [tensor(target.graph.gives)],
    }


def tensor(port: Port) -> Document:
    return {"name": port.name, "datatype": port.datatype, "shape": port.shape}


def configuration(target: Target, most: int) -> Document:
    """The part of Triton's ModelConfig that means something here. most: rows that a batch may have."""
    batched = target.graph.given.shape[0] == -1 and target.graph.gives.shape[0] == -1
    return {
        "name": target.name,
        "platform": PLATFORM,
        "backend": "onnxruntime",
        "version_policy": {"all": {}},
        "max_batch_size": most if batched else 0,
        "input": [configured(target.graph.given, batched)],
        "output": [configured(target.graph.gives, batched)],
        "default_model_filename": "model.onnx" if target.graph.labels else "preprocess.onnx",
    }


def configured(port: Port, batched: bool) -> Document:
    """As Triton has it: dims without the batch where there is one."""
    return {"name": port.name, "data_type": f"TYPE_{port.datatype}", "dims": port.shape[1 if batched else 0 :]}


def index(models: Models) -> Iterator[Document]:
    """Every version in the store, and the preprocessing of those of pictures, with what stands in its way."""
    for name, listing in models.listings.items():
        served = models.served.get(name)
        names = [name] if served is None or served.preprocessing is None else [name, name + SUFFIX]
        for each in names:
            if each == name or each not in models.listings:
                yield from states(each, listing, models)


def states(name: str, listing: Listing, models: Models) -> Iterator[Document]:
    broken, off = models.reasons(listing), listing.name in models.off
    for number in listing.versions:
        reason = "unloaded" if off else broken.get(number, "")
        yield {
            "name": name,
            "version": str(number),
            "state": "UNAVAILABLE" if reason else "READY",
            "reason": reason,
        }


def model_stats(sums: dict[Title, Counts]) -> list[Document]:
    """What was counted, a document for each version."""
    batches: dict[tuple[str, int], dict[int, Counts]] = {}
    for title, counts in sorted(sums.items()):
        batches.setdefault(title[:2], {})[title.batch] = counts
    return [model_stat(name, number, found) for (name, number), found in batches.items()]


def model_stat(name: str, number: int, batches: dict[int, Counts]) -> Document:
    """One version in Triton's terms. There is no queue and no cache here, so those stay at nothing."""
    total = Counts()
    for counts in batches.values():
        total = total.plus(counts)
    return {
        "name": name,
        "version": str(number),
        "last_inference": total.last,
        "inference_count": sum(size * counts.successes for size, counts in batches.items()),
        "execution_count": total.successes,
        "inference_stats": {
            "success": duration(total.successes, total.success_ns),
            "fail": duration(total.failures, total.failure_ns),
            "queue": duration(total.successes, 0),
            **computed(total),
            "cache_hit": duration(0, 0),
            "cache_miss": duration(0, 0),
        },
        "batch_stats": [{"batch_size": size, **computed(counts)} for size, counts in batches.items() if size],
    }


def computed(counts: Counts) -> Document:
    return {
        "compute_input": duration(counts.successes, counts.input_ns),
        "compute_infer": duration(counts.successes, counts.inference_ns),
        "compute_output": duration(counts.successes, counts.output_ns),
    }


def duration(count: int, nanoseconds: int) -> Document:
    return {"count": count, "ns": nanoseconds}
