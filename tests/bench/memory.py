"""Sample the memory of a process and all its descendants while it runs; Linux only."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench import proc

_INTERVAL = 0.020


@dataclass(slots=True)
class Peak:
    """The largest sum seen so far, in bytes; the sampling thread writes it."""

    memory: int = 0


@contextmanager
def sampled(pid: int) -> Iterator[Peak]:
    """Watch a process tree until the block ends.

    Twenty compilers share the pages of one executable, so the sum is of proportional set sizes.
    What lives between two samples is missed, and reading costs CPU: never time a sampled run.
    """
    peak, done = Peak(), threading.Event()

    def sample() -> None:
        while not done.wait(_INTERVAL):
            peak.memory = max(peak.memory, sum(map(proc.proportional_set_size, proc.tree(pid))))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
