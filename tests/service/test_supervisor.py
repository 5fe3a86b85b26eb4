"""The main process and its workers, where no service is needed to see them."""

import json
import subprocess
import sys
from pathlib import Path

FAILS = """
from service.jsonlog import Writer
from service.server import set_up_logging
from service.supervisor import be_a_worker

def work():
    set_up_logging("info", Writer())
    raise RuntimeError("no store")

be_a_worker(work)
print("never")
"""
DIE_YOUNG = """
import os, signal, sys, time
from service.supervisor import Supervisor

started = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def work():
    os.write(started, b"x")
    os._exit(3)

if os.fork() == 0:
    time.sleep(2.5)
    os.kill(os.getppid(), signal.SIGTERM)
    os._exit(0)
Supervisor(1, work).run(lambda: print("draining", flush=True))
"""


def run(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)


def test_a_worker_that_cannot_go_on_says_why() -> None:
    ended = run(FAILS)
    (line,) = ended.stdout.splitlines()
    assert ended.returncode == 1
    assert json.loads(line)["message"] == "a worker cannot go on"
    assert json.loads(line)["traceback"].endswith("RuntimeError: no store")


def test_workers_that_die_young_are_replaced_slowly_and_sigterm_still_ends_it_all(tmp_path: Path) -> None:
    ended = run(DIE_YOUNG, str(tmp_path / "started"))
    assert (ended.returncode, ended.stdout) == (0, "draining\n")
    assert "is dead (exit code 3); another one starts" in ended.stderr
    assert (tmp_path / "started").stat().st_size in (3, 4)
