"""What an ONNX file would reach for, found without the onnx package: other files, and operators that are not ONNX's.

An ONNX file is a protobuf message, and only these of its fields can hold what we look for (numbers from onnx.proto):

    Model ─7─▶ Graph ─1─▶ Node ─5─▶ Attribute ─6,11─▶ Graph
      │          │          └─7: domain  └─5,10─▶ Tensor ─13: external_data, 14: data_location
      │          ├─5─▶ Tensor            └─22,23─▶ SparseTensor ─1,2─▶ Tensor
      │          └─15─▶ SparseTensor
      ├─20─▶ Training ─1,2─▶ Graph
      └─25: functions

Whoever reads the file after us must find the same in it, so what readers of protobuf understand in different ways, such
as the number of a field in more than 32 bits, is no ONNX file here.
"""

from collections.abc import Iterator

from service.errors import BrokenVersion

CHILDREN = {
    "Model": {7: "Graph", 20: "Training"},
    "Training": {1: "Graph", 2: "Graph"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
DOMAINS = (b"", b"ai.onnx")
DEEPEST = 64
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def refuse_foreign(data: bytes, file: str) -> None:
    """Raises BrokenVersion unless `data` is a self-contained ONNX model of standard operators."""
    try:
        walk(memoryview(data), "Model", file, 0)
    except (IndexError, ValueError):
        raise BrokenVersion(f"{file} is not an ONNX file") from None


def walk(message: memoryview, kind: str, file: str, depth: int) -> None:
    if depth > DEEPEST:
        raise BrokenVersion(f"{file} nests graphs too deeply")
    for number, value in message_fields(message):
        if kind == "Node" and number == 7 and bytes(as_bytes(value)) not in DOMAINS:
            raise BrokenVersion(f"{file} uses operators of the domain {bytes(as_bytes(value)).decode()!r}")
        if kind == "Model" and number == 25:
            raise BrokenVersion(f"{file} brings operators of its own, as functions")
        if kind == "Tensor" and (number == 13 or (number == 14 and value != 0)):
            raise BrokenVersion(f"{file} keeps weights in another file")
        if number in CHILDREN[kind]:
            walk(as_bytes(value), CHILDREN[kind][number], file, depth + 1)


def as_bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message should be")
    return value


def message_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a protobuf message: number, and value as a number or as bytes. ValueError when cut short."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        if not 8 <= key < 2**32:
            raise ValueError("not the number of a field")
        value, at = field_value(message, at, key & 7)
        if at > len(message):
            raise ValueError("a field longer than its message")
        yield key >> 3, value


def field_value(message: memoryview, at: int, wire: int) -> tuple[int | memoryview, int]:
    if wire == VARINT:
        return varint(message, at)
    if wire not in (FIXED64, BYTES, FIXED32):
        raise ValueError("not a wire type of protobuf")
    size, at = varint(message, at) if wire == BYTES else ({FIXED64: 8, FIXED32: 4}[wire], at)
    return message[at : at + size], at + size


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first, the top bit set while more follow: the number and where it ends."""
    value = shift = 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
    return value | message[at] << shift, at + 1
