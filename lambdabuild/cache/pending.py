"""Collect executables from the caches until the caller stops waiting."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Hashable, Iterable
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from lambdabuild.cache.entry import BadEntryError, Header, checked
from lambdabuild.state.artifacts import MODE
from lambdabuild.system.files import cloned, read_again

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)


class StoreError(Exception):
    """The store cannot be used; the text has the reason in a few words."""


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


class Download(NamedTuple, Generic[K]):
    """An executable to get from the caches."""

    item: K
    key: str
    place: str
    """The absolute path to write it to."""
    name: str
    """For messages."""


class Pending(Generic[K]):
    """The executables that a caller waits for until it is closed."""

    def __init__(self, unfit: Callable[[K, str], str | None]) -> None:
        """`unfit` returns why the file at a path cannot be used."""
        self._unfit = unfit
        self.found: dict[K, Fetched] = {}
        self.is_open = True
        self._lock = threading.Lock()

    def take(
        self,
        download: Download[K],
        header: Header,
        pieces: Iterable[bytes],
        source: Source,
        keep: Callable[[str], None] = lambda _: None,
        *,
        like: int | None = None,
    ) -> None:
        """Write an executable to its place, unless this is closed.

        If it can be used, `keep` is called with its staged path. If the file open as `like` has the
        same content, the new one shares its blocks where the file system can do that; what is
        checked then is the new one.
        """
        part = f"{download.place}.part"
        try:
            os.makedirs(os.path.dirname(part), exist_ok=True)
            shared = like is not None and cloned(like, part)
            with open(part, "r+b" if shared else "wb") as file:
                if shared:
                    pieces = checked(header, read_again(file.fileno()))
                for piece in pieces:
                    if not self.is_open:
                        return
                    if not shared:
                        file.write(piece)
            os.chmod(part, MODE)
            reason = self._unfit(download.item, part)
            if reason is not None:
                raise BadEntryError(reason)
            keep(part)
            with self._lock:
                if self.is_open:
                    os.replace(part, download.place)
                    self.found[download.item] = Fetched(source, header.sha256, header.size)
        except OSError as error:
            # The build reports it, if it cannot write there either.
            log.info("%s: %s", download.place, error)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(part)

    def close(self) -> None:
        """Stop waiting: nothing is written from now on."""
        with self._lock:
            self.is_open = False
