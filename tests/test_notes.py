"""The notes tell the truth: their commands are run, what they print is compared, and both languages show the same."""

import json
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner

from pipeline.cli import cli
from pipeline.lessons import STATIONS

ROOT = Path(__file__).resolve().parent.parent
NOTES = ROOT / "docs" / "notes"
LANGUAGES = ("en", "zh")
PAGES = sorted(path.stem for path in (NOTES / "en").glob("*.md"))
# What the tests do in their own way: they have an environment, and the fixture `serving`.
ELSEWHERE = ["make setup", ". .venv/bin/activate", "make serve"]
FORMULA = re.compile(r"\$\$[^$]+\$\$|\$[^$\n]+(?:\n[^$\n]+)?\$")
NO_BLOCK = re.compile(r"^ *```(?:.*\n)*? *```$", re.MULTILINE)
CLOSE = 0.05  # of a probability: the network was trained on this machine


def blocks(page: str, language: str = "en") -> list[tuple[str, str]]:
    """What stands behind the three ticks of each block of a page, and its text."""
    text = (NOTES / language / f"{page}.md").read_text()
    found = re.findall(r"^ *```(\S.*)\n((?:.*\n)*?) *```$", text, re.MULTILINE)
    return [(kind, textwrap.dedent(content)) for kind, content in found]


def examples(page: str) -> Iterator[tuple[str, str]]:
    """Each command of a page, and what is shown below it, perhaps nothing."""
    for kind, content in blocks(page):
        if kind == "console":
            yield from re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", content, re.MULTILINE)


EXAMPLES = [(page, command, shown) for page in PAGES for command, shown in examples(page)]
LESSONS = [(command, shown) for _, command, shown in EXAMPLES if command.startswith("pipeline lesson")]
TRAININGS = [(command, shown) for _, command, shown in EXAMPLES if command.startswith("pipeline train")]
QUESTIONS = [(command, shown) for _, command, shown in EXAMPLES if command.startswith("curl ")]


def same(shown: str, printed: str) -> bool:
    """Whether two lines have the same words and numbers; the last digit of a fraction may differ by one, a percentage
    by two: they depend a little on the processor. What is shown may end in “…”.
    """
    if shown.endswith("…"):
        shown = shown[:-1].rstrip()
        printed = " ".join(printed.split()[: len(shown.split())])
    number = re.compile(r"-?\d[\d,]*(?:\.\d+)?%?")
    if number.sub("#", shown).split() != number.sub("#", printed).split():
        return False
    for one, other in zip(number.findall(shown), number.findall(printed), strict=True):
        places = len(one.partition(".")[2].rstrip("%"))
        unit = 2 if one.endswith("%") else 10**-places if places else 0
        if abs(float(one.strip("%").replace(",", "")) - float(other.strip("%").replace(",", ""))) > 1.001 * unit:
            return False
    return True


def is_part(shown: str, printed: str) -> bool:
    """Whether all that is shown was printed, in this order; a line with “…” stands for any number of lines."""
    lines, at = printed.splitlines(), 0
    for piece in re.split(r"^…\n", shown, flags=re.MULTILINE):
        wanted = piece.splitlines()
        ends = range(at, len(lines) - len(wanted) + 1)
        found = [n for n in ends if all(map(same, wanted, lines[n : n + len(wanted)]))]
        if not found:
            return False
        at = found[0] + len(wanted)
    return True


def test_comparison_notices_what_differs() -> None:
    printed = "a\n  1  0.50  97%\nb\nc 3 x\n"
    assert is_part("…\n  1  0.51  96%\n…\nc 3 …\n", printed)
    for wrong in (
        "…\n  2  0.50  97%\n",
        "…\n  1  0.53  97%\n",
        "…\n  1  0.50  91%\n",
        "b\nc 4 …\n",
        "c 3\n",
        "c 3 x\n…\nb\n",
        "d\n",
    ):
        assert not is_part(wrong, printed), wrong


def test_every_station_has_a_page_and_every_page_is_there_twice() -> None:
    assert set(PAGES) == {*STATIONS, "index", "serving"}
    for language in LANGUAGES:
        assert sorted(path.stem for path in (NOTES / language).glob("*.md")) == PAGES
        (listed,) = (text for kind, text in blocks("index", language) if kind == "{toctree}")
        assert [line for line in listed.split() if line in PAGES] == [*STATIONS, "serving"]


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_show_the_same(page: str) -> None:
    """Code, commands, figures, pictures and formulas; only words differ."""

    def shown(language: str) -> tuple[list[tuple[str, str]], list[str], int]:
        text = (NOTES / language / f"{page}.md").read_text()
        found = [(kind, "" if kind.startswith("{picture}") else content) for kind, content in blocks(page, language)]
        formulas = FORMULA.findall(NO_BLOCK.sub("", text))
        display = [re.sub(r"\\text\{[^}]*\}", "", each) for each in formulas if each.startswith("$$")]
        return found, display, len(re.findall(r"^#+ ", text, re.MULTILINE))

    assert shown("en") == shown("zh")


@pytest.mark.parametrize("page", [*STATIONS])
def test_station_has_code_a_command_and_its_picture(page: str) -> None:
    kinds = [kind for kind, _ in blocks(page)]
    assert f"{{picture}} {page}" in kinds
    assert any(kind.startswith("{literalinclude}") for kind in kinds)
    assert any(command == f"pipeline lesson {page}" and shown for _, command, shown in EXAMPLES)


def test_no_command_is_left_out() -> None:
    others = [line for page in PAGES for kind, text in blocks(page) if kind == "sh" for line in text.splitlines()]
    assert others == ELSEWHERE
    assert len(EXAMPLES) == len(LESSONS) + len(TRAININGS) + len(QUESTIONS)
    assert len(QUESTIONS) == 2


@pytest.mark.parametrize(("command", "shown"), LESSONS, ids=[command for command, _ in LESSONS])
def test_lesson_prints_what_is_shown(command: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = CliRunner().invoke(cli, command.split()[1:], catch_exceptions=False).output
    assert is_part(shown, printed), printed


def pipeline(command: str, folder: Path) -> str:
    """What a command of the pipeline prints in a folder."""
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -m {command}'], cwd=folder, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("command", "shown"), TRAININGS, ids=[command[:70] for command, _ in TRAININGS])
def test_training_prints_what_is_shown(command: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    printed = pipeline(command, tmp_path)
    assert is_part(shown, printed), printed


@pytest.mark.slow
def test_service_answers_what_is_shown(
    tmp_path: Path, need: Any, serving: Callable[..., AbstractContextManager[str]]
) -> None:
    need("curl", "shipped models")
    shutil.copytree(ROOT / "models" / "cnn", tmp_path / "models" / "cnn")
    (training,) = (command for page, command, _ in EXAMPLES if page == "serving" and "train" in command)
    pipeline(training, tmp_path)
    with serving(NUMSERVE_STORE=str(tmp_path / "models")) as address:
        for command, shown in QUESTIONS:
            asked = command.replace("localhost:8000", address).replace("curl ", "curl --silent --show-error ")
            done = subprocess.run(["bash", "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
            answer, expected = json.loads(done.stdout), json.loads(shown)
            one, other = answer["predictions"].pop(), expected["predictions"].pop()
            assert answer == expected
            assert (one["filename"], one["label"]) == (other["filename"], other["label"])
            assert abs(one["probability"] - other["probability"]) < CLOSE
            assert one.keys() == other.keys()


class Page(HTMLParser):
    """What a page of the site refers to, and the names that can be referred to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.references: list[str] = []
        self.names: set[str] = set()
        self.tags: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src", "srcset", "action", "data") and value:
                self.references.append(value)
            if name == "id" and value:
                self.names.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notes as `make docs` builds them."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "docs.py", folder], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_site_refers_to_no_other_host_and_to_nothing_that_is_missing(site: Path) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html")}
    assert {path.relative_to(site).as_posix() for path in pages} >= {
        f"{lang}/{page}.html" for lang in LANGUAGES for page in PAGES
    }
    for path, page in pages.items():
        for reference in page.references:
            parts = urlsplit(reference)
            if reference == "http://localhost:8000/":  # the reader's own machine
                continue
            assert parts.scheme + parts.netloc == "", f"{path.name} refers to {reference}"
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path.name} refers to {reference}"
            if parts.fragment and target in pages:
                assert parts.fragment in pages[target].names, f"{path.name} refers to {reference}"
    for style in site.rglob("*.css"):
        loaded = re.findall(r"url\(\s*['\"]?([^)'\"]+)|@import\s+['\"]([^'\"]+)", style.read_text())
        assert [each for pair in loaded for each in pair if each and not each.startswith(("data:", "#"))] == [], style


@pytest.mark.slow
def test_site_has_each_formula_as_mathml_the_code_and_the_pictures(site: Path) -> None:
    for language in LANGUAGES:
        for station in STATIONS:
            path = site / language / f"{station}.html"
            assert {"math", "figure", "pre"} <= Page(path).tags
            source = (NOTES / language / f"{station}.md").read_text()
            assert path.read_text().count("<math ") == len(FORMULA.findall(NO_BLOCK.sub("", source))) > 0
        text = re.sub(r"<[^>]+>", "", (site / language / "perceptron.html").read_text())
        assert "self.w += eta * (t - y) * x" in text
    assert {path.name for path in (site / "pictures").iterdir()} == {
        f"{station}{theme}.png" for station in STATIONS for theme in ("", "-dark")
    }
