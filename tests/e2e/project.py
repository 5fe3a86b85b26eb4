"""What drives the real thing: commands, the project of docker-compose.yml, and patience."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import docker
import requests
from docker.models.containers import Container

ROOT = Path(__file__).resolve().parent.parent.parent
Found = TypeVar("Found")


def without_settings() -> dict[str, str]:
    """The environment without anybody's settings of numserve."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NUMSERVE_")}


def run(*command: str | Path, **options: Any) -> str:
    """What the command prints; a failure shows all of it."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=1200, **options)
    assert done.returncode == 0, (
        f"{command} ended with {done.returncode}:\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    )
    return done.stdout


def eventually(look: Callable[[], Found | None], seconds: float = 15) -> Found:
    """What `look` finds, as soon as it finds something; AssertionError when there is nothing for so long."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = look()
        except requests.RequestException:
            found = None
        if found:
            return found
        assert time.monotonic() < end, f"still nothing after {seconds} s"
        time.sleep(0.2)


@dataclass(frozen=True)
class Compose:
    """The project of docker-compose.yml under a name of its own, on a free port."""

    name: str
    client: docker.DockerClient

    def __call__(self, *arguments: str | Path) -> str:
        """docker compose …"""
        # Port 0: the engine chooses a free one.
        return run(
            *("docker", "compose", "--progress=plain", "--project-name", self.name, *arguments),
            cwd=ROOT,
            env=without_settings() | {"NUMSERVE_PORT": "127.0.0.1:0"},
        )

    def job(self, *arguments: str, volume: str = "") -> str:
        """docker compose run --rm pipeline …"""
        return self("run", "--rm", "-T", *(["--volume", volume] if volume else []), "pipeline", *arguments)

    def job_python(self, code: str) -> str:
        """What Python prints in a container of the pipeline."""
        return self("run", "--rm", "-T", "--entrypoint", "python", "pipeline", "-c", code)

    def python(self, code: str) -> str:
        """What Python prints inside the service's container."""
        return self("exec", "-T", "service", "python", "-c", code)

    @property
    def container(self) -> Container:
        """That of the service."""
        labels = [f"com.docker.compose.project={self.name}", "com.docker.compose.service=service"]
        (found,) = self.client.containers.list(all=True, filters={"label": labels})
        return found

    @property
    def address(self) -> str:
        """Where the service's port is published; another one after every start."""
        return "http://" + self("port", "service", "8000").strip()

    def predict(self, picture: bytes, model: str = "cnn") -> dict[str, Any]:
        answer = requests.post(f"{self.address}/predict/{model}", data=picture, timeout=30)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def version(self, model: str) -> int | None:
        """The version that is served, None when there is none."""
        listed = requests.get(f"{self.address}/models", timeout=30).json()["models"]
        return next((each["version"] for each in listed if each["name"] == model), None)


def ready(address: str) -> bool:
    """Whether the service there says that it is."""
    return requests.get(f"{address}/readyz", timeout=5).status_code == 200
