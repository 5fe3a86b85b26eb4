"""The workers wait for each other, and outlive their parent by no more than a moment."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from multiprocessing.synchronize import Semaphore
from pathlib import Path

import numpy as np
import pytest

from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training import descent, shards, team
from pipeline.training.checkpoint import Place
from pipeline.training.loop import Training
from pipeline.training.recipe import Recipe
from pipeline.training.team import Arrays, Team

Semaphores = list[list[Semaphore]]
CONTEXT = multiprocessing.get_context("fork")  # no process is made with it, only what they meet with


def semaphores(size: int) -> Semaphores:
    return [[CONTEXT.Semaphore(0), CONTEXT.Semaphore(0)] for _ in range(size)]


def member(rank: int, ring: Semaphores, arrays: Arrays | None = None) -> Team:
    return Team(rank, len(ring), arrays or {}, ring)


def test_one_who_hurries_ahead_is_not_taken_for_one_who_is_late() -> None:
    ring = semaphores(3)
    waiting, hurrying, late = (member(rank, ring) for rank in range(3))
    for semaphore in ring[hurrying.rank]:
        semaphore.release()
        semaphore.release()  # it never has to wait
    hurrying.meet()
    hurrying.meet()
    thread = threading.Thread(target=waiting.meet)
    thread.start()
    thread.join(0.1)
    assert thread.is_alive(), "the late one has not come yet"
    ring[waiting.rank][late.meetings % 2].release()
    thread.join()


class Late:
    """A semaphore that is taken at the `at`th look; it notes every look, as how long it would have slept."""

    def __init__(self, at: int) -> None:
        self.at, self.looks = at, []

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        self.looks.append(timeout if block else 0)
        return len(self.looks) == self.at


def test_one_who_comes_soon_is_not_slept_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "SPIN", 60)
    soon = Late(50)
    Team(0, 2, {}, [[soon, soon], semaphores(1)[0]]).meet()
    assert soon.looks == [0] * 50


def test_one_who_is_late_is_slept_for_and_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "SPIN", 0)
    late, checks = Late(3), []
    Team(0, 2, {}, [[late, late], semaphores(1)[0]], lambda: checks.append(len(late.looks))).meet()
    assert late.looks == [team.PATIENCE] * 3
    assert checks == [1, 2], "after each sleep in which nobody came"


def test_the_validation_waits_for_every_worker() -> None:
    recipe = Recipe("INPUT 4 -> FC 2 softmax")
    X, labels = np.ones((300, 4), np.float32), np.ones(300, int)
    arrays = {"X": X, "labels": labels, "learn": np.arange(300), "look": np.arange(300)}
    arrays["look_Y"] = np.full((300, 2), np.nan, np.float32)
    network = Network(parse(recipe.architecture))
    arrays |= descent.state(network, recipe) | shards.meeting_place(network, 300, recipe)
    ring = semaphores(2)
    first, slow = (
        Training(member(rank, ring, arrays), Network(parse(recipe.architecture)), recipe, Place()) for rank in (0, 1)
    )
    thread = threading.Timer(0.1, slow.validate)
    thread.start()
    assert np.isfinite(first.validate()["validation_loss"])
    thread.join()


TRAIN = """
import multiprocessing
import numpy as np
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.loop import Watcher, fit
from pipeline.training.recipe import Recipe

class Tell(Watcher):
    def stepped(self, progress, checkpoint):
        if progress.step == 0:
            print(*[child.pid for child in multiprocessing.active_children()], flush=True)

if __name__ == "__main__":
    X, labels = np.zeros((256, 9), np.float32), np.zeros(256, int)
    data = {"X": X, "labels": labels, "learn": np.arange(256), "look": np.arange(0)}
    recipe = Recipe("INPUT 9 -> FC 3 softmax", epochs=1_000_000)
    fit(Network(parse(recipe.architecture)), (9,), data, recipe, 3, [Tell()])
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.timeout(60)
def test_the_workers_of_a_parent_that_is_killed_end(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAIN)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(workers) == 2
    while any(map(alive, workers)):  # the test's own timeout ends this, if they never do
        time.sleep(0.05)
