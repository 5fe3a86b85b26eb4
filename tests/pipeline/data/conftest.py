"""Small datasets made on the spot: the tests need nothing that is not in the repository."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

WriteIdx = Callable[..., Path]


def write_idx(path: Path, array: np.ndarray[Any, Any], *, sizes: tuple[int, ...] | None = None) -> Path:
    """An IDX file of uint8, gzipped if its name says so; `sizes` for a header that does not tell the truth."""
    header = struct.pack(f">I{array.ndim}I", 0x800 | array.ndim, *(sizes or array.shape))
    content = header + array.astype(np.uint8).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def idx_files(folder: Path, suffix: str = ".gz", labels: int = 10) -> Path:
    """MNIST's four files, 40 and 20 pictures of 5x4."""
    rng = np.random.default_rng(0)
    for name, n in (("train", 40), ("t10k", 20)):
        write_idx(folder / f"{name}-images-idx3-ubyte{suffix}", rng.integers(0, 256, (n, 5, 4)))
        write_idx(folder / f"{name}-labels-idx1-ubyte{suffix}", np.arange(n) % labels)
    return folder


def pictures(folder: Path, counts: dict[str, int], mode: str = "L") -> Path:
    """A subfolder for each name, with so many pictures of noise, each of another size."""
    rng = np.random.default_rng(0)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for at in range(count):
            shape = (10 + at, 12, 3) if mode == "RGB" else (10 + at, 12)
            Image.fromarray(rng.integers(0, 256, shape).astype(np.uint8)).save(folder / name / f"{at}.png")
    return folder


@pytest.fixture(scope="session", name="write_idx")
def _write_idx() -> WriteIdx:
    return write_idx


@pytest.fixture(scope="session", name="idx_files")
def _idx_files() -> WriteIdx:
    return idx_files


@pytest.fixture(scope="session", name="pictures")
def _pictures() -> WriteIdx:
    return pictures


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded pictures go to a folder of the test, not to that of whoever runs it."""
    monkeypatch.setenv("NUMSERVE_DATA", str(tmp_path_factory.mktemp("data")))
