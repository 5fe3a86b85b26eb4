"""Pictures or numbers in, predictions out: what POST /predict answers, without the HTTP.

The pictures of a request are decoded and preprocessed, few at a time, so that at most one large one is in memory at its
full size, and then run through the network as one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.batch import Ran
from service.body import Rows, Upload
from service.errors import ImageTooLarge, InvalidInputs, RequestError, WrongInputKind
from service.images import decode
from service.notes import notes
from service.runtime import Model, by_label

NUMBERS = {int, float}
# A request may decode this many pictures of the largest size, or more smaller ones.
LARGEST_PICTURES = 4
# Pixels that are decoded before they are preprocessed.
DECODED_AT_ONCE = 65_536
# So many pictures are remembered in what one takes of late.
LATELY = 16
Prediction = dict[str, Any]


class Decoded(NamedTuple):
    """A picture as RGB [h,w,3], and the milliseconds it took to decode."""

    image: NDArray[np.uint8]
    milliseconds: float

    @property
    def pixels(self) -> int:
        return self.image.size // 3


class Picture(NamedTuple):
    """A picture that the model can take: pixels uint8 [1,C,H,W], and the milliseconds it took to make them."""

    pixels: NDArray[np.uint8]
    milliseconds: dict[str, float]


@dataclass(frozen=True)
class Question:
    """What goes into a network, X [N,…], and what its answers belong to; rows have no `uploads` and no `pictures`."""

    model: Model
    X: NDArray[Any]
    top_k: int
    uploads: list[Upload]
    pictures: list[Picture | RequestError]

    def predictions(self, ran: Ran) -> list[Prediction]:
        """One for each picture or row, in order; for a picture that could not be read, its error."""
        ran.note()
        took = milliseconds(ran.start, ran.end)
        found = answers(self.model, ran.Y, self.top_k)
        if not self.pictures:
            return [{**prediction, "milliseconds": {"inference": took}} for prediction in found]
        answered, rest = [], iter(found)
        for upload, picture in zip(self.uploads, self.pictures, strict=True):
            if isinstance(picture, Picture):
                answer = {**next(rest), "milliseconds": {**picture.milliseconds, "inference": took}}
            else:
                answer = {"error": picture.payload()}
            answered.append(answer if upload.filename is None else {"filename": upload.filename, **answer})
        return answered


def question(model: Model, asked: list[Upload] | Rows, top_k: int, max_pixels: int) -> Question:
    """What is asked, ready to run. Raises WrongInputKind, or InvalidInputs for rows that do not fit the model.

    When no picture at all can be read, the first one's error is raised.
    """
    if isinstance(asked, Rows):
        return Question(model, read_rows(model, asked.rows), top_k, [], [])
    pictures = read_pictures(model, asked, max_pixels)
    batch = [picture.pixels for picture in pictures if isinstance(picture, Picture)]
    if not batch:
        raise next(picture for picture in pictures if isinstance(picture, RequestError))
    return Question(model, np.concatenate(batch) if len(batch) > 1 else batch[0], top_k, asked, pictures)


def read_pictures(model: Model, uploads: list[Upload], max_pixels: int) -> list[Picture | RequestError]:
    """Each picture decoded and preprocessed, or what is wrong with it.

    Small ones are decoded several at a time, which keeps the decoder in the processor's caches: a tenth of the time.
    Of larger ones at most one is in memory beside the last few small ones.
    """
    if model.preprocessing is None:
        size = model.manifest.input.dims[0]
        raise WrongInputKind(f'{model.title} takes rows of {size} numbers, not pictures; send {{"inputs": [[…]]}}')
    left = LARGEST_PICTURES * max_pixels
    found: list[Picture | RequestError] = []
    decoded: list[Decoded | RequestError] = []
    held = 0
    for upload in uploads:
        picture = decode_one(upload, min(left, max_pixels))
        decoded.append(picture)
        if isinstance(picture, Decoded):
            left -= picture.pixels
            held += picture.pixels
        if held > DECODED_AT_ONCE:
            found += [preprocess_one(model, each) for each in decoded]
            decoded, held = [], 0
    return found + [preprocess_one(model, each) for each in decoded]


def decode_one(upload: Upload, most: int) -> Decoded | RequestError:
    try:
        start = perf_counter()
        image = decode(upload_bytes(upload), most)
        end = perf_counter()
    except RequestError as error:
        notes.too_large = notes.too_large or isinstance(error, ImageTooLarge)
        return error
    notes.stages.append(("decode", start, end))
    return Decoded(image, milliseconds(start, end))


def preprocess_one(model: Model, picture: Decoded | RequestError) -> Picture | RequestError:
    if isinstance(picture, RequestError):
        return picture
    try:
        start = perf_counter()
        pixels = model.preprocess(picture.image)
        end = perf_counter()
    except RequestError as error:
        return error
    notes.stages.append(("preprocess", start, end))
    if picture.pixels <= DECODED_AT_ONCE:
        model.preprocess_seconds += (end - start - model.preprocess_seconds) / LATELY
    return Picture(pixels, {"decode": picture.milliseconds, "preprocess": milliseconds(start, end)})


def upload_bytes(upload: Upload) -> bytes:
    if isinstance(upload.data, RequestError):
        raise upload.data
    return upload.data


def read_rows(model: Model, rows: list[Any]) -> NDArray[np.float32]:
    """JSON's rows as float32 [N,D]. Raises InvalidInputs, with the shape that was expected and the one that came."""
    if model.preprocessing is not None:
        raise WrongInputKind(f"{model.title} takes pictures, not rows of numbers; send one as the body or in a form")
    size = model.manifest.input.dims[0]
    for at, row in enumerate(rows):
        if not isinstance(row, list):
            raise InvalidInputs(f"expected inputs of shape [N, {size}]: a list of rows; row {at} is no list")
        if len(row) != size:
            raise InvalidInputs(f"expected inputs of shape [N, {size}], got row {at} with {len(row)} numbers")
        if not NUMBERS.issuperset(map(type, row)):
            raise InvalidInputs(f"expected inputs of shape [N, {size}] of numbers; row {at} has something else")
    return as_finite(rows)


def as_finite(rows: list[list[float]]) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):
            X = np.array(rows, dtype=np.float32)
    except OverflowError:
        X = np.full((1, 1), np.inf, np.float32)
    if not np.isfinite(X).all():
        raise InvalidInputs("expected finite numbers that fit float32, got NaN, infinity or a number beyond them")
    return X


def answers(model: Model, Y: NDArray[Any], top_k: int) -> list[Prediction]:
    """The top k labels, or the number, of each row of what the network gave."""
    return classify(model, Y, top_k) if model.manifest.task == "classification" else numbers(Y)


def numbers(Y: NDArray[np.float32]) -> list[Prediction]:
    """Y [N,1] of a regression, each number as the shortest that reads as the same float32."""
    if not np.isfinite(Y).all():
        raise InvalidInputs("expected inputs whose answers fit float32, got larger ones")
    return [{"value": float(str(value))} for value in Y[:, 0]]


def classify(model: Model, P: NDArray[np.float32], top_k: int) -> list[Prediction]:
    """The top k labels of each row of probabilities, noted down."""
    predictions = likeliest(model, P, top_k)
    name, version = model.version.name, model.version.number
    notes.predicted += [(name, version, prediction["label"]) for prediction in predictions]
    return predictions


def likeliest(model: Model, P: NDArray[np.float32], top_k: int) -> list[Prediction]:
    """The top k labels of each row of probabilities."""
    labels = model.manifest.labels
    P = by_label(P, labels)
    orders = (-P).argsort(axis=1, kind="stable")[:, :top_k].tolist()
    return [ranked(labels, *row) for row in zip(orders, P.astype(np.float64).round(6).tolist(), strict=True)]


def ranked(labels: Sequence[str], order: list[int], chances: list[float]) -> Prediction:
    top = [{"label": labels[i], "probability": chances[i]} for i in order]
    return {**top[0], "top_k": top}


def milliseconds(start: float, end: float) -> float:
    """To the microsecond, in a third of the time that round() takes."""
    return int((end - start) * 1e6 + 0.5) / 1000
