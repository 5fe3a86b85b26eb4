"""Pictures into a report's folder: one for light pages and one for dark ones."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from pipeline import files
from pipeline.evaluation import page
from pipeline.evaluation.theme import THEMES, Theme, png, styled


def draw(folder: Path, name: str, drawn: Callable[[Theme], Figure], alt: str) -> str:
    """Writes both pictures, and returns the HTML that shows the one that suits."""
    for theme in THEMES:
        with styled(theme):
            figure = drawn(theme)
            files.write(folder / f"{name}{theme.suffix}.png", png(figure))
    return page.picture(name, alt, round(figure.get_figwidth() * 96))
