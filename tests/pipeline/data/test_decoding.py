"""Decoding: in the order of the files, whoever does it, and nobody is left over."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import decoding
from pipeline.data.decoding import decoded
from pipeline.data.pictures import decode
from pipeline.errors import DataError
from pipeline.export.preprocessing import preprocessing, preprocessor

SHRINK = preprocessor(preprocessing("photo", (1, 4, 4)).SerializeToString())


def files(folder):
    return sorted(folder.rglob("*.png"))


@pytest.mark.parametrize("patience", [60, 0], ids=["here", "in processes"])
def test_the_order_is_that_of_the_files(tmp_path, pictures, monkeypatch, patience):
    monkeypatch.setattr(decoding, "PATIENCE", patience)
    monkeypatch.setattr(decoding, "_cores", lambda: 2)
    paths = files(pictures(tmp_path, {"a": 9, "b": 4}))
    paths[3].write_text("no")
    parts = list(decoded(paths, SHRINK))
    assert sum(part.count for part in parts) == 13
    assert [len(part.results) for part in parts] == [1] * 3 + [0] + [1] * 9
    expected = [SHRINK(decode(path)) for at, path in enumerate(paths) if at != 3]
    np.testing.assert_array_equal(np.concatenate([part.results for part in parts if len(part.results)]), expected)
    assert parts[3].problems[0].startswith(f"{paths[3]}: expected a whole PNG")


def test_a_part_knows_which_of_its_files_can_be_read(tmp_path, pictures):
    paths = files(pictures(tmp_path, {"a": 5}))
    paths[1].write_text("no")
    paths[4].write_text("no")
    part = decoding._part(paths, SHRINK)
    assert part.read.tolist() == [0, 2, 3]
    assert len(part.results) == 3
    assert list(part.problems) == [1, 4]


def test_one_core_needs_no_processes(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(decoding, "PATIENCE", 0)
    monkeypatch.setattr(decoding, "_cores", lambda: 1)
    monkeypatch.setattr(decoding, "ProcessPoolExecutor", None)
    assert len(list(decoded(files(pictures(tmp_path, {"a": 3})), SHRINK))) == 3


def children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()]


def is_decoding(pid: int) -> bool:
    """Whether this is a process of the pool: multiprocessing has one more, which outlives it."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def test_a_process_that_is_killed_is_an_error(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(decoding, "PATIENCE", 0)
    monkeypatch.setattr(decoding, "_cores", lambda: 2)
    parts = decoded(files(pictures(tmp_path, {"a": 30})), SHRINK)
    next(parts)
    for pid in filter(is_decoding, children()):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(DataError, match="was ended from outside, often for want of memory: make room"):
        list(parts)
    assert not list(filter(is_decoding, children()))


SCRIPT = """
import os, sys, time
from pathlib import Path
from pipeline.data import decoding
from pipeline.export.preprocessing import preprocessing, preprocessor

if __name__ == "__main__":
    decoding.PATIENCE = 0
    shrink = preprocessor(preprocessing("photo", (1, 4, 4)).SerializeToString())
    for part in decoding.decoded(sorted(Path(sys.argv[1]).rglob("*.png")), shrink):
        print(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(), flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_processes_end_with_the_one_that_wanted_them(tmp_path, pictures, sign):
    pictures(tmp_path, {"a": 30})
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, tmp_path / "script.py", tmp_path]
    environment = {**os.environ, "PYTHONPATH": str(Path(decoding.__file__).parents[2])}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        pids = [pid for pid in map(int, process.stdout.readline().split()) if is_decoding(pid)]
        assert pids
        if sign == signal.SIGINT:
            os.killpg(process.pid, sign)  # as a terminal does
        else:
            process.kill()
        _, err = process.communicate(timeout=60)
    assert "SpawnProcess" not in err, "none of them says anything"
    for _ in range(200):
        if not any(map(is_decoding, pids)):
            return
        time.sleep(0.05)
    pytest.fail(f"still running: {pids}")
