"""Read what /proc tells of a process and all its descendants; Linux only."""

import os
from collections import defaultdict
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


def unavailable() -> str | None:
    """Say why this machine cannot tell, or None where it can."""
    if (_PROC / "self" / "smaps_rollup").exists():
        return None
    return "what a process tree uses is read from /proc/PID/smaps_rollup, which is not here"


def tree(root: int) -> list[int]:
    """List a process and its descendants, whatever process group they are in."""
    children = defaultdict(list)
    for process in _PROC.glob("[0-9]*"):
        children[_parent(process)].append(int(process.name))
    found = [root]
    for pid in found:
        found.extend(children[pid])
    return found


def _parent(process: Path) -> int:
    fields = _stat(process)
    return int(fields[1]) if fields else 0


def proportional_set_size(pid: int) -> int:
    """Return bytes of memory, each page divided by the number of processes that share it."""
    return _memory(pid, b"Pss:")


def resident_set_size(pid: int) -> int:
    """Return bytes of memory, pages that others share included."""
    return _memory(pid, b"Rss:")


def largest_resident_set_size(pid: int) -> int:
    """Return bytes of the most memory a process ever had, none of its children's.

    The kernel keeps count (VmHWM in proc(5)), so what lives between two looks is not missed. It
    reads one counter: a run that is looked at like this may be timed.
    """
    return _memory(pid, b"VmHWM:", "status")


def _memory(pid: int, name: bytes, file: str = "smaps_rollup") -> int:
    try:
        text = (_PROC / str(pid) / file).read_bytes()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


def cpu(pid: int) -> float:
    """Return CPU seconds, those of children that ended and were waited for included.

    They are counted in ticks of 10 ms, so only a longer time is told with any precision.
    """
    fields = _stat(_PROC / str(pid))
    # utime, stime, cutime, cstime: the 14th to 17th field, and these begin with the third.
    return sum(map(int, fields[11:15])) / _TICKS


def _stat(process: Path) -> list[bytes]:
    try:
        stat = (process / "stat").read_bytes()
    except OSError:  # it ended since it was listed
        return []
    # The command's name, in parentheses, may itself hold spaces and parentheses.
    return stat.rpartition(b")")[2].split()
