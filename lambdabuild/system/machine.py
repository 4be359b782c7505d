"""The limits of this machine: processors and memory, as its container restricts them."""

import contextlib
import math
import os
import sys
from pathlib import Path

LEAST_HEAP = 768 * 1024 * 1024
"""Bytes. The largest compile of a typical function takes 650 MB with the collector off; with a
limit below that the collector would run all the time instead of never."""


def processors() -> int:
    """Return how many processors this process may use, by affinity and by cgroup quota."""
    if sys.platform == "linux":
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quotas = [math.ceil(quota) for quota in _cgroup_cpu_quotas()]
    return max(1, min([count, *quotas]))


def memory() -> int:
    """Return how many bytes of memory there are for this process, by machine and by cgroup."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([total, *_cgroup_memory_limits()])


def available_memory() -> int:
    """Return how many bytes can be taken without swapping, as far as the system tells."""
    total = memory()
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return min(total, int(line.split()[1]) * 1024)
    return total


def heap_limit(available: int, total: int, processes: int) -> int | None:
    """Return a GOMEMLIMIT in bytes for each of `processes` and for `go` itself.

    Together they stay within half of the machine and four fifths of what is free. None means
    that this is too little for the collector to stay off.
    """
    limit = min(total // 2, available * 4 // 5) // (processes + 1)
    return limit if limit >= LEAST_HEAP else None


def _cgroups(controller: str) -> list[Path]:
    """Return this process's cgroup directories for a controller, innermost first."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base = Path("/sys/fs/cgroup")
        elif controller in controllers.split(","):
            base = Path("/sys/fs/cgroup", controller)
        else:
            continue
        inner = base / path.lstrip("/")
        # In a container the path may be the host's: then only the mount's own root is there.
        while inner != base:
            found.append(inner)
            inner = inner.parent
        found.append(base)
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _cgroup_memory_limits() -> list[int]:
    limits = []
    for directory in _cgroups("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = _read(directory / name)
            if text.isdigit():
                limits.append(int(text))
    return limits


def _cgroup_cpu_quotas() -> list[float]:
    quotas = []
    for directory in _cgroups("cpu"):
        quota, _, period = _read(directory / "cpu.max").partition(" ")
        if not quota:
            quota = _read(directory / "cpu.cfs_quota_us")
            period = _read(directory / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period):
            quotas.append(int(quota) / int(period))
    return quotas
