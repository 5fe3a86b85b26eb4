"""The settings: one frozen dataclass, read once from the environment, refused at start when unknown or bad.

| variable               | default     | meaning                                                                    |
| ---------------------- | ----------- | -------------------------------------------------------------------------- |
| NUMSERVE_STORE         | models      | folder of the published models                                             |
| NUMSERVE_HOST          | 127.0.0.1   | address to listen on; 0.0.0.0 for every interface                          |
| NUMSERVE_PORT          | 8000        | port to listen on                                                          |
| NUMSERVE_WORKERS       | cores       | worker processes; cores are those this process may use (affinity, cgroup)  |
| NUMSERVE_THREADS       | 4           | requests that one worker works on at a time                                |
| NUMSERVE_QUEUE         | 256         | requests that wait in one worker while all its threads work                |
| NUMSERVE_QUEUE_SECONDS | 1.0         | how long one waits at most before it is refused with 503                   |
| NUMSERVE_READ_SECONDS  | 30          | how long a client may take for its headers, and again for its body         |
| NUMSERVE_DRAIN_SECONDS | 1           | how long the service goes on, not ready any more, when it is told to stop  |
| NUMSERVE_DEFAULT_MODEL | cnn         | the model that POST /predict asks                                          |
| NUMSERVE_MAX_BODY      | 16777216    | largest request body, in bytes                                             |
| NUMSERVE_MAX_PIXELS    | 24000000    | largest picture, width × height; a request may hold four such in all       |
| NUMSERVE_MAX_IMAGES    | 256         | most pictures, or rows of numbers, in one request                          |
| NUMSERVE_API_KEYS_FILE | none        | file with one API key a line; then all but health, docs and the page want  |
|                        |             | one                                                                        |
| NUMSERVE_CORS_ORIGINS  | none        | origins whose pages may ask, separated by commas; * for any                |
| NUMSERVE_LOG_LEVEL     | info        | debug, info, warning or error; requests are logged at info                 |

An option of the command line (`--store`, `--host`, `--port`, `--workers`) wins over its variable.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from service.cores import usable_cores
from service.errors import ConfigError
from service.keys import read_keys

PREFIX = "NUMSERVE_"
# Settings of the pipeline, which may share the environment with the service.
FOREIGN = frozenset({"NUMSERVE_DATA", "NUMSERVE_RUNS"})
ORIGIN = re.compile(r"https?://[^\s/,*]+")
LOG_LEVELS = ("debug", "info", "warning", "error")


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A reader of whole numbers from `least` to `most`; it raises ValueError that says what was expected."""
    expected = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least or (most is not None and int(text) > most):
            raise ValueError(expected)
        return int(text)

    return read


def seconds(text: str) -> float:
    """Seconds from 0 to an hour, with decimals or without."""
    try:
        read = float(text)
    except ValueError:
        read = math.nan
    if not 0 <= read <= 3600:
        raise ValueError("seconds from 0 to 3600")
    return read


def named(text: str) -> str:
    """Any text but none at all."""
    if not text.strip():
        raise ValueError("a value that is not empty")
    return text


def folder(text: str) -> Path:
    return Path(named(text))


def keys_file(text: str) -> Path:
    """A file that holds API keys now; later it may change."""
    try:
        keys = read_keys(Path(named(text)))
    except OSError as error:
        raise ValueError(f"a file that can be read ({(error.strerror or 'unknown reason').lower()})") from None
    if not keys:
        raise ValueError("a file with at least one API key, each on a line of its own")
    return Path(text)


def log_level(text: str) -> str:
    if text.lower() not in LOG_LEVELS:
        raise ValueError("one of " + ", ".join(LOG_LEVELS))
    return text.lower()


def origins(text: str) -> str:
    """Nothing, * or origins such as https://example.org, separated by commas; spaces are left out."""
    listed = [each.strip() for each in text.split(",") if each.strip()]
    if listed != ["*"] and not all(ORIGIN.fullmatch(each) for each in listed):
        raise ValueError("* or origins such as https://example.org, separated by commas")
    return ",".join(listed)


def reads(read: Callable[[str], Any]) -> dict[str, Callable[[str], Any]]:
    """What a field of Config knows beside its default: how to read its text."""
    return {"read": read}


@dataclass(frozen=True)
class Config:
    """Every setting of the service, typed and checked. The table above says what each means."""

    store: Path = field(default=Path("models"), metadata=reads(folder))
    host: str = field(default="127.0.0.1", metadata=reads(named))
    port: int = field(default=8000, metadata=reads(whole(1, 65535)))
    workers: int = field(default_factory=usable_cores, metadata=reads(whole(1, 256)))
    threads: int = field(default=4, metadata=reads(whole(1, 256)))
    queue: int = field(default=256, metadata=reads(whole(0, 10_000)))
    queue_seconds: float = field(default=1.0, metadata=reads(seconds))
    read_seconds: int = field(default=30, metadata=reads(whole(1, 3600)))
    drain_seconds: int = field(default=1, metadata=reads(whole(0, 3600)))
    default_model: str = field(default="cnn", metadata=reads(named))
    max_body: int = field(default=16 * 2**20, metadata=reads(whole(1024)))
    max_pixels: int = field(default=24_000_000, metadata=reads(whole(64)))
    max_images: int = field(default=256, metadata=reads(whole(1)))
    api_keys_file: Path | None = field(default=None, metadata=reads(keys_file))
    cors_origins: str = field(default="", metadata=reads(origins))
    log_level: str = field(default="info", metadata=reads(log_level))
    # No setting: the main process makes it (service/shared.py). None is a process that has no other beside it.
    shared: Path | None = None

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, options: Mapping[str, str | None] | None = None
    ) -> "Config":
        """The settings of `environment`, each overruled by the option of the same name where one is given.

        Raises ConfigError for a NUMSERVE_ variable that does not exist and for a value that does not fit.
        """
        refuse_unknown(environment)
        return cls(
            **{
                each.name: read_value(source, text, each.metadata["read"])
                for each in settings()
                for source, text in [find_text(each.name, environment, options or {})]
                if text is not None
            }
        )


def settings() -> "list[Field[Any]]":
    """The fields of Config that can be set."""
    return [each for each in fields(Config) if each.metadata]


def variable(name: str) -> str:
    """The environment variable of a field of Config."""
    return PREFIX + name.upper()


def refuse_unknown(environment: Mapping[str, str]) -> None:
    known = {variable(each.name) for each in settings()}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known | FOREIGN:
            near = get_close_matches(name.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known], n=1)
            hint = f"did you mean {PREFIX}{near[0]}?" if near else "known are " + ", ".join(sorted(known))
            raise ConfigError(f"unknown setting {name}; {hint}")


def find_text(name: str, environment: Mapping[str, str], options: Mapping[str, str | None]) -> tuple[str, str | None]:
    """Where the text of a setting comes from, and the text: None when it is given nowhere."""
    option = options.get(name)
    if option is not None:
        return "--" + name.replace("_", "-"), option
    return variable(name), environment.get(variable(name))


def read_value(source: str, text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise ConfigError(f"{source}: expected {error}, got {text!r}") from None
