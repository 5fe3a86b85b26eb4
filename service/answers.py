"""Pictures or numbers in, predictions out: what POST /predict answers, without the HTTP.

The pictures of a request are decoded and preprocessed one by one, so that at most one is in memory at its full size,
and then run through the network as one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.body import Rows, Upload
from service.errors import ImageTooLarge, InvalidInputs, RequestError, WrongInputKind
from service.images import decode
from service.notes import notes
from service.runtime import Model, by_label

NUMBERS = {int, float}
# A request may decode this many pictures of the largest size, or more smaller ones.
LARGEST_PICTURES = 4
Prediction = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """A picture that the model can take: pixels uint8 [1,C,H,W], and the milliseconds it took to make them."""

    pixels: NDArray[np.uint8]
    milliseconds: dict[str, float]


def predict(model: Model, asked: list[Upload] | Rows, top_k: int, max_pixels: int) -> list[Prediction]:
    """One prediction for each picture or row, in order; for a picture that could not be read, its error.

    Raises WrongInputKind, or InvalidInputs for rows that do not fit the model. When no picture at all could be
    read, the first one's error is raised.
    """
    if isinstance(asked, Rows):
        predictions, took = answers(model, read_rows(model, asked.rows), top_k)
        return [{**prediction, "milliseconds": {"inference": took}} for prediction in predictions]
    return predict_pictures(model, read_pictures(model, asked, max_pixels), asked, top_k)


def predict_pictures(
    model: Model, pictures: list[Picture | RequestError], uploads: list[Upload], top_k: int
) -> list[Prediction]:
    batch = [picture.pixels for picture in pictures if isinstance(picture, Picture)]
    if not batch:
        raise next(picture for picture in pictures if isinstance(picture, RequestError))
    predictions, took = answers(model, np.concatenate(batch) if len(batch) > 1 else batch[0], top_k)
    answered, rest = [], iter(predictions)
    for upload, picture in zip(uploads, pictures, strict=True):
        if isinstance(picture, Picture):
            answer = {**next(rest), "milliseconds": {**picture.milliseconds, "inference": took}}
        else:
            answer = {"error": picture.payload()}
        answered.append(answer if upload.filename is None else {"filename": upload.filename, **answer})
    return answered


def read_pictures(model: Model, uploads: list[Upload], max_pixels: int) -> list[Picture | RequestError]:
    """Each picture decoded and preprocessed, or what is wrong with it; the next one comes after, to save memory."""
    if model.preprocessing is None:
        size = model.manifest.input.dims[0]
        raise WrongInputKind(f'{model.title} takes rows of {size} numbers, not pictures; send {{"inputs": [[…]]}}')
    left = LARGEST_PICTURES * max_pixels
    pictures: list[Picture | RequestError] = []
    for upload in uploads:
        try:
            start = perf_counter()
            image = decode(upload_bytes(upload), min(left, max_pixels))
            decoded = perf_counter()
            left -= image.shape[0] * image.shape[1]
            pixels = model.preprocess(image)
            end = perf_counter()
            notes.stages += (("decode", start, decoded), ("preprocess", decoded, end))
            took = {"decode": milliseconds(start, decoded), "preprocess": milliseconds(decoded, end)}
            pictures.append(Picture(pixels, took))
        except RequestError as error:
            notes.too_large = notes.too_large or isinstance(error, ImageTooLarge)
            pictures.append(error)
    return pictures


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


def answers(model: Model, X: NDArray[Any], top_k: int) -> tuple[list[Prediction], float]:
    """The top k labels, or the number, of each of the N rows or pictures of X; the milliseconds of the whole batch."""
    start = perf_counter()
    Y = model.probabilities(X)
    end = perf_counter()
    notes.stages.append(("inference", start, end))
    notes.batches.append(len(X))
    found = classify(model, Y, top_k) if model.manifest.task == "classification" else numbers(Y)
    return found, milliseconds(start, end)


def numbers(Y: NDArray[np.float32]) -> list[Prediction]:
    """Y [N,1] of a regression, each number as the shortest that reads as the same float32."""
    if not np.isfinite(Y).all():
        raise InvalidInputs("expected inputs whose answers fit float32, got larger ones")
    return [{"value": float(str(value))} for value in Y[:, 0]]


def classify(model: Model, P: NDArray[np.float32], top_k: int) -> list[Prediction]:
    """The top k labels of each row of probabilities."""
    P = by_label(P, model.manifest.labels)
    order = np.argsort(-P, axis=1, kind="stable")[:, :top_k]
    chances = P[np.arange(len(P))[:, None], order].astype(np.float64).round(6).tolist()
    predictions = [ranked(model.manifest.labels, *row) for row in zip(order.tolist(), chances, strict=True)]
    name, version = model.version.name, model.version.number
    notes.predicted += [(name, version, prediction["label"]) for prediction in predictions]
    return predictions


def ranked(labels: Sequence[str], order: list[int], chances: list[float]) -> Prediction:
    top = [{"label": labels[i], "probability": p} for i, p in zip(order, chances, strict=True)]
    return {**top[0], "top_k": top}


def milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 3)
