"""What each worker process takes of the machine, from /proc; nothing where there is none."""

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
# Where things stand in /proc/<pid>/stat, counted after the name in brackets.
USER, SYSTEM, THREADS, STARTED, RESIDENT = 11, 12, 17, 19, 21


def figures(pid: int, proc: Path = PROC) -> Iterator[tuple[str, float]]:
    """The name and the value of each figure of a process that lives."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        files = len(os.listdir(proc / str(pid) / "fd"))
        booted = boot_time(proc)
    except OSError:
        return
    ticks = os.sysconf("SC_CLK_TCK")
    yield "numserve_worker_cpu_seconds_total", (int(fields[USER]) + int(fields[SYSTEM])) / ticks
    yield "numserve_worker_resident_memory_bytes", int(fields[RESIDENT]) * os.sysconf("SC_PAGE_SIZE")
    yield "numserve_worker_threads", int(fields[THREADS])
    yield "numserve_worker_open_fds", files
    yield "numserve_worker_start_time_seconds", booted + int(fields[STARTED]) / ticks


def boot_time(proc: Path) -> float:
    """When the machine started, in seconds since 1970."""
    lines = (proc / "stat").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("btime ")))
