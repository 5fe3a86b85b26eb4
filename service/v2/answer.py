"""What a graph made -> the body of the answer: JSON, and after it the bytes of the output where they are wanted so."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from service.runtime import by_label
from service.v2.graphs import Target
from service.v2.question import Question
from service.v2.tensors import to_bytes


def encode(target: Target, question: Question, Y: NDArray[Any]) -> tuple[bytes, int | None]:
    """The body, and how much of it is JSON; None when all of it is.

    Y: what the graph gives, [N,K] or [1,C,H,W]. In JSON its numbers are flat, in row-major order, and each float is the
    shortest that reads as the same float32.
    """
    output, data = classified(target, question, Y) if question.wanted.classes else numbers(target, question, Y)
    document: dict[str, Any] = {"model_name": target.name, "model_version": str(target.version)}
    if question.id is not None:
        document["id"] = question.id
    document["outputs"] = [output]
    if data is None:
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE), None
    output["parameters"] = {"binary_data_size": len(data)}
    text = orjson.dumps(document)
    return text + data, len(text)


def numbers(target: Target, question: Question, Y: NDArray[Any]) -> tuple[dict[str, Any], bytes | None]:
    gives = target.graph.gives
    output = {"name": gives.name, "datatype": gives.datatype, "shape": Y.shape}
    if question.wanted.binary:
        return output, Y.tobytes()
    return {**output, "data": Y.ravel()}, None


def classified(target: Target, question: Question, Y: NDArray[Any]) -> tuple[dict[str, Any], bytes | None]:
    """The likeliest labels of each row, as Triton writes them: BYTES [N,classes] of "probability:index:label"."""
    Y = by_label(Y, target.graph.labels)
    order = np.argsort(-Y, axis=1, kind="stable")[:, : question.wanted.classes]
    labels = target.graph.labels
    texts = [f"{Y[row, i]:f}:{i}:{labels[i]}" for row, columns in enumerate(order.tolist()) for i in columns]
    output = {"name": target.graph.gives.name, "datatype": "BYTES", "shape": order.shape}
    if question.wanted.binary:
        return output, to_bytes(texts)
    return {**output, "data": texts}, None
