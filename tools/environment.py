"""`make setup`: the virtual environment .venv, with everything for use and development.

Runs on the bare Python of a fresh machine, from 3.6 on, so that one that is too old is told so. The environment has a
stamp of what it was made from, written last: without the stamp it is half of one and is made anew, with another stamp
it is brought up to date, with the same one there is nothing to do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".done"
LOCK = ROOT / "requirements" / "dev.txt"


def main() -> None:
    check_python()
    place, content = stamp()
    found = STAMP.read_text().splitlines() if STAMP.is_file() else []
    if found == [place, content] and PYTHON.exists():
        return
    # Scripts and the editable install carry the place and the Python with them: elsewhere, the folder is of no use.
    if found[:1] != [place] or not PYTHON.exists():
        make()
    STAMP.unlink(missing_ok=True)
    install()
    STAMP.write_text(f"{place}\n{content}\n")
    say("ready: .venv/bin has python, pipeline and service")


def check_python() -> None:
    """Ends with a way out unless this Python is new enough and can make virtual environments."""
    if sys.version_info < OLDEST:
        newer = [name for name in (f"python3.{minor}" for minor in range(11, 20)) if shutil.which(name)]
        way_out = f"there is a {newer[-1]} here: make setup PYTHON={newer[-1]}" if newer else "install one"
        sys.exit(f"numserve needs Python 3.11 or newer, {sys.executable} is {version()}; {way_out}")
    missing = [module for module in ("venv", "ensurepip") if find_spec(module) is None]
    if missing:
        sys.exit(
            f"numserve needs Python with venv, {sys.executable} has no {missing[0]}; "
            f"on Debian and Ubuntu: apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        )


def version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def stamp() -> tuple:
    """Two lines: where and with which Python; from which content."""
    inputs = LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return f"{VENV} {version()} {sys.base_prefix}", hashlib.sha256(inputs).hexdigest()


def base_python() -> str:
    """The Python itself, also when this one is of a virtual environment, perhaps of the very one to be replaced."""
    return getattr(sys, "_base_executable", None) or sys.executable


def make() -> None:
    if VENV.exists():
        say("removing .venv: half made, or made elsewhere or with another Python")
        shutil.rmtree(VENV)
    say(f"making .venv with Python {version()}")
    run(base_python(), "-m", "venv", str(VENV))


def install() -> None:
    say(f"installing the locked requirements ({LOCK.relative_to(ROOT)}); the first time, they are downloaded")
    pip("--require-hashes", "-r", str(LOCK))
    say("installing numserve itself, editable")
    pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def pip(*arguments: str) -> None:
    run(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)


def run(*command: str) -> None:
    code = subprocess.run(command, cwd=ROOT).returncode
    if code:
        sys.exit(f"setup stopped: `{' '.join(command)}` ended with {code}; its message is above")


def say(what: str) -> None:
    print("setup:", what, flush=True)


if __name__ == "__main__":
    os.umask(0o022)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; `make setup` starts afresh")
