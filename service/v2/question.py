"""The body of an infer request: JSON, JSON with bytes after it, or one raw tensor -> what is asked of a graph.

    {"id": "…", "parameters": {…}, "outputs": [{"name": "…", "parameters": {…}}],
     "inputs": [{"name": "…", "shape": […], "datatype": "…", "parameters": {…}, "data": […]}]}

Of the parameters of Triton these count: binary_data_size of an input, binary_data and classification of an output, and
binary_data_output of the request. Others are left unread, as is what nobody has defined.
"""

from typing import Any, NamedTuple

import orjson
from numpy.typing import NDArray

from service.body import Upload
from service.errors import InvalidInputs, InvalidJSON
from service.runtime import IMAGE
from service.v2.graphs import Graph, Port
from service.v2.tensors import (
    check_shape,
    from_bytes,
    from_json,
    from_raw,
    pictures_from_bytes,
    pictures_from_json,
    shown,
)

# Counts the bytes of the JSON before any compression; the bytes of the tensor follow it. 0 says that there is no JSON.
HEADER_LENGTH = "Inference-Header-Content-Length"
Given = NDArray[Any] | list[Upload]


class Wanted(NamedTuple):
    """How the output is to be given: as bytes or as JSON, and as the `classes` likeliest labels, or (0) as numbers."""

    binary: bool
    classes: int


class Question(NamedTuple):
    """One infer request: numbers of the input's shape or encoded pictures, and how the answer shall look."""

    id: str | None
    given: Given
    wanted: Wanted


def parse(body: bytes, header_length: str | None, graph: Graph) -> Question:
    """What is asked. Raises InvalidJSON or InvalidInputs, which say what the graph takes."""
    text, rest = split(body, header_length)
    if not text:
        return Question(None, read_raw(rest, graph), Wanted(True, 0))
    document = load(text)
    identity = document.get("id")
    expect(identity is None or isinstance(identity, str), "id", "a string", identity)
    # A letter is found twenty times as fast as a word, and to look at each number would take longest.
    words = (b"r" in text and b"true" in text) or (b"f" in text and b"false" in text)
    given = read_input(one_input(document, graph), rest, graph, words)
    return Question(identity, given, read_wanted(document, graph))


def split(body: bytes, header_length: str | None) -> tuple[bytes, memoryview]:
    """The JSON of a body, and the bytes after it."""
    if header_length is None:
        return body, memoryview(b"")
    fits = header_length.isascii() and header_length.isdigit() and len(header_length) < 12
    if not fits or int(header_length) > len(body):
        got = f"{header_length[:20]!r} for a body of {len(body)}"
        raise InvalidInputs(f"expected {HEADER_LENGTH} to be the number of bytes of the JSON, got {got}")
    size = int(header_length)
    return body[:size], memoryview(body)[size:]


def read_raw(data: memoryview, graph: Graph) -> Given:
    """The whole body as the input: its numbers, or one encoded picture where numbers would not tell its shape."""
    if graph.given.shape.count(-1) > 1:
        return [Upload(bytes(data))]
    return from_raw(data, graph.given)


def load(text: bytes) -> dict[str, Any]:
    """The JSON object in `text`. orjson refuses NaN, numbers beyond a double, and what is nested deeper than 1024."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        hint = "; NaN and Infinity are no JSON" if b"NaN" in text or b"Infinity" in text else ""
        raise InvalidJSON(f"the body is not JSON: {error}{hint}") from None
    expect(isinstance(document, dict), "the body", "a JSON object", document)
    checked: dict[str, Any] = document
    return checked


def one_input(document: dict[str, Any], graph: Graph) -> dict[str, Any]:
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        got = f"{len(inputs)} inputs" if isinstance(inputs, list) and len(inputs) != 1 else shown(inputs)
        raise InvalidInputs(f"expected 'inputs' to be a list of one: {graph.takes()}; got {got}")
    return inputs[0]


def read_input(given: dict[str, Any], rest: memoryview, graph: Graph, words: bool) -> Given:
    """The data of the input, from its JSON or from the bytes after the JSON."""
    port = port_for(given, graph)
    shape = check_shape(given.get("shape"), port)
    size = parameters(given).get("binary_data_size")
    if (size or 0) != len(rest) or (size is not None and "data" in given):
        got = f"binary_data_size {shown(size)} and {len(rest)} bytes after the JSON"
        raise InvalidInputs(f"{port.name}: expected 'data', or 'binary_data_size' bytes after the JSON; got {got}")
    if size is None:
        data = given.get("data")
        pictures = port.datatype == "BYTES"
        return pictures_from_json(data, shape, port) if pictures else from_json(data, shape, port, words)
    return pictures_from_bytes(rest, shape, port) if port.datatype == "BYTES" else from_bytes(rest, shape, port)


def port_for(given: dict[str, Any], graph: Graph) -> Port:
    """What the input is sent as: the graph's own input, or a list of encoded pictures in its place."""
    name, datatype = given.get("name"), given.get("datatype")
    if (name, datatype) == graph.given[:2]:
        return graph.given
    if graph.pictures and datatype == "BYTES" and name in (IMAGE.name, graph.given.name):
        return Port(name, "BYTES", graph.gives.shape[:1])
    raise InvalidInputs(f"expected the input {graph.takes()}; got {shown(name)} of datatype {shown(datatype)}")


def read_wanted(document: dict[str, Any], graph: Graph) -> Wanted:
    """How the only output is wanted; 'outputs' may name it, to say so."""
    outputs, name = document.get("outputs"), graph.gives.name
    binary = flag(document, "binary_data_output", False)
    if outputs is None or outputs == []:
        return Wanted(binary, 0)
    fits = isinstance(outputs, list) and len(outputs) == 1 and isinstance(outputs[0], dict)
    expect(
        fits and outputs[0].get("name") == name, "'outputs'", f"left out, or a list that names {name!r} once", outputs
    )
    return Wanted(flag(outputs[0], "binary_data", binary), read_classes(outputs[0], graph))


def read_classes(output: dict[str, Any], graph: Graph) -> int:
    classes = parameters(output).get("classification")
    if classes is None:
        return 0
    expect(type(classes) is int and classes > 0, "classification", "a whole number of at least 1", classes)
    if not graph.classifies:
        raise InvalidInputs(f"expected no classification: {graph.gives.name!r} has no labels")
    return int(classes)


def flag(holder: dict[str, Any], name: str, default: bool) -> bool:
    value = parameters(holder).get(name, default)
    expect(isinstance(value, bool), name, "true or false", value)
    return bool(value)


def parameters(holder: dict[str, Any]) -> dict[str, Any]:
    found = holder.get("parameters")
    if found is None:
        return {}
    expect(isinstance(found, dict), "parameters", "an object", found)
    checked: dict[str, Any] = found
    return checked


def expect(fits: bool, what: str, expected: str, got: object) -> None:
    if not fits:
        raise InvalidInputs(f"expected {what} to be {expected}, got {shown(got)}")
