"""docs/protocol.md tells the truth: its commands are run in order on the shipped models, their answers compared."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from service.app import create_app
from service.config import Config

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = (ROOT / "docs" / "protocol.md").read_text()
BLOCKS = re.findall(r"```console\n(.+?)```", DOCUMENT, re.DOTALL)
MOVING = {"ns", "last_inference"}


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, serving: Callable[..., AbstractContextManager[str]]
) -> Iterator[tuple[Path, str]]:
    """A folder to run the commands in, and the address of a service with the shipped models and an API key."""
    folder = tmp_path_factory.mktemp("protocol")
    (folder / "docs").symlink_to(ROOT / "docs")
    (folder / "keys").write_text("KEY\n")
    with serving(workers=2, NUMSERVE_API_KEYS_FILE=str(folder / "keys")) as address:
        yield folder, address


def steady(answer: Any) -> Any:
    """What of an answer is the same each time and on every machine."""
    if isinstance(answer, dict):
        return {key: steady(value) for key, value in answer.items() if key not in MOVING}
    if isinstance(answer, list):
        return [steady(each) for each in answer]
    return round(answer, 3) if isinstance(answer, float) else answer


def read(text: str) -> Any:
    """JSON, or else the lines."""
    try:
        return steady(json.loads(text))
    except ValueError:
        return text.split("\n")


def steps(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a block up to one that prints something, and what they print; again, to the end."""
    for commands, printed in re.findall(r"((?:^\$ .+\n)+)((?:^[^$].*\n)*)", block, re.MULTILINE):
        yield re.sub(r"^\$ ", "", commands, flags=re.MULTILINE), printed


def test_commands_give_the_answers_that_are_printed(place: tuple[Path, str], need: Any) -> None:
    need("curl", "shipped models")
    folder, address = place
    for block in BLOCKS:
        for commands, printed in steps(block):
            shell = commands.replace("localhost:8000", address).replace("curl ", "curl -sS -H 'X-API-Key: KEY' ")
            done = subprocess.run(["bash", "-e", "-c", shell], cwd=folder, capture_output=True, text=True)
            assert done.returncode == 0, f"{commands}{done.stderr}"
            assert read(done.stdout) == read(printed), commands


def test_every_route_is_asked(tmp_path: Path) -> None:
    asked = [re.sub(r"\?.*", "", path) for path in re.findall(r"localhost:8000(/v2[^\s|]*)", DOCUMENT)]
    for rule in create_app(Config(store=tmp_path)).url_map.iter_rules():
        pattern = re.sub(r"<\w+>", "[^/]+", rule.rule)
        if rule.rule.startswith("/v2"):
            assert any(re.fullmatch(pattern, path) for path in asked), rule
