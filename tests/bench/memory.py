"""Sample the memory of a process and all its descendants while it runs; Linux only."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_INTERVAL = 0.020


@dataclass(slots=True)
class Peak:
    """The largest sum seen so far, in bytes; the sampling thread writes it."""

    memory: int = 0


def unavailable() -> str | None:
    """Say why this machine cannot tell, or None where it can."""
    if (_PROC / "self" / "smaps_rollup").exists():
        return None
    return "the memory of a process tree is read from /proc/PID/smaps_rollup, which is not here"


@contextmanager
def sampled(pid: int) -> Iterator[Peak]:
    """Watch a process tree until the block ends.

    Twenty compilers share the pages of one executable, so the sum is of proportional set sizes.
    What lives between two samples is missed, and reading costs CPU: never time a sampled run.
    """
    peak, done = Peak(), threading.Event()

    def sample() -> None:
        while not done.wait(_INTERVAL):
            peak.memory = max(peak.memory, sum(map(_memory, _tree(pid))))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _tree(root: int) -> list[int]:
    """List a process and its descendants, whatever process group they are in."""
    children = defaultdict(list)
    for process in _PROC.glob("[0-9]*"):
        children[_parent(process)].append(int(process.name))
    tree = [root]
    for pid in tree:
        tree.extend(children[pid])
    return tree


def _parent(process: Path) -> int:
    try:
        stat = (process / "stat").read_bytes()
    except OSError:  # it ended since it was listed
        return 0
    # The command's name, in parentheses, may itself hold spaces and parentheses.
    return int(stat.rpartition(b")")[2].split()[1])


def _memory(pid: int) -> int:
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_bytes()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0
