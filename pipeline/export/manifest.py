"""manifest.json: what a published version says of itself. `models/README.md` is the contract."""

from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.export.layers import OUTPUTS
from pipeline.training.run import Job, Run, now

SCHEMA = 1


def manifest(run: Run, version: int, folder: Path) -> dict[str, Any]:
    """The manifest for the files in `folder`, made from what the run knows."""
    job, image, network = run.job, len(run.job.shape) == 3, run.network()
    return {
        "schema": SCHEMA,
        "name": job.name,
        "version": version,
        "created": now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        "task": job.task,
        "labels": list(job.labels),
        "input": {
            "kind": "image" if image else "features",
            "name": "pixels" if image else "features",
            "shape": ["N", *job.shape],
            "dtype": "uint8" if image else "float32",
        },
        "outputs": [{"name": OUTPUTS[job.task], "shape": ["N", network.outputs], "dtype": "float32"}],
        "architecture": job.recipe.architecture,
        "parameters": int(network.theta.size),
        "training": _training(run, job),
        "metrics": _metrics(run, job),
        "parity": run.read_json("export/parity.json"),
        "files": {
            str(path.relative_to(folder)): files.sha256(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "manifest.json"
        },
    }


def _training(run: Run, job: Job) -> dict[str, Any]:
    recipe = {key: value for key, value in job.recipe.to_json().items() if key != "architecture"}
    return {
        "dataset": {key: value for key, value in job.dataset.items() if key not in ("labels", "shape")},
        **recipe,
        "epochs_done": len(run.history),
        "seconds": round(sum(line["seconds"] for line in run.history), 1),
        "run": run.folder.name,
        "kind": job.kind,
        "versions": job.versions,
        "environment": {name: value for name, value in job.environment.items() if name != "command"},
    }


def _metrics(run: Run, job: Job) -> dict[str, Any]:
    """Without the confusion table, which the report shows: with many labels it is larger than all the rest."""
    metrics = {key: value for key, value in run.read_json("metrics.json").items() if key != "confusion"}
    if "per_label" in metrics:
        metrics["per_label"] = dict(zip(job.labels, metrics["per_label"], strict=True))
    return metrics
