"""Which preprocessing a model gets, and how to run it from Python."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from pipeline.data.dataset import Pictures
from pipeline.errors import ArchitectureError
from pipeline.export.preprocess import ink, photo
from pipeline.export.session import session
from pipeline.network.notation import Shape

SMALL = 16  # below this many pixels there is none to spare for a margin


def preprocessing(pictures: Pictures, shape: Shape) -> onnx.ModelProto:
    """`preprocess.onnx` for pictures of this kind: image uint8 [h,w,3] -> pixels uint8 [1,C,H,W], shape being (C,H,W).

    Ink is fitted into the middle 20 of 28 pixels and centred by mass, as MNIST was made
    (LeCun et al. 1998, http://yann.lecun.com/exdb/mnist/), or into all of a picture as small as scikit-learn's digits.
    Raises ArchitectureError for channels that no picture has.
    """
    channels, height, width = shape
    if channels not in (1, 3):
        raise ArchitectureError(f"a picture has 1 channel (grey) or 3 (colour), got {channels}: INPUT 1x… or 3x…")
    if pictures == "photo":
        return photo(channels, height, width)
    if min(height, width) < SMALL:
        return ink(channels, height, width, box=min(height, width), centre="box")
    return ink(channels, height, width, box=round(min(height, width) * 20 / 28), centre="mass")


@dataclass(frozen=True)
class Preprocessor:
    """What a `preprocess.onnx` does, as a function: image uint8 [h,w,3] -> pixels uint8 [C,H,W].

    It can be sent to another process, which makes a session of its own.
    """

    model: bytes
    shape: Shape

    @property
    def key(self) -> bytes:
        """Different where the pixels may be: with another graph, and with another onnxruntime."""
        return f"onnxruntime {onnxruntime.__version__} ".encode() + self.model

    def __call__(self, image: NDArray[np.uint8], /) -> NDArray[np.uint8]:
        """The pixels of an image."""
        pixels: NDArray[np.uint8] = _session(self.model).run(None, {"image": image})[0][0]
        return pixels


def preprocessor(model: bytes) -> Preprocessor:
    """The function that a `preprocess.onnx` is. Raises ExportError if onnxruntime cannot load it."""
    return Preprocessor(model, tuple(_session(model).get_outputs()[0].shape[1:]))


@lru_cache(maxsize=1)
def _session(model: bytes) -> Any:
    return session(model)
