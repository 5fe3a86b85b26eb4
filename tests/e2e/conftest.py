"""The real thing: images built from this checkout, containers from the images, a wheel in an environment of its own."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `project` and `browsing`, which the tests here share
from browsing import browsing
from project import Compose


@pytest.fixture(scope="session")
def compose(need: Callable[..., None]) -> Iterator[Compose]:
    """Both images built, the service up and healthy on a volume of its own; nothing but the images is left of it."""
    need("docker", "shipped models")
    client = docker.from_env()
    project = Compose(f"numserve-test-{os.getpid()}", client)
    try:
        project("--profile", "jobs", "build")
        project("up", "--detach", "--wait", "--wait-timeout", "60")
        yield project
    finally:
        project("--profile", "jobs", "down", "--volumes", "--remove-orphans", "--timeout", "5")
        client.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that a container's user may read, which one of tmp_path may not."""
    folder = Path(tempfile.mkdtemp(prefix="numserve-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def new_page(need: Callable[..., None]) -> Iterator[Callable[..., Any]]:
    """new_page(viewport={…}, …): a page of the browser in a profile of its own."""
    need("browser")
    with browsing() as new_page:
        yield new_page


@pytest.fixture
def expect() -> Any:
    """Playwright's, which waits for what it is told to expect."""
    from playwright.sync_api import expect

    return expect
