"""The rules of the house, where a machine can tell whether they are kept."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("pipeline", "service")
LOCKS = ("browser", "build", "dev", "pipeline", "service")
LARGEST_FILE = 6_000_000  # bytes: the FNN has 1.3 million parameters
# Put together, so that this file names none of them.
INDEX_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
    )
]


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository, those that are new to it included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(path for name in names if name and (path := ROOT / name).is_file())


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def pins(lock: str) -> list[str]:
    """The entries of a lock, each with its hashes."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pinned(lock: str) -> dict[str, set[str]]:
    """The versions of each project in a lock: two where they differ by Python."""
    found: dict[str, set[str]] = {}
    for entry in pins(lock):
        name, version = entry.split()[0].split("==")
        found.setdefault(name, set()).add(version)
    return found


def wanted(lock: str) -> set[str]:
    """What pyproject.toml asks for by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras, build = project["project"]["optional-dependencies"], project["build-system"]["requires"]
    groups = project["dependency-groups"]
    everything = [*extras["pipeline"], *extras["service"], *groups["dev"], *groups["docs"]]
    asked = {"browser": groups["browser"], "build": build, "dev": everything, **extras}[lock]
    return {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in asked}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_pickle(package: str) -> None:
    picklers = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for path in modules(package):
        assert not picklers & {name.split(".")[0] for name in imported(path)}, path
        assert not re.search(r"allow_pickle\s*=\s*True", path.read_text()), path


@pytest.mark.parametrize("package", PACKAGES)
def test_onnxruntime_s_telemetry_is_off_before_it_can_be_imported(package: str) -> None:
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    assert 'os.environ["ORT_DISABLE_TELEMETRY"] = "1"' in [ast.unparse(node).replace("'", '"') for node in tree.body]
    assert not any(name.startswith("onnxruntime") for name in imported(ROOT / package / "__init__.py"))


def test_nobody_else_imports_onnxruntime_with_its_telemetry_on() -> None:
    """Beside the packages, and the tests, for which conftest.py does it, a file that imports it says so itself."""
    silent = 'os.environ["ORT_DISABLE_TELEMETRY"] = "1"'
    others = [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] not in PACKAGES]
    importing = [path for path in others if any(name.split(".")[0] == "onnxruntime" for name in imported(path))]
    assert importing
    assert silent in (ROOT / "tests" / "conftest.py").read_text()
    for path in importing:
        said, _, _ = path.read_text().partition("import onnxruntime")
        assert path.is_relative_to(ROOT / "tests") or silent in said, path


def test_no_file_names_an_index_host() -> None:
    naming = re.compile("|".join(map(re.escape, INDEX_HOSTS)).encode())
    assert [str(path.relative_to(ROOT)) for path in tracked() if naming.search(path.read_bytes())] == []


def test_no_file_is_large() -> None:
    assert [str(path.relative_to(ROOT)) for path in tracked() if path.stat().st_size > LARGEST_FILE] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_release_in_a_lock_has_hashes(lock: str) -> None:
    assert pins(lock)
    for entry in pins(lock):
        assert re.fullmatch(r"[\w.-]+==\S+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", entry), entry[:100]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_what_pyproject_asks_for_in_the_versions_of_development(lock: str) -> None:
    assert wanted(lock) <= set(pinned(lock)), "make lock writes it anew"
    # What drives a browser is added to the environment of development, and is not a part of it.
    known = pinned("browser") | pinned("dev") if lock == "browser" else pinned("dev")
    assert {name: versions for name, versions in pinned(lock).items() if versions != known.get(name)} == {}


def test_locks_of_the_images_keep_the_halves_apart() -> None:
    assert not {"flask", "uvloop", "werkzeug"} & set(pinned("pipeline"))
    assert not {"onnx", "scikit-learn", "scipy", "matplotlib", "rich", "pooch"} & set(pinned("service"))


def test_dockerfile_builds_on_any_engine() -> None:
    """No frontend and no digest that only a registry could answer for, and one base image for all stages."""
    text = (ROOT / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert set(bases) == {"python:3.13-slim", "scratch"}
    assert not re.search(r"^#\s*syntax\s*=", text, re.MULTILINE | re.IGNORECASE)
    assert "sha256:" not in text
    assert {"service", "pipeline"} <= set(re.findall(r"^FROM \S+ AS (\S+)", text, re.MULTILINE))
