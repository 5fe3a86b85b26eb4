"""How the report's pictures look: the same on every machine, and once for light pages and once for dark ones."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

DPI = 144


@dataclass(frozen=True)
class Theme:
    """Colours. first, second: of lines, and of what is right and what is wrong; suffix: of the file names."""

    suffix: str
    paper: str
    ink: str
    faint: str
    line: str
    first: str
    second: str

    def ramp(self, colour: str) -> LinearSegmentedColormap:
        """From paper to a colour, through its paler shades."""
        return LinearSegmentedColormap.from_list("", [self.paper, colour])

    def signed(self) -> LinearSegmentedColormap:
        """For numbers around 0: second, paper, first."""
        return LinearSegmentedColormap.from_list("", [self.second, self.paper, self.first])


LIGHT = Theme("", "#ffffff", "#1b2230", "#667085", "#dfe3ea", "#2563eb", "#e0560b")
DARK = Theme("-dark", "#171c26", "#e6e9ef", "#98a2b3", "#303846", "#6ea0ff", "#ff9b57")
THEMES = (LIGHT, DARK)


@contextmanager
def styled(theme: Theme) -> Iterator[None]:
    """Inside, figures are made and saved in this theme, whatever matplotlib's settings on this machine say."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # labels may be in any script
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "figure.facecolor": theme.paper,
                "figure.dpi": DPI,
                "figure.constrained_layout.use": True,
                "axes.facecolor": theme.paper,
                "axes.edgecolor": theme.line,
                "axes.labelcolor": theme.faint,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.titlelocation": "left",
                "axes.titlesize": 11,
                "axes.titleweight": "bold",
                "grid.color": theme.line,
                "grid.linewidth": 0.7,
                "font.size": 9,
                "text.color": theme.ink,
                "text.parse_math": False,
                "xtick.color": theme.line,
                "ytick.color": theme.line,
                "xtick.labelcolor": theme.faint,
                "ytick.labelcolor": theme.faint,
            }
        )
        yield


def png(figure: Figure) -> bytes:
    """The figure as a PNG file: the same figure gives the same bytes."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    return content.getvalue()


def printable(label: str, longest: int = 18) -> str:
    """A label for a picture: one line, not too long, of nothing that cannot be drawn."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in label).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
