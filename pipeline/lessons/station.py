"""What a station is made of, and how it is told."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from matplotlib.figure import Figure

from pipeline import files
from pipeline.evaluation.theme import THEMES, Theme, png, styled


@dataclass(frozen=True)
class Picture:
    """A picture of a station: `draw` makes it in a theme, light or dark."""

    name: str
    draw: Callable[[Theme], Figure]


Lesson = Iterator[str | Picture]


def tell(station: str, folder: Path) -> Iterator[str]:
    """The paragraphs of a station, one after the other; its pictures are left in `folder`, as NAME.png (NAME-dark.png
    for dark pages).
    """
    lesson: Lesson = import_module(f"pipeline.lessons.{station}").lesson()
    for part in lesson:
        yield part if isinstance(part, str) else _save(part, folder)


def _save(picture: Picture, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for theme in THEMES:
        with styled(theme):
            content = png(picture.draw(theme))
        files.write(folder / f"{picture.name}{theme.suffix}.png", content)
    return f"picture: {folder / picture.name}.png"


def columns(head: Sequence[object], *rows: Sequence[object]) -> str:
    """A small table as plain text: the first column to the left, the others to the right."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  " + "  ".join(f"{cell:{'<' if at == 0 else '>'}{widths[at]}}" for at, cell in enumerate(line)).rstrip()
        for line in lines
    )
