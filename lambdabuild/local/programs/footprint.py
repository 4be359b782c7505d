"""Tell in a moment whether anything that a function is built from changed since it was surveyed."""

import os
import time
from collections.abc import Collection, Iterable

from lambdabuild.state.stamps import DirectoryStamp, FileStamp, Stamps, take_directory, take_file

_SHARE = 5
"""A look that took long is not repeated for this many times as long."""
_LONG = 0.002
"""Seconds of the processor: a thousand files."""


class Footprint:
    """The files and directories of one function, as they were."""

    def __init__(self, stamps: Stamps, paths: Iterable[str], own: Collection[str]) -> None:
        """`paths` are absolute; `own` are those that lambdabuild writes, which do not count."""
        self._own = own
        self._files: dict[str, FileStamp] = {}
        self._directories: dict[str, DirectoryStamp] = {}
        for path in paths:
            if path in stamps.files:
                self._files[path] = stamps.files[path]
            if path in stamps.directories:
                self._directories[path] = stamps.directories[path]
        self._next = 0.0

    def holds(self) -> bool:
        """Return whether all is as it was: a save is noticed before any event tells of it.

        The files of a usual function are looked at each time, in less than 0.1 ms; thousands of them
        not more often than every few milliseconds.
        """
        if self._next and time.monotonic() < self._next:
            return True
        started = time.thread_time()
        holds = all(self._is_as_it_was(path) for path in self._files) and all(
            self._holds_the_same(path) for path in self._directories
        )
        took = time.thread_time() - started
        self._next = time.monotonic() + _SHARE * took if holds and took > _LONG else 0.0
        return holds

    def _is_as_it_was(self, path: str) -> bool:
        stamp = self._files[path]
        try:
            now = os.stat(path)
            if (
                stamp.trusted
                and now.st_mtime_ns == stamp.modified
                and now.st_ctime_ns == stamp.changed
                and now.st_size == stamp.size
                and now.st_ino == stamp.inode
            ):
                return True
        except OSError:
            if not stamp.digest:
                return True
        again = take_file(path, stamp.kind, time.time_ns())
        if again.digest != stamp.digest:
            return False
        self._files[path] = again
        return True

    def _holds_the_same(self, path: str) -> bool:
        stamp = self._directories[path]
        try:
            now = os.stat(path)
            if (
                stamp.trusted
                and now.st_mtime_ns == stamp.modified
                and now.st_ctime_ns == stamp.changed
                and now.st_ino == stamp.inode
            ):
                return True
        except OSError:
            return False
        again = take_directory(path, stamp.level, time.time_ns(), self._own)
        if again.names != stamp.names:
            return False
        self._directories[path] = again
        return True
