"""The architecture drawn as a strip: a card for each layer, with a small drawing of what comes out of it."""

from dataclasses import dataclass
from html import escape

from pipeline.network import notation
from pipeline.network.network import Network
from pipeline.network.notation import Shape, times

SIDE = 64  # of a drawing, in CSS pixels
SHEETS = 5  # at most, for maps that lie behind one another
BARS = 9  # at most, for values in a row


@dataclass(frozen=True)
class Card:
    """One layer: as the notation writes it, the shape of one example that comes out, how many parameters."""

    text: str
    shape: Shape
    size: int


def cards(network: Network) -> list[Card]:
    """The input and each layer that the architecture names; activations belong to theirs, FLATTEN moves nothing."""
    hidden = ("flatten", *notation.ACTIVATIONS)
    layers = [layer for layer in network.layers[1:] if layer.kind not in hidden]
    specs = [spec for spec in network.architecture.layers if not isinstance(spec, notation.Flatten)]
    shape = network.architecture.shape
    drawn = [Card(str(spec), layer.shape, layer.size) for spec, layer in zip(specs, layers, strict=True)]
    return [Card(f"INPUT {times(*shape)}", shape, 0), *drawn]


def strip(cards: list[Card]) -> str:
    """HTML for the cards, in their order."""
    largest = max((max(card.shape[1:]) for card in cards if len(card.shape) == 3), default=1)
    widest = max((card.shape[0] for card in cards if len(card.shape) == 1), default=1)
    return f'<ol class="strip">{"".join(_card(card, largest, widest) for card in cards)}</ol>'


def _card(card: Card, largest: int, widest: int) -> str:
    word, _, rest = card.text.partition(" ")
    drawing = _maps(card.shape, largest) if len(card.shape) == 3 else _row(card.shape[0], widest)
    shape = "" if word == "INPUT" else f"<small>{times(*card.shape)}</small>"
    size = f"<small>{card.size:,} parameters</small>" if card.size else ""
    return (
        f'<li><svg viewBox="-1 -1 {SIDE + 2} {SIDE + 2}" aria-hidden="true">{drawing}</svg>'
        f"<b>{escape(word)}</b><span>{escape(rest)}</span>{shape}{size}</li>"
    )


def _maps(shape: Shape, largest: int) -> str:
    """Sheets behind one another, as large as the maps are beside the largest; the more maps, the more sheets."""
    channels, height, width = shape
    sheets = min(SHEETS, 1 + (channels - 1).bit_length())
    shift = 4.0 * (sheets - 1)
    scale = (SIDE - 4.0 * (SHEETS - 1)) / largest
    w, h = max(scale * width, 3), max(scale * height, 3)
    left, top = (SIDE - w - shift) / 2, (SIDE - h + shift) / 2
    places = [(left + 4.0 * at, top - 4.0 * at) for at in reversed(range(sheets))]
    return "".join(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="1"/>' for x, y in places)


def _row(units: int, widest: int) -> str:
    """A column of values: the taller, the more of them."""
    bars = max(2, round(BARS * (units / widest) ** 0.5))
    top = (SIDE - 7 * bars) / 2
    return "".join(
        f'<rect x="{SIDE / 2 - 5:.1f}" y="{top + 7 * at:.1f}" width="10" height="5" rx="1"/>' for at in range(bars)
    )
