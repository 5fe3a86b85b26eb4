"""Log lines: whole, in order, in pieces that a pipe takes at once, and never in the way of a request."""

import json
import logging
import os
import sys

from service.jsonlog import MOST_LINES, PIECE, JSONFormatter, Writer, pieces, stamp


def test_lines_are_written_in_order() -> None:
    reading, writing = os.pipe()
    writer = Writer(writing)
    for number in range(10):
        writer.write(f"{number}\n")
    writer.flush()
    assert os.read(reading, 100) == b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"


def test_pieces_hold_whole_lines() -> None:
    lines = [f"{number} {'x' * (number % 700)}\n" for number in range(1000)] + ["y" * (PIECE + 1) + "\n"]
    cut = list(pieces(lines))
    assert b"".join(cut).decode() == "".join(lines)
    assert all(len(piece) <= PIECE for piece in cut[:-1])
    assert all(piece.endswith(b"\n") for piece in cut)


def test_slow_reader_loses_lines_and_is_told_how_many() -> None:
    reading, writing = os.pipe()
    writer = Writer(writing)
    for _ in range(MOST_LINES + 5):
        writer.write("\n")
    writer.lines.clear()
    writer.flush()
    assert json.loads(os.read(reading, 1000))["dropped_lines"] == 5


def test_nobody_reads() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    writer = Writer(writing)
    writer.write("lost\n")
    writer.flush()


def test_what_logging_says() -> None:
    try:
        raise ValueError("bad\nthing")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "%s failed", ("it",), sys.exc_info())
    text = JSONFormatter().format(record)
    said = json.loads(text)
    assert "\n" not in text
    assert (said["level"], said["message"]) == ("error", "it failed")
    assert "ValueError: bad\nthing" in said["traceback"]


def test_stamp() -> None:
    assert stamp(1_700_000_000.0625) == "2023-11-14T22:13:20.062Z"
