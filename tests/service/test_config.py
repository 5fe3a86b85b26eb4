"""Settings: typed, read once, and refused at start when they are unknown or bad. And the cores behind a default."""

import os
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

import service.config
from service.config import Config, settings, variable
from service.cores import usable_cores
from service.errors import ConfigError


def test_defaults() -> None:
    config = Config.from_environment({})
    assert config == Config()
    assert (config.host, config.port, config.store, config.default_model) == ("127.0.0.1", 8000, Path("models"), "cnn")
    assert 1 <= config.workers <= (os.cpu_count() or 1)


def test_environment_and_options() -> None:
    assert Config.from_environment({"NUMSERVE_QUEUE_SECONDS": "2.5"}).queue_seconds == 2.5
    origins = {"NUMSERVE_CORS_ORIGINS": " https://a.org, http://localhost:3000 ,"}
    assert Config.from_environment(origins).cors_origins == "https://a.org,http://localhost:3000"
    environment = {"NUMSERVE_PORT": "9000", "NUMSERVE_STORE": "/srv/models", "NUMSERVE_LOG_LEVEL": "Debug"}
    config = Config.from_environment(environment, {"port": "9001", "host": None})
    assert (config.port, config.store, config.log_level) == (9001, Path("/srv/models"), "debug")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Config().port = 1  # type: ignore[misc]


def test_settings_of_the_pipeline_and_of_others_are_tolerated() -> None:
    Config.from_environment({"NUMSERVE_DATA": "/data", "NUMSERVE_RUNS": "/runs", "NUMSERVER": "x", "PATH": "/bin"})


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("NUMSERVE_PORTS", "80", "did you mean NUMSERVE_PORT?"),
        ("NUMSERVE_FROBNICATE", "1", "known are NUMSERVE_API_KEYS_FILE"),
        ("NUMSERVE_SHARED", "/tmp", "unknown setting"),
        ("NUMSERVE_PORT", "0", "a whole number from 1 to 65535, got '0'"),
        ("NUMSERVE_PORT", "http", "a whole number from 1 to 65535, got 'http'"),
        ("NUMSERVE_PORT", "٨٠", "a whole number"),
        ("NUMSERVE_WORKERS", "0", "a whole number from 1 to 256"),
        ("NUMSERVE_MAX_BODY", "16MB", "a whole number of at least 1024, got '16MB'"),
        ("NUMSERVE_STORE", "", "a value that is not empty"),
        ("NUMSERVE_QUEUE_SECONDS", "-1", "seconds from 0 to 3600, got '-1'"),
        ("NUMSERVE_QUEUE_SECONDS", "nan", "seconds from 0 to 3600"),
        ("NUMSERVE_CORS_ORIGINS", "example.org", "origins such as https://example.org"),
        ("NUMSERVE_CORS_ORIGINS", "*, https://a.org", "* or origins"),
        ("NUMSERVE_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
    ],
)
def test_bad_settings(name: str, value: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_environment({name: value})
    assert name in str(caught.value)
    assert complaint in str(caught.value)
    assert caught.value.exit_code == 2


def test_bad_option_is_named_as_it_was_given() -> None:
    with pytest.raises(ConfigError, match=r"--port: expected a whole number from 1 to 65535, got 'x'"):
        Config.from_environment({}, {"port": "x"})


def test_every_setting_is_documented_with_its_default() -> None:
    rows = [line.split("|")[1:3] for line in (service.config.__doc__ or "").splitlines() if "| NUMSERVE_" in line]
    documented = {name.strip(): default.strip() for name, default in rows}
    defaults = {variable(each.name): str(getattr(Config(), each.name) or "none") for each in settings()}
    assert documented == defaults | {"NUMSERVE_WORKERS": "cores"}


def cgroup(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 4),
        ({"cpu.max": "max 100000\n"}, 4),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu.max": "900000 100000\n"}, 4),
        ({"cpu.max": "rubbish"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "250000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
    ],
)
def test_cores_are_those_of_affinity_and_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], cores: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert usable_cores(cgroup(tmp_path, files)) == cores
