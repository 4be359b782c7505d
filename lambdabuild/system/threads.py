"""Run work on daemon threads, within a limit of memory.

Python waits for those of `concurrent.futures` when it exits, however long they take.
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
    """Run jobs on daemon threads: a store that stalls must not keep Python alive."""

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
        """Queue a job; after `drop`, ignore it."""
        with self._changed:
            if self._over:
                return
            self._jobs.append(job)
            if self._threads < min(self._size, self._busy + len(self._jobs)):
                self._threads += 1
                threading.Thread(target=self._work, name="cache", daemon=True).start()
            self._changed.notify_all()

    def wait(self, timeout: float) -> int:
        """Wait at most so many seconds for all jobs, and return how many are not done."""
        with self._changed:
            self._changed.wait_for(lambda: not self._jobs and not self._busy, timeout)
            return len(self._jobs) + self._busy

    def drop(self) -> None:
        """Start no more jobs."""
        with self._changed:
            self._over = True
            self._jobs.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        if self._background and sys.platform == "linux":
            # Let `go` have the processors first. Linux has a niceness for each thread
            # (setpriority(2), "C library/kernel differences").
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._over)
                if not self._jobs:
                    return
                self._busy += 1
                job = self._jobs.popleft()
            try:
                job()
            except Exception:
                log.exception("a cache")
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()


class Room:
    """Limit how many bytes threads have in memory together."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._over = False
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, size: int) -> Iterator[bool]:
        """Wait for room for so many bytes, or to be alone; yield False once it was closed."""
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
        """Let nobody wait any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()


T = TypeVar("T")


class Later(Generic[T]):
    """A value that a thread computes."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._value: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - `get` raises it
            self._error = error

    def wait(self) -> T | None:
        """Wait for the value and return it; None if computing it failed."""
        self._thread.join()
        return self._value

    def get(self) -> T:
        """Wait for the value and return it, or raise the error of computing it."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # it is there now
