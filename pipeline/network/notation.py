"""Architectures as the textbooks write them: INPUT -> (CONV * N -> POOL?) * M -> FC * K.

    architecture = "INPUT" shape { "->" item }
    item         = ( group | layer ) [ "*" times ]
    group        = "(" item { "->" item } ")"
    layer        = "CONV" filters "@" kernel [ "stride" n ] [ "same" | "valid" ] [ activation ]
                 | "POOL" ( "max" | "avg" ) kernel [ "stride" n ]
                 | "FC" units [ activation ]
                 | "FLATTEN"
                 | "SCALE"
                 | "DROPOUT" rate

A shape is `1x28x28` (channels, height, width) or `784` (features); a kernel is `5x5` (height, width).
Text parses to specifications and `str` prints them back to the same text.
"""

from dataclasses import dataclass
from typing import Literal

ACTIVATIONS = ("relu", "sigmoid", "tanh", "softmax", "step", "identity")
Shape = tuple[int, ...]


def times(*numbers: int) -> str:
    """(1, 28, 28) -> "1x28x28", as shapes and kernels are written."""
    return "x".join(map(str, numbers))


@dataclass(frozen=True)
class Conv:
    """A convolution: `filters` kernels of height x width, over every channel of its input."""

    filters: int
    kernel: tuple[int, int]
    stride: int = 1
    padding: Literal["valid", "same"] = "valid"
    activation: str = "identity"

    def __str__(self) -> str:
        stride = f"stride {self.stride}" if self.stride != 1 else ""
        padding = self.padding if self.padding == "same" else ""
        return _words("CONV", f"{self.filters}@{times(*self.kernel)}", stride, padding, _named(self.activation))


@dataclass(frozen=True)
class Pool:
    """Sub-sampling: the largest or the mean value of each window; the stride is the kernel unless given."""

    kind: Literal["max", "avg"]
    kernel: tuple[int, int]
    stride: int | None = None

    def __str__(self) -> str:
        return _words("POOL", self.kind, times(*self.kernel), f"stride {self.stride}" if self.stride else "")


@dataclass(frozen=True)
class Dense:
    """A fully connected layer."""

    units: int
    activation: str = "identity"

    def __str__(self) -> str:
        return _words("FC", str(self.units), _named(self.activation))


@dataclass(frozen=True)
class Flatten:
    """[C,H,W] to [C*H*W]; written out or not, it stands before the first FC."""

    def __str__(self) -> str:
        return "FLATTEN"


@dataclass(frozen=True)
class Scale:
    """Plain numbers brought to mean 0 and deviation 1; right after INPUT."""

    def __str__(self) -> str:
        return "SCALE"


@dataclass(frozen=True)
class Dropout:
    """While training, each value is zeroed with probability `rate`."""

    rate: float

    def __str__(self) -> str:
        return f"DROPOUT {self.rate:.9f}".rstrip("0").rstrip(".")  # the digits that the parser reads


@dataclass(frozen=True)
class Repeat:
    """A layer or a group, `count` times over."""

    body: tuple["Item", ...]
    count: int

    def __str__(self) -> str:
        inner = " -> ".join(map(str, self.body))
        # A lone layer needs no brackets; a group that is written once keeps them.
        single = len(self.body) == 1 and not isinstance(self.body[0], Repeat)
        text = inner if single and self.count > 1 else f"({inner})"
        return f"{text} * {self.count}" if self.count > 1 else text


Layer = Conv | Pool | Dense | Flatten | Scale | Dropout
Item = Layer | Repeat


@dataclass(frozen=True)
class Architecture:
    """What the text says: the shape of one example, and the items in their order."""

    shape: Shape
    items: tuple[Item, ...]

    def __str__(self) -> str:
        return " -> ".join([f"INPUT {times(*self.shape)}", *map(str, self.items)])

    @property
    def layers(self) -> list[Layer]:
        """The layers one after the other, every repetition written out."""
        return _expand(self.items)


def _expand(items: tuple[Item, ...]) -> list[Layer]:
    layers: list[Layer] = []
    for item in items:
        layers += _expand(item.body) * item.count if isinstance(item, Repeat) else [item]
    return layers


def _words(*words: str) -> str:
    return " ".join(filter(None, words))


def _named(activation: str) -> str:
    return "" if activation == "identity" else activation
