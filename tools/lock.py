"""`make lock`: writes requirements/*.txt from pyproject.toml, every version pinned and every file hashed.

    dev.txt        everything, for use and development: what `make setup` installs
    service.txt    what the service needs, and no more: in its image
    browser.txt    what drives a browser in the tests of the page: `make browser` adds it to the environment
    pipeline.txt   what the pipeline needs, and no more: in its image
    build.txt      what builds the wheel

A lock holds for every platform and every Python from 3.11 on, and names no index: pip asks the one that it is set up
for. Without --upgrade, what is pinned already stays, so that a second run changes nothing.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
TOOLS = ROOT / "build" / "lock"  # a virtual environment of its own: uv is needed for nothing else
UV = TOOLS / "bin" / "uv"
DEV = LOCKS / "dev.txt"


def main() -> None:
    if not UV.exists():
        print("lock: installing uv in build/lock", flush=True)
        run(sys.executable, "-m", "venv", "--clear", str(TOOLS))
        run(str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
    upgrade = sys.argv[1:]
    compile_lock("dev", "--all-extras", "--group", "dev", "--group", "docs", "pyproject.toml", *upgrade)
    # The others follow it, so that no version differs between the machine of a developer and an image.
    compile_lock("service", "--extra", "service", "pyproject.toml", "--constraints", str(DEV), *upgrade)
    compile_lock("pipeline", "--extra", "pipeline", "pyproject.toml", "--constraints", str(DEV), *upgrade)
    compile_lock("browser", "--group", "browser", "pyproject.toml", "--constraints", str(DEV), *upgrade)
    with tempfile.NamedTemporaryFile("w", suffix=".in") as file:
        requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
        file.write("\n".join(requires))
        file.flush()
        compile_lock("build", file.name, "--constraints", str(DEV), *upgrade)


def compile_lock(name: str, *arguments: str) -> None:
    """Write requirements/NAME.txt from what the arguments of `uv pip compile` say."""
    target = LOCKS / f"{name}.txt"
    output = ["--universal", "--generate-hashes", "--no-annotate", "--no-header", "--output-file", str(target)]
    run(str(UV), "pip", "compile", "--quiet", "--no-emit-index-url", "--no-emit-find-links", *output, *arguments)
    pinned = sum("==" in line for line in target.read_text().splitlines())
    print(f"lock: {target.relative_to(ROOT)} pins {pinned} releases", flush=True)


def run(*command: str) -> None:
    code = subprocess.run(command, cwd=ROOT).returncode
    if code:
        sys.exit(f"lock stopped: `{' '.join(command)}` ended with {code}; its message is above")


if __name__ == "__main__":
    main()
