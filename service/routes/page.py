"""GET /: the page to draw on, in the reader's language, and its static files.

    templates/page.html    marks each text with data-word="KEY" (its content) or data-label="KEY" (its accessible name)
    static/en.json, …      the texts of each language, for the page as it is sent and for its scripts

Everything is read once, at the start; together it is small.
"""

import json
import re
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import NamedTuple

from flask import Blueprint, Response, request

from service.errors import NoSuchFile
from service.routes.reply import keep

STATIC = files("service") / "static"
LANGUAGES = ("en", "zh")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MARK = re.compile(r'data-(word|label)="([a-z_]+)"(>?)')


class File(NamedTuple):
    content: bytes
    type: str


def routes() -> Blueprint:
    blueprint = Blueprint("page", __name__)
    static = read_static(STATIC)
    pages = {language: page(language, static) for language in LANGUAGES}

    @blueprint.get("/")
    def index() -> Response:
        """In the language of ?lang=, else the one that the browser likes best."""
        asked = request.args.get("lang", "")
        language = asked if asked in LANGUAGES else request.accept_languages.best_match(LANGUAGES, LANGUAGES[0])
        answer = send(pages[str(language)])
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["Content-Language"] = str(language)
        answer.vary.add("Accept-Language")
        return answer

    @blueprint.get("/static/<file>")
    def static_file(file: str) -> Response:
        if file not in static:
            raise NoSuchFile(f"no file {file[:40]!r} here; the page is made of {', '.join(static)}")
        return send(static[file])

    @blueprint.get("/favicon.ico")
    def icon() -> Response:
        """Browsers ask for it beside pages that name none, such as reports."""
        return send(static["icon.svg"])

    return blueprint


def send(file: File) -> Response:
    """Browsers ask each time whether they have it already, so that no two releases are ever mixed."""
    return keep(Response(file.content, content_type=file.type), request, 0)


def read_static(folder: Traversable) -> dict[str, File]:
    """Every file of the folder, by its name."""
    named = {entry.name: TYPES.get(PurePosixPath(entry.name).suffix) for entry in folder.iterdir()}
    return {name: File((folder / name).read_bytes(), kind) for name, kind in named.items() if kind}


def page(language: str, static: dict[str, File]) -> File:
    """The template with the words of a language in their places."""
    words = json.loads(static[f"{language}.json"].content)

    def place(found: re.Match[str]) -> str:
        text = escape(words[found[2]])
        return f"{found[0]}{text}" if found[1] == "word" else f'aria-label="{text}" title="{text}" {found[0]}'

    html = (files("service") / "templates" / "page.html").read_text("utf-8")
    return File(
        MARK.sub(place, html.replace('lang="en"', f'lang="{language}"', 1)).encode(), "text/html; charset=utf-8"
    )
