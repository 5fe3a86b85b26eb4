"""The two signals that ask to end: at once, but for a training, whose step is waited for."""

import os
import signal
import time

import pytest

from pipeline import interruption
from pipeline.interruption import Interruption


def send(*numbers: int) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)


def send_and_wait(number: int) -> None:
    send(number)
    time.sleep(30)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_outside_of_a_training_they_end_it_at_once(number: int, code: int) -> None:
    asked = Interruption()
    with pytest.raises(KeyboardInterrupt), asked.heard():
        send_and_wait(number)
    assert asked.exit_code == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_in_a_training_they_are_noted(number: int, code: int) -> None:
    asked = Interruption()
    with asked.awaited():
        assert not asked.wanted
        send(number)
        assert asked.wanted
    assert asked.exit_code == code


def test_the_second_does_not_wait() -> None:
    asked = Interruption()
    with pytest.raises(KeyboardInterrupt), asked.awaited():
        send(signal.SIGTERM, signal.SIGINT)


def test_nor_does_it_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "GRACE", 0.05)
    asked = Interruption()
    with pytest.raises(KeyboardInterrupt), asked.awaited():
        send_and_wait(signal.SIGTERM)
    assert asked.exit_code == 143, "whatever woke it"


def test_afterwards_all_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "GRACE", 0.05)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    with Interruption().awaited():
        send(signal.SIGTERM)
    time.sleep(0.1)  # no alarm is left to go off
    assert [signal.getsignal(number) for number in numbers] == before


def test_what_is_ignored_stays_so() -> None:
    """As for a job in the background of a shell, or under nohup."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption().heard():
            send(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
