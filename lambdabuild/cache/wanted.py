"""Collect executables from the caches until the caller stops waiting."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from lambdabuild.cache.entry import BadEntryError, Header
from lambdabuild.state.artifacts import MODE

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


@dataclass(slots=True)
class Counts:
    """How many executables the caches gave and took in a run."""

    local_hits: int = 0
    remote_hits: int = 0
    misses: int = 0
    stored: int = 0
    """Put into the local cache; what came from the remote one does not count."""
    uploaded: int = 0
    bad: int = 0
    """Entries that were not what had been stored."""


class Wanted(Generic[K]):
    """Executables that somebody waits for, and does not wait for any more once it is closed."""

    def __init__(self, unfit: Callable[[K, str], str | None]) -> None:
        """Wait for what fits: `unfit` says why the file at a path does not."""
        self._unfit = unfit
        self.found: dict[K, Fetched] = {}
        self.is_open = True
        self._lock = threading.Lock()

    def take(
        self,
        item: K,
        place: str,
        header: Header,
        pieces: Iterable[bytes],
        source: Source,
        keep: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Write an executable to its place, if it still is waited for.

        `keep` is called before that with where it is then, once it is known to fit.

        Raises:
            BadEntryError: it is none that could be used.

        """
        part = f"{place}.part"
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(part, "wb") as file:
                for piece in pieces:
                    if not self.is_open:
                        return
                    file.write(piece)
            os.chmod(part, MODE)
            reason = self._unfit(item, part)
            if reason is not None:
                raise BadEntryError(reason)
            keep(part)
            with self._lock:
                if self.is_open:
                    os.replace(part, place)
                    self.found[item] = Fetched(source, header.sha256, header.size)
                    return
        except OSError as error:
            # The build will say so, if it cannot write there either.
            log.info("%s: %s", place, error)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(part)

    def close(self) -> None:
        """Wait no more: nothing is written from now on."""
        with self._lock:
            self.is_open = False
