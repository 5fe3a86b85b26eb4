"""The README tells the truth: its commands are run, its answers compared, its tables held against the code."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import cli
from service.app import create_app
from service.config import Config, settings, variable

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```console\n\$ (.+)\n(\{(?:.+\n)+?)```", README)  # commands that have an answer below them
CLOSE = 2e-3  # of a probability: kernels differ a little from processor to processor


@pytest.fixture(scope="module")
def address(serving: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    """The service with the shipped models, as `make serve` runs it."""
    with serving() as address:
        yield address


def steady(answer: Any) -> Any:
    """What of an answer is the same on every machine: without milliseconds and labels that hardly have a chance."""
    if isinstance(answer, dict):
        return {key: steady(value) for key, value in answer.items() if key != "milliseconds"}
    if isinstance(answer, list):
        return [steady(each) for each in answer if "error" in each or each["probability"] > CLOSE]
    return round(answer, 2) if isinstance(answer, float) else answer


def test_readme_has_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize(("command", "expected"), EXAMPLES, ids=[command[:60] for command, _ in EXAMPLES])
def test_example_gives_the_answer_that_is_printed(command: str, expected: str, address: str, need: Any) -> None:
    need("curl")
    shell = command.replace("localhost:8000", address).replace("curl ", "curl --silent --show-error ")
    done = subprocess.run(["bash", "-c", shell], cwd=ROOT, capture_output=True, text=True, check=True)
    assert steady(json.loads(done.stdout)) == steady(json.loads(expected))


def table(heading: str) -> list[list[str]]:
    """The cells of the table whose first column has this heading."""
    found = re.search(rf"^\| {heading} \|.*\n\|[-| :]+\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert found, f"the README has no table of {heading}"
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found[1].splitlines()]


def test_commands_are_all_there() -> None:
    listed = [shlex.split(row[0].strip("| `"))[1] for row in table("command")]
    assert sorted(listed) == sorted(cli.commands)


def test_settings_are_all_there_with_their_defaults() -> None:
    defaults = {row[0].strip("| `"): row[1].strip("` ") for row in table("setting")}
    assert set(defaults) == {variable(field.name) for field in settings()}
    config = Config.from_environment({})
    for name in ("store", "host", "port", "threads", "default_model", "max_body", "max_pixels", "max_images"):
        assert defaults[variable(name)].replace(",", "") == str(getattr(config, name))


def test_endpoints_are_all_there(tmp_path: Path) -> None:
    listed = set(re.findall(r"`(?:GET|POST) (/[^`]*)`", README))
    routes = {
        re.sub(r"<(?:\w+:)?\w+>", "<>", str(rule)) for rule in create_app(Config(store=tmp_path)).url_map.iter_rules()
    }
    assert {re.sub(r"<\w+>", "<>", path) for path in listed} == routes


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "models" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_figures_of_the_shipped_models() -> None:
    """Accuracies in the README are those of the manifests."""
    for name in ("fnn", "cnn"):
        newest = max((ROOT / "models" / name).glob("[0-9]*"), key=lambda path: int(path.name))
        manifest = json.loads((newest / "manifest.json").read_text())
        assert f"{manifest['metrics']['accuracy']:.2%}" in README
        assert f"{manifest['parameters']:,}" in README
