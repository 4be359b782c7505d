"""Run work on threads that nobody has to wait for, within a limit of memory.

Those of `concurrent.futures` are joined when the interpreter ends, however long they take.
"""

import contextlib
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, Self, TypeVar

log = logging.getLogger(__name__)


class Crew:
    """Threads that run jobs. They are daemons: a store that stalls must not keep Python alive."""

    def __init__(self, size: int, *, background: bool = False) -> None:
        self._size = size
        self._background = background
        self._threads = 0
        self._busy = 0
        self._over = False
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def submit(self, job: Callable[[], None]) -> None:
        """Have a job done; nothing happens once the others were dropped."""
        with self._changed:
            if self._over:
                return
            self._jobs.append(job)
            if self._threads < min(self._size, self._busy + len(self._jobs)):
                self._threads += 1
                threading.Thread(target=self._work, name="cache", daemon=True).start()
            self._changed.notify_all()

    def wait(self, timeout: float) -> int:
        """Wait until all is done, at most so many seconds; return how many jobs are not."""
        with self._changed:
            self._changed.wait_for(lambda: not self._jobs and not self._busy, timeout)
            return len(self._jobs) + self._busy

    def drop(self) -> None:
        """Begin no other job."""
        with self._changed:
            self._over = True
            self._jobs.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        if self._background:
            _step_back()
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:
                log.exception("a cache")
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._over)
            if not self._jobs:
                return None
            self._busy += 1
            return self._jobs.popleft()


class Room:
    """What many threads may have in memory together."""

    def __init__(self, size: int) -> None:
        """Have room for so many bytes."""
        self._size = size
        self._taken = 0
        self._over = False
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, size: int) -> Iterator[bool]:
        """Wait until there is room for so many bytes, or for one thing that is larger.

        What is given says whether there is: not once it was closed.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._over or not self._taken or self._taken + size <= self._size
            )
            self._taken += size
            over = self._over
        try:
            yield not over
        finally:
            with self._changed:
                self._taken -= size
                self._changed.notify_all()

    def close(self) -> None:
        """Have nobody wait any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()


def _step_back() -> None:
    """Let `go` have the processors first.

    Linux has a niceness for each thread (setpriority(2), "C library/kernel differences").
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


T = TypeVar("T")


class Later(Generic[T]):
    """A value that a thread finds out."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._value: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._find_out, daemon=True)
        self._thread.start()

    def _find_out(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised by whoever wants the value
            self._error = error

    def wait(self) -> T | None:
        """Wait for the value, and return it; None if it is not to be had."""
        self._thread.join()
        return self._value

    def get(self) -> T:
        """Wait for the value, and return it; raise what it raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # it is there now
