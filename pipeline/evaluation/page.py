"""Small pieces of HTML. Everything that comes from outside, label names above all, is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template

from pipeline.evaluation.metrics import LabelMetrics

OPEN = 40  # labels, up to which their table stands open


def page(title: str, sections: Iterable[str]) -> str:
    """The whole page, which needs no other host and no script."""
    template = Template(files(__package__).joinpath("report.html").read_text("utf-8"))
    return template.substitute(title=escape(printed(title)), body="\n".join(filter(None, sections)))


def printed(text: object) -> str:
    """As text that UTF-8 can write: the name of a file may hold what it cannot."""
    return str(text).encode("utf-8", "replace").decode()


def section(title: str, about: str, content: str) -> str:
    """A heading, a sentence on what is to be seen, and then that; nothing at all without content."""
    return f"<h2>{escape(title)}</h2>\n<p>{escape(about)}</p>\n{content}" if content else ""


def picture(name: str, alt: str, width: int) -> str:
    """`name`.png, and `name`-dark.png on a dark screen (never on paper); width in CSS pixels."""
    dark = f'<source srcset="{name}-dark.png" media="screen and (prefers-color-scheme: dark)">'
    light = f'<img src="{name}.png" alt="{escape(alt)}" width="{width}">'
    return f"<figure><picture>{dark}{light}</picture></figure>"


def figures(values: Sequence[tuple[str, str]]) -> str:
    """The few numbers that matter, large: (value, what it is)."""
    items = "".join(f"<li><b>{escape(value)}</b><small>{escape(what)}</small></li>" for value, what in values)
    return f'<ul class="figures">{items}</ul>'


def facts(rows: Sequence[tuple[str, object]]) -> str:
    """Two columns: what it is, and what it was."""
    lines = (f"<tr><th>{escape(name)}</th><td>{escape(printed(value))}</td></tr>" for name, value in rows)
    return f'<table class="facts">{"".join(lines)}</table>'


def label_table(labels: Sequence[str], per_label: Sequence[LabelMetrics]) -> str:
    """Precision, recall and F1 of each label, the least found first; folded away when there are many."""
    order = sorted(range(len(labels)), key=lambda at: (per_label[at].recall, at))
    head = "".join(f'<th class="n">{name}</th>' for name in ("examples", "precision", "F1", "found"))
    most = max(1 - of.recall for of in per_label) or 1
    rows = "".join(_label_row(labels[at], per_label[at], most) for at in order)
    table = (
        f'<div class="scroll"><table><thead><tr><th>label</th>{head}<th>missed, beside the worst</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    return table if len(labels) <= OPEN else f"<details><summary>all {len(labels)} labels</summary>{table}</details>"


def _label_row(label: str, of: LabelMetrics, most: float) -> str:
    numbers = (f"{of.support:,}", f"{of.precision:.1%}", f"{of.f1:.1%}", f"{of.recall:.1%}")
    cells = "".join(f'<td class="n">{number}</td>' for number in numbers)
    bar = f'<span class="bar"><i style="width:{(1 - of.recall) / most:.0%}"></i></span>'
    return f"<tr><th>{escape(printed(label))}</th>{cells}<td>{bar}</td></tr>"
