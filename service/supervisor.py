"""The main process's part: it forks the workers, puts another in the place of one that dies, and ends them in order."""

import logging
import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

log = logging.getLogger(__name__)
# How long requests under way may take to finish when the service is stopped; Docker kills after 10 seconds.
GRACE_SECONDS = 8.0
LOOK_SECONDS = 0.01
# A worker that dies younger than this is replaced after so long: something may be wrong with all of them.
YOUNG_SECONDS = 1.0
AWAITED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


class Supervisor:
    """Runs `work` in `number` processes. born: those that live, and when each began."""

    def __init__(self, number: int, work: Callable[[], None]) -> None:
        self.number, self.work = number, work
        self.born: dict[int, float] = {}

    def run(self, before_the_end: Callable[[], None]) -> None:
        """Keep the workers running until SIGTERM or Ctrl-C; then call `before_the_end` and end them.

        Signals are held back and taken one by one, so that none comes at a bad moment. They stay so: the process ends
        soon after this.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
        for _ in range(self.number):
            self.fork()
        while signal.sigwait(AWAITED) == signal.SIGCHLD:
            self.replace_the_dead()
        before_the_end()
        self.end()

    def fork(self) -> None:
        process = os.fork()
        if process == 0:
            be_a_worker(self.work)
        self.born[process] = time.monotonic()

    def replace_the_dead(self) -> None:
        for process, status in self.dead():
            age = time.monotonic() - self.born.pop(process)
            log.error("worker %d is dead (%s); another one starts", process, status)
            if age < YOUNG_SECONDS:
                time.sleep(YOUNG_SECONDS)
            self.fork()

    def dead(self) -> list[tuple[int, str]]:
        """Workers that are no more, and how they ended; each is told of once."""
        found = [(process, os.waitpid(process, os.WNOHANG)) for process in self.born]
        return [(process, ending(status)) for process, (ended, status) in found if ended]

    def end(self) -> None:
        """SIGTERM to all, and SIGKILL to those that have not finished in time."""
        self.tell_all(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while self.born and time.monotonic() < deadline:
            for process, _ in self.dead():
                del self.born[process]
            time.sleep(LOOK_SECONDS)
        self.tell_all(signal.SIGKILL)

    def tell_all(self, number: signal.Signals) -> None:
        for process in self.born:
            os.kill(process, number)


def ending(status: int) -> str:
    """How a process ended, in words."""
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def be_a_worker(work: Callable[[], None]) -> NoReturn:
    """Do the work and end, whatever comes of it; never go back to what the main process was about.

    SIGTERM ends it at once until `work` has its own handler. Ctrl-C reaches every process of a terminal, but is the
    main process's affair, which then ends the workers in order.
    """
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGINT})
        work()
        code = 0
    except BaseException:
        log.critical("a worker cannot go on", exc_info=True)
    finally:
        logging.shutdown()
        os._exit(code)
