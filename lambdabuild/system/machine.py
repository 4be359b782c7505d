"""The limits of this machine: processors and memory, as its container restricts them."""

import math
import os
import re
import sys
from pathlib import Path

LEAST_HEAP = 768 * 1024 * 1024
"""Bytes. The largest compile of a typical function takes 650 MB with the collector off; with a
limit below that the collector would run all the time instead of never."""


def processors() -> int:
    """Return how many processors this process may use, by affinity and by cgroup quota."""
    count = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min([count, *map(math.ceil, _cgroup_cpu_quotas())]))


def memory() -> int:
    """Return how many bytes of memory this process may use, by machine and by cgroup."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([total, *_cgroup_memory_limits()])


def available_memory() -> int:
    """Return how many bytes can be allocated without swapping, or else all there are."""
    available = re.search(r"(?m)^MemAvailable: *(\d+) kB", _read(Path("/proc/meminfo")))
    return min([memory(), *([int(available[1]) * 1024] if available else [])])


def heap_limit(available: int, total: int, processes: int) -> int | None:
    """Return a GOMEMLIMIT in bytes for each of `processes` and for `go` itself.

    Together they stay within half of the machine and four fifths of what is free. None means
    that this is too little for the collector to stay off.
    """
    limit = min(total // 2, available * 4 // 5) // (processes + 1)
    return limit if limit >= LEAST_HEAP else None


def _cgroups(controller: str) -> list[Path]:
    """Return this process's cgroup directories for a controller, innermost first."""
    found = []
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        # Version 2 has one hierarchy, which names no controller.
        if controllers and controller not in controllers.split(","):
            continue
        base = Path("/sys/fs/cgroup", controller if controllers else "")
        inner = base / path.lstrip("/")
        # In a container the path may be the host's: then only the mount's own root is there.
        while inner != base:
            found.append(inner)
            inner = inner.parent
        found.append(base)
    return found


def _read(path: Path) -> str:
    """Return the text of a file of the kernel; "" where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _cgroup_memory_limits() -> list[int]:
    texts = [
        _read(directory / name)
        for directory in _cgroups("memory")
        for name in ("memory.max", "memory.limit_in_bytes")
    ]
    return [int(text) for text in texts if text.isdigit()]


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
