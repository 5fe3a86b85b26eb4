"""How Sphinx makes the notes: `make docs`, or `tools/docs.py`, which says for which language.

Nothing in the pages comes from another host, and nothing needs to be computed by the reader's browser: formulas are
MathML, set while the pages are built.
"""

from html import escape
from typing import Any, ClassVar

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

LANGUAGES = {"en": "English", "zh": "中文"}

project = "numserve"
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
highlight_language = "python"
html_math_renderer = "mathml"
html_theme = "furo"
html_title = "numserve"
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "languages.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_theme_options = {"top_of_page_buttons": []}
html_context = {"languages": LANGUAGES}
html_static_path = ["static"]
html_css_files = ["notes.css"]
templates_path = ["templates"]
html_copy_source = html_show_sourcelink = html_use_index = html_show_copyright = False
# One font for all that Chinese needs is larger than the site: the reader's own are taken.
pygments_style, pygments_dark_style = "friendly", "native"


def inline(self: HTML5Translator, node: nodes.math) -> None:
    """A formula within a line."""
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def display(self: HTML5Translator, node: nodes.math_block) -> None:
    """A formula that has its own line."""
    self.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


class Picture(SphinxDirective):
    """`{picture} NAME`: what a lesson drew, light or dark as the page is; the content says what is to be seen."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """The picture and, below it, the words, which are its alternative text as well."""
        name, words = self.arguments[0], " ".join(self.content)
        images = "".join(
            f'<img class="only-{theme}" src="../pictures/{name}{suffix}.png" alt="{escape(words)}">'
            for theme, suffix in (("light", ""), ("dark", "-dark"))
        )
        return [nodes.raw("", f"<figure>{images}<figcaption>{escape(words)}</figcaption></figure>", format="html")]


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    app.add_directive("picture", Picture)
