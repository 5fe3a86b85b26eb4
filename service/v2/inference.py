"""From what was sent to what a graph makes of it: pictures are decoded, and preprocessed for a network."""

from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.answers import read_pictures, upload_bytes
from service.batch import Ran
from service.batch import run as run_network
from service.body import Upload, check_count
from service.errors import RequestError
from service.images import check_size, decode
from service.runtime import Model
from service.v2.graphs import Target
from service.v2.question import Given


def prepare(target: Target, given: Given, most: int, max_pixels: int) -> NDArray[Any]:
    """What goes into the graph: [N,…] of at most `most` rows for a network, [h,w,3] for preprocessing.

    Raises TooManyInputs, ImageTooLarge, or what is wrong with the first picture that cannot be read.
    """
    if target.preprocesses:
        return one_image(given, max_pixels)
    check_count(len(given), most)
    return pixels(target.model, given, max_pixels) if isinstance(given, list) else given


def run(target: Target, X: NDArray[Any]) -> Ran:
    """Probabilities [N,K] of a network, pixels [1,C,H,W] of preprocessing."""
    if not target.preprocesses:
        return run_network(target.model, X)
    start = perf_counter()
    Y = target.model.preprocess(X)
    return Ran(Y, start, perf_counter(), len(Y))


def one_image(given: Given, max_pixels: int) -> NDArray[Any]:
    if isinstance(given, list):
        return decode(upload_bytes(given[0]), max_pixels)
    height, width, _ = given.shape
    check_size((width, height), max_pixels)
    return given


def pixels(model: Model, uploads: list[Upload], max_pixels: int) -> NDArray[np.uint8]:
    """Encoded pictures -> [N,C,H,W]. One that cannot be read spoils all: an output has no place for its error."""
    made = []
    for at, picture in enumerate(read_pictures(model, uploads, max_pixels)):
        if isinstance(picture, RequestError):
            raise type(picture)(f"picture {at}: {picture}")
        made.append(picture.pixels)
    return np.concatenate(made)
