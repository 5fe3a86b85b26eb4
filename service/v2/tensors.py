"""The data of one tensor: a list in JSON, flat or nested, or little-endian bytes -> an array of just that shape.

Everything is compared with the shape before any array is made, in Python's whole numbers, which do not overflow.
"""

import struct
from array import array
from collections.abc import Sequence
from itertools import chain
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.body import Upload, decode_base64
from service.errors import InvalidInputs
from service.v2.graphs import Port

DTYPES: dict[str, np.dtype[Any]] = {"UINT8": np.dtype("u1"), "FP32": np.dtype("<f4")}
EXPECTED = {"UINT8": "whole numbers from 0 to 255", "FP32": "finite numbers that fit FP32"}
LENGTH = struct.Struct("<I")
SHOWN = 80
Shape = tuple[int, ...]


def check_shape(shape: Any, port: Port) -> Shape:
    """`shape` as it came, if it is one that the port can have; else InvalidInputs."""
    if (
        not isinstance(shape, list)
        or len(shape) != len(port.shape)
        or any(type(size) is not int or size < 1 for size in shape)
        or any(fixed not in (-1, size) for fixed, size in zip(port.shape, shape, strict=True))
    ):
        raise InvalidInputs(f"expected {port}, got shape {shown(shape)}")
    return tuple(shape)


def from_json(data: Any, shape: Shape, port: Port, words: bool) -> NDArray[Any]:
    """Numbers of JSON as an array. words: whether a true or false may be among them, which bytes() takes for numbers.

    bytes() refuses what is no whole number from 0 to 255, array() what is no number; for 784 pixels they take 5 µs,
    np.array 13.
    """
    flat = flatten(data, shape, port)
    try:
        if words and bool in set(map(type, flat)):
            raise TypeError("true or false among the numbers")
        made: Any = bytes(flat) if port.datatype == "UINT8" else array("f", flat)
    except (TypeError, ValueError):
        found = next((each for each in flat if not fits(each, port)), None)
        raise InvalidInputs(f"{port.name}: expected {EXPECTED[port.datatype]}, got {shown(found)}") from None
    return finite(np.frombuffer(made, DTYPES[port.datatype]).reshape(shape), port)


def fits(value: Any, port: Port) -> bool:
    if port.datatype == "UINT8":
        return type(value) is int and 0 <= value <= 255
    return type(value) in (int, float)


def flatten(data: Any, shape: Shape, port: Port) -> list[Any]:
    """The elements in row-major order, of a flat list or of lists nested as the shape is; else InvalidInputs."""
    if not isinstance(data, list):
        raise InvalidInputs(f"{port.name}: expected 'data' to be a list, or the parameter 'binary_data_size'")
    flat, count = data, shape[0]
    if data and isinstance(data[0], list):
        for size in shape[1:]:
            if len(flat) != count or not all(isinstance(row, list) and len(row) == size for row in flat):
                raise InvalidInputs(f"{port.name}: expected 'data' to be flat or nested as the shape {list(shape)}")
            flat, count = list(chain.from_iterable(flat)), count * size
    if len(flat) != prod(shape):
        raise InvalidInputs(f"{port.name}: expected {prod(shape)} elements of the shape {list(shape)}, got {len(flat)}")
    return flat


def from_bytes(data: memoryview, shape: Shape, port: Port) -> NDArray[Any]:
    """Little-endian bytes as an array; aligned as onnxruntime wants it, a copy where the JSON before them was odd."""
    dtype = DTYPES[port.datatype]
    if len(data) != prod(shape) * dtype.itemsize:
        wanted = prod(shape) * dtype.itemsize
        raise InvalidInputs(f"{port.name}: expected {wanted} bytes of the shape {list(shape)}, got {len(data)}")
    X = np.frombuffer(data, dtype).reshape(shape)
    return finite(X if X.flags.aligned else X.copy(), port)


def from_raw(data: memoryview, port: Port) -> NDArray[Any]:
    """The whole body as one tensor, whose batch follows from its length; else InvalidInputs."""
    row = prod(port.shape[1:]) * DTYPES[port.datatype].itemsize
    if len(data) % row:
        raise InvalidInputs(f"expected {port}: {row} bytes or a multiple of them, got {len(data)}")
    return from_bytes(data, (len(data) // row, *port.shape[1:]), port)


def finite(X: NDArray[Any], port: Port) -> NDArray[Any]:
    if port.datatype == "FP32" and not np.isfinite(X).all():
        raise InvalidInputs(f"{port.name}: expected {EXPECTED['FP32']}, got NaN, infinity or a number beyond them")
    return X


def pictures_from_json(data: Any, shape: Shape, port: Port) -> list[Upload]:
    """Base64 or data URLs, as POST /predict takes them: JSON has no bytes."""
    return [Upload(decode_base64(each)) for each in flatten(data, shape, port)]


def pictures_from_bytes(data: memoryview, shape: Shape, port: Port) -> list[Upload]:
    """Elements of BYTES: the length of each as four bytes, little-endian, then the element."""
    uploads, at = [], 0
    while at + LENGTH.size <= len(data):
        (size,) = LENGTH.unpack_from(data, at)
        at += LENGTH.size + size
        uploads.append(Upload(bytes(data[at - size : at])))
    if at != len(data) or len(uploads) != prod(shape):
        raise InvalidInputs(
            f"{port.name}: expected {prod(shape)} elements, the length of each before it as four bytes, little-endian; "
            f"got {len(data)} bytes that are not that"
        )
    return uploads


def to_bytes(texts: Sequence[str]) -> bytes:
    """Text as elements of BYTES."""
    return b"".join(LENGTH.pack(len(each)) + each for each in (text.encode() for text in texts))


def shown(value: Any) -> str:
    """What came, short enough for a message."""
    try:
        return repr(value)[:SHOWN]
    except RecursionError:
        return "lists nested too deeply"
