"""What a training depends on beside its recipe and its data: to the last bit on versions, processor and BLAS."""

import os
import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np  # noqa: F401  so that BLAS is loaded and can be asked
from threadpoolctl import threadpool_info

VARIABLES = ("OPENBLAS_", "MKL_", "OMP_")


def versions() -> dict[str, str]:
    """Of the packages that have a say in the bits."""
    packages = {name: version(name) for name in ("numserve", "numpy", "onnx", "onnxruntime")}
    return {**packages, "python": ".".join(map(str, sys.version_info[:3]))}


def environment() -> dict[str, Any]:
    """The command, and the machine: system, processor, cores, the BLAS and which of its kernels, what variables say."""
    return {
        "command": shlex.join(["pipeline", *sys.argv[1:]]),
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "blas": blas(),
        "variables": {name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLES)},
    }


def processor() -> str:
    """Its name, where the system tells it; else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def blas() -> str:
    """Which library multiplies NumPy's matrices, and the processor that it takes this one for."""
    loaded = [info for info in threadpool_info() if info["user_api"] == "blas"]
    # SciPy brings one of its own.
    (found,) = [info for info in loaded if "numpy" in info["filepath"]][:1] or loaded[:1] or [{}]
    name, version, kernels = (found.get(key, "unknown") for key in ("internal_api", "version", "architecture"))
    return f"{name} {version}, {kernels} kernels"
