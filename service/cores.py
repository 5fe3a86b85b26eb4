"""How many cores this process may use: those of its affinity, no more than the cgroup's quota gives."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def usable_cores(cgroup: Path = CGROUP) -> int:
    """At least 1. A container held to 1.5 cores of a large host gets 2: a core for the half as well."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, cpu_quota(cgroup))))


def cpu_quota(cgroup: Path) -> float:
    """The quota of CPU time in cores, infinite when there is none; cgroup v2 first, then v1."""
    return min(quota_v2(cgroup), quota_v1(cgroup))


def quota_v2(cgroup: Path) -> float:
    """`cpu.max` holds "max 100000" or "150000 100000": microseconds of CPU time in each period."""
    quota, _, period = read(cgroup / "cpu.max").partition(" ")
    return ratio(quota, period)


def quota_v1(cgroup: Path) -> float:
    """The same in two files; a quota of -1 is none."""
    return ratio(read(cgroup / "cpu" / "cpu.cfs_quota_us"), read(cgroup / "cpu" / "cpu.cfs_period_us"))


def read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def ratio(quota: str, period: str) -> float:
    if not quota.isdigit() or not period.isdigit() or int(period) == 0:
        return math.inf
    return int(quota) / int(period)
