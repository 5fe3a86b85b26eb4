"""The notation's parser: text to `notation.Architecture`, by recursive descent.

An error points at the character and says what was expected there.
"""

import difflib
import re
from typing import Literal, NoReturn, cast

from pipeline.errors import ArchitectureError
from pipeline.network.notation import (
    ACTIVATIONS,
    Architecture,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Item,
    Layer,
    Pool,
    Repeat,
    Scale,
)

LAYERS = ("CONV", "POOL", "FC", "FLATTEN", "SCALE", "DROPOUT")
LARGEST = 1_000_000  # of any number in the text: beyond it stands a slip of the finger, not a network
DEEPEST = 8  # brackets within brackets
MOST = 1_000  # layers, every repetition written out

_TOKEN = re.compile(r"\s*(->|→|[()*×]|[^\s()*×→]+?(?=->|→|[\s()*×]|$))")


def parse(text: str) -> Architecture:
    """The architecture that `text` describes; ArchitectureError where it does not parse.

    >>> str(parse("input 1x28x28 -> (conv 16@5x5 relu -> pool max 2x2) * 2 -> fc 10 softmax"))
    'INPUT 1x28x28 -> (CONV 16@5x5 relu -> POOL max 2x2) * 2 -> FC 10 softmax'
    """
    return _Parser(text).architecture()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [(match[1], match.start(1)) for match in _TOKEN.finditer(text.rstrip())]
        self.at = 0
        self.depth = 0

    # ------------------------------------------------------------------ tokens
    @property
    def token(self) -> str:
        """The token under the finger; empty at the end of the text."""
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.token
        self.at += 1
        return token

    def accept(self, *spellings: str) -> bool:
        """Step over the token if it is one of these, in any case of letters."""
        if self.token and self.token.lower() in [spelling.lower() for spelling in spellings]:
            self.at += 1
            return True
        return False

    def fail(self, expected: str, hint: str = "") -> NoReturn:
        column = self.tokens[self.at][1] if self.at < len(self.tokens) else len(self.text)
        came = f"“{self.token[:24]}”" if self.token else "the end"
        here = f"{self.text[max(0, column - 24) : column]}▸{self.text[column : column + 12]}"
        here = " ".join(here.split())  # in one line, however the text was broken
        raise ArchitectureError(f"architecture, character {column + 1} ({here}): expected {expected}, got {came}{hint}")

    # ------------------------------------------------------------------ grammar
    def architecture(self) -> Architecture:
        if not self.accept("INPUT"):
            self.fail("INPUT, as in “INPUT 1x28x28 -> FC 10 softmax”")
        shape = self.numbers("a shape like 1x28x28 or 784", (1, 3))
        items: list[Item] = []
        while self.token:
            if not self.accept("->", "→"):
                self.fail("“->”")
            items.append(self.item())
        if not items:
            self.fail(f"“->” and a layer ({', '.join(LAYERS)})")
        if sum(map(_count, items)) > MOST:
            raise ArchitectureError(f"architecture: expected at most {MOST:,} layers, got more: repeat less often")
        return Architecture(shape, tuple(items))

    def item(self) -> Item:
        body: tuple[Item, ...]
        grouped = self.token == "("
        body = self.group() if grouped else (self.layer(),)
        if self.accept("*", "×"):
            return Repeat(body, self.number("how many times", at_least=1))
        return Repeat(body, 1) if grouped else body[0]

    def group(self) -> tuple[Item, ...]:
        if self.depth == DEEPEST:
            self.fail(f"at most {DEEPEST} brackets within brackets")
        self.take()
        self.depth += 1
        items = [self.item()]
        while self.accept("->", "→"):
            items.append(self.item())
        if not self.accept(")"):
            self.fail("“->” or “)”")
        self.depth -= 1
        return tuple(items)

    def layer(self) -> Layer:
        for name in LAYERS:
            if self.accept(name):
                return cast(Layer, getattr(self, name.lower())())
        self.fail(f"a layer ({', '.join(LAYERS)}) or “(”", self.similar(LAYERS))

    def conv(self) -> Conv:
        match = re.fullmatch(r"(\d{1,9})@(\d{1,9})x(\d{1,9})", self.token)
        if not match:
            self.fail("filters@kernel, like 16@5x5")
        filters, height, width = (self.bounded(int(number)) for number in match.groups())
        self.take()
        stride = self.stride() or 1
        padding: Literal["same", "valid"] = "same" if self.accept("same") else "valid"
        self.accept("valid")
        return Conv(filters, (height, width), stride, padding, self.activation("“stride”, “same”, “valid”, "))

    def pool(self) -> Pool:
        kind = self.token.lower()
        if kind not in ("max", "avg"):
            self.fail("max or avg")
        self.take()
        height, width = self.numbers("a window like 2x2", (2,))
        return Pool(cast(Literal["max", "avg"], kind), (height, width), self.stride())

    def fc(self) -> Dense:
        return Dense(self.number("the number of units, like 128", at_least=1), self.activation())

    def flatten(self) -> Flatten:
        return Flatten()

    def scale(self) -> Scale:
        return Scale()

    def dropout(self) -> Dropout:
        if not re.fullmatch(r"0?\.\d{1,9}|0", self.token):
            self.fail("a rate of at least 0 and below 1, like 0.5")
        return Dropout(float(self.take()))

    # ------------------------------------------------------------------ parts
    def stride(self) -> int | None:
        return self.number("a stride, like 2", at_least=1) if self.accept("stride") else None

    def activation(self, others: str = "") -> str:
        if self.token.lower() in ACTIVATIONS:
            return self.take().lower()
        if self.token and self.token not in ("->", "→", "*", "×", ")"):
            self.fail(f"{others}an activation ({', '.join(ACTIVATIONS)}) or “->”", self.similar(ACTIVATIONS))
        return "identity"

    def number(self, what: str, at_least: int) -> int:
        if not re.fullmatch(r"\d{1,9}", self.token) or int(self.token) < at_least:
            self.fail(what)
        number = self.bounded(int(self.token))
        self.take()
        return number

    def numbers(self, what: str, counts: tuple[int, ...]) -> tuple[int, ...]:
        parts = self.token.split("x")
        if len(parts) not in counts or not all(re.fullmatch(r"[1-9]\d{0,8}", part) for part in parts):
            self.fail(what)
        numbers = tuple(self.bounded(int(part)) for part in parts)
        self.take()
        return numbers

    def bounded(self, number: int) -> int:
        if not 1 <= number <= LARGEST:
            self.fail(f"a number from 1 to {LARGEST:,}")
        return number

    def similar(self, words: tuple[str, ...]) -> str:
        close = {word.lower(): word for word in words}
        found = difflib.get_close_matches(self.token.lower(), close, n=1)
        return f"; did you mean {close[found[0]]}?" if found else ""


def _count(item: Item) -> int:
    return sum(map(_count, item.body)) * item.count if isinstance(item, Repeat) else 1
