"""`service` never imports `pipeline`, nor the other way round: they meet in models/, and nowhere else."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imported(package: str) -> Iterator[tuple[Path, str]]:
    """Every top-level name that a module of the package imports, wherever in it."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield path, node.module.split(".")[0]


@pytest.mark.parametrize(("package", "other"), [("service", "pipeline"), ("pipeline", "service")])
def test_neither_imports_the_other(package: str, other: str) -> None:
    found = list(imported(package))
    assert found
    assert [path for path, name in found if name == other] == []


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("service.app", ["pipeline", "onnx", "sklearn", "matplotlib", "rich", "pooch", "scipy"]),
        ("pipeline.__main__", ["service", "flask", "uvloop", "prometheus_client"]),
    ],
)
def test_each_runs_without_what_only_the_other_needs(module: str, unwanted: list[str]) -> None:
    script = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(unwanted) & set(loaded.stdout.split()) == set()
