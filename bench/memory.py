"""Sample the memory of a process, or of it and all its descendants; Linux only."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import proc

_INTERVAL = 0.020


@dataclass(slots=True)
class Peak:
    """The most seen so far, in bytes; the sampling thread writes it."""

    memory: int = 0


def of_tree(pid: int) -> int:
    """Return bytes that a process tree holds.

    Twenty compilers share the pages of one executable, so the sum is of proportional set sizes.
    What lives between two samples is missed, and reading costs CPU: never time such a run.
    """
    return sum(map(proc.proportional_set_size, proc.tree(pid)))


@contextmanager
def sampled(pid: int, look: Callable[[int], int]) -> Iterator[Peak]:
    """Look at a process until the block ends."""
    peak, done = Peak(), threading.Event()

    def sample() -> None:
        while not done.wait(_INTERVAL):
            peak.memory = max(peak.memory, look(pid))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
