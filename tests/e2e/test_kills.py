"""SIGKILL, twenty times: the whole of it is benchmarks/kills.py."""

import sys

import pytest
from project import ROOT, run

pytestmark = pytest.mark.slow


def test_a_training_that_is_killed_again_and_again_loses_not_a_bit() -> None:
    said = run(sys.executable, ROOT / "benchmarks" / "kills.py", "--kills", "20")
    assert "killed 20 times" in said
    assert "the same files, byte for byte" in said
    for victim in ("parent", "worker", "writer of a checkpoint"):
        assert f"times the {victim}" in said
