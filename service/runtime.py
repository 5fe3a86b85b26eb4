"""One published version as onnxruntime runs it: verified, loaded, warm, and never changed afterwards.

Sessions are made in the worker, after the fork: onnxruntime's threads and locks would not survive it.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.errors import BrokenVersion, PreprocessingFailed
from service.manifest import Tensor
from service.onnxfile import refuse_foreign
from service.store import Version

log = logging.getLogger(__name__)
ERRORS_ONLY = 3
# From this size on, giving memory back after a picture costs nothing beside the picture itself.
LARGE_PIXELS = 1_000_000
# A network that takes longer for two pictures is of no use here.
FIRST_RUN_SECONDS = 30.0
Run: TypeAlias = "onnxruntime.RunOptions | None"
# The first runs find caches cold, and a neighbour may be busy: the best of some tells what a picture takes.
TRIALS = 5
ONNX_TYPES = {"float32": "float"}
# What preprocess.onnx takes: [h,w,3] of any height and width (a size of 0 must not be fixed in the file).
IMAGE = Tensor("image", "uint8", (0, 3))


class Model:
    """A version that is ready to answer. Any number of threads may use it at once.

    Making one reads model.onnx (and preprocess.onnx, for images), verifies both and runs them once; BrokenVersion
    says what is not as the manifest promises.
    """

    def __init__(self, version: Version) -> None:
        self.version = version
        self.manifest = version.manifest
        self.session = load(version, "model.onnx", self.manifest.input, self.manifest.output)
        self.preprocessing = self.at_size = None
        if self.manifest.kind == "image":
            self.preprocessing = load(version, "preprocess.onnx", IMAGE, self.manifest.input)
            # The same for pictures of the network's own size, as a dataset has them: a tenth of its time is saved.
            size = self.manifest.input.dims[1:]
            self.at_size = open_session(version.read("preprocess.onnx"), "preprocess.onnx", size)
        self.preprocess_seconds = (
            0.0  # what a small picture took of late; strokes to be found take a millisecond or two
        )
        self.tidy = give_memory_back()
        self.warm()

    def preprocess(self, image: NDArray[np.uint8], run: Run = None) -> NDArray[np.uint8]:
        """RGB [h,w,3] of any size -> pixels [1,C,H,W]. Raises PreprocessingFailed, with the reason in the log."""
        fits = image.shape[:2] == self.manifest.input.dims[1:]
        session = self.at_size if fits else self.preprocessing
        assert session is not None
        try:
            if image.shape[0] * image.shape[1] > LARGE_PIXELS:
                run = self.tidy
            pixels: NDArray[np.uint8] = session.run([self.manifest.input.name], {"image": image}, run)[0]
        except Exception as error:
            log.error("preprocess.onnx of %s failed on %s: %s", self.title, image.shape, first_line(error))
            raise PreprocessingFailed(f"the preprocessing of {self.title} failed on this picture") from None
        return pixels

    def probabilities(self, X: NDArray[Any], run: Run = None) -> NDArray[np.float32]:
        """pixels uint8 [N,C,H,W] or features float32 [N,D] -> what model.onnx gives, [N,K]: numbers of a regression."""
        P: NDArray[np.float32] = self.session.run(None, {self.manifest.input.name: X}, run)[0]
        return P

    def warm(self) -> None:
        """One run of everything, so that the first request finds all memory laid out and all kernels chosen."""
        X: NDArray[Any] = np.zeros((1, *self.manifest.input.dims), dtype=self.manifest.input.dtype)
        try:
            with in_time(FIRST_RUN_SECONDS) as run:
                made = X if self.preprocessing is None else self.preprocess(np.full((32, 40, 3), 255, np.uint8), run)
                P = self.probabilities(np.concatenate([X, made]), run)
            self.seconds = min(self.seconds_of_one(X) for _ in range(TRIALS))
        except Exception as error:
            raise BrokenVersion(f"a first run failed: {first_line(error)}") from None
        if P.shape != (2, *self.manifest.output.dims) or not np.isfinite(P).all():
            raise BrokenVersion(f"a first run gave probabilities of shape {P.shape}, or not finite ones")

    def seconds_of_one(self, X: NDArray[Any]) -> float:
        """What the network takes for one picture or row, once everything is warm."""
        start = perf_counter()
        self.probabilities(X)
        return perf_counter() - start

    @property
    def title(self) -> str:
        return f"{self.version.name}/{self.version.number}"


def by_label(P: NDArray[np.float32], labels: Sequence[str]) -> NDArray[np.float32]:
    """P as it is, [N,K]; of one output for two labels, [N,1], the probabilities of both [N,2]."""
    return P if P.shape[1] == len(labels) else np.hstack([1 - P, P])


def load(version: Version, file: str, given: Tensor, output: Tensor) -> onnxruntime.InferenceSession:
    """A session on `file`, which takes `given` and makes `output`. Raises BrokenVersion.

    The bytes that were hashed are those that are loaded.
    """
    session = open_session(version.read(file), file)
    check(f"{file}: inputs", session.get_inputs(), given)
    check(f"{file}: outputs", session.get_outputs(), output)
    return session


def open_session(data: bytes, file: str, size: tuple[int, ...] = ()) -> onnxruntime.InferenceSession:
    """A session on the bytes of `file`, which have been verified; for pictures of one `size` only, if it is given.

    Raises BrokenVersion.
    """
    refuse_foreign(data, file)
    try:
        return onnxruntime.InferenceSession(data, options(size), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BrokenVersion(f"{file} is refused by onnxruntime: {first_line(error)}") from None


def options(size: tuple[int, ...] = ()) -> onnxruntime.SessionOptions:
    """One thread a request: the cores are shared by the workers, and small networks lose by splitting.

    Memory patterns only where all pictures are of one size [h,w]: one would be kept for every size that was ever seen,
    and a worker would grow with its years (docs/serving.md). What follows from that size is computed beforehand.
    """
    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = chosen.inter_op_num_threads = 1
    chosen.enable_mem_pattern = bool(size)
    for name, length in zip("hw", size, strict=False):
        chosen.add_free_dimension_override_by_name(name, length)
    chosen.log_severity_level = ERRORS_ONLY
    # Not onnxruntime's own format, which it takes as well, and which service/onnxfile.py does not understand.
    chosen.add_session_config_entry("session.load_model_format", "ONNX")
    return chosen


@contextmanager
def in_time(seconds: float) -> Iterator[onnxruntime.RunOptions]:
    """For runs that end with an exception when they are still at work after so many seconds: loops may have no end."""
    chosen = onnxruntime.RunOptions()
    timer = Timer(seconds, setattr, (chosen, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        yield chosen
    finally:
        timer.cancel()


def give_memory_back() -> onnxruntime.RunOptions:
    """For a run after which the session keeps no more memory than before; without it, what the largest took."""
    chosen = onnxruntime.RunOptions()
    chosen.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return chosen


def check(where: str, found: Sequence[Any], promised: Tensor) -> None:
    """Raises BrokenVersion unless exactly the one promised tensor was found."""
    if len(found) != 1 or not agrees(found[0], promised):
        got = ", ".join(f"{each.name} {each.type} {each.shape}" for each in found)
        sizes = ", ".join(str(size or "w") for size in promised.dims)
        raise BrokenVersion(f"{where}: expected {promised.name} {promised.dtype} [N, {sizes}], got {got}")


def agrees(found: Any, promised: Tensor) -> bool:
    """Whether name and type are those promised, and every size that the file fixes."""
    first, *rest = found.shape or [None]
    return (
        found.name == promised.name
        and found.type == f"tensor({ONNX_TYPES.get(promised.dtype, promised.dtype)})"
        and (not isinstance(first, int) or first == 1)
        and len(rest) == len(promised.dims)
        and all(not isinstance(size, int) or size == dim for size, dim in zip(rest, promised.dims, strict=True))
    )


def first_line(error: Exception) -> str:
    """The first line of what onnxruntime says, which may go on with its own stack."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def verify(version: Version) -> None:
    """Read and check the files that serving would need, without loading them. Raises BrokenVersion."""
    for file in ["model.onnx", "preprocess.onnx"][: 2 if version.manifest.kind == "image" else 1]:
        refuse_foreign(version.read(file), file)
