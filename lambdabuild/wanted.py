"""Executables that come out of caches, and where they are waited for."""

import contextlib
import logging
import os
import threading
from collections.abc import Hashable
from enum import StrEnum
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from lambdabuild.artifacts import MODE
from lambdabuild.entry import Header

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)


class Source(StrEnum):
    """Where an executable came from."""

    LOCAL = "local"
    REMOTE = "remote"


class Fetched(NamedTuple):
    """An executable that came out of a cache, verified."""

    source: Source
    sha256: str
    size: int
    """Bytes."""


class Wanted(Generic[K]):
    """Executables that somebody waits for, and does not wait for any more once it is closed."""

    def __init__(self) -> None:
        self.found: dict[K, Fetched] = {}
        self.is_open = True
        self._lock = threading.Lock()

    def take(
        self, item: K, place: str, header: Header, content: bytes | bytearray, source: Source
    ) -> None:
        """Write an executable to its place, if it still is waited for."""
        part = f"{place}.part"
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            Path(part).write_bytes(content)
            os.chmod(part, MODE)
            with self._lock:
                if self.is_open:
                    os.replace(part, place)
                    self.found[item] = Fetched(source, header.sha256, header.size)
                    return
        except OSError as error:
            # The build will say so, if it cannot write there either.
            log.info("%s: %s", place, error)
        with contextlib.suppress(OSError):
            os.unlink(part)

    def close(self) -> None:
        """Wait no more: nothing is written from now on."""
        with self._lock:
            self.is_open = False
