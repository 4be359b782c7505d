"""Move executables in and out of the caches, while the build runs.

A cache that fails costs a warning, a build, and hardly more time than a request or a build takes.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from lambdabuild.cache.entry import MOST, BadEntryError, Header, from_object, seal, to_object
from lambdabuild.cache.local import LocalCache
from lambdabuild.cache.pending import Download, Fetched, Pending, Source, StoreError
from lambdabuild.core.result import Activity, Span
from lambdabuild.system.files import pieces
from lambdabuild.system.machine import processors
from lambdabuild.system.threads import Crew, Room
from lambdabuild.system.timeline import Timeline

if TYPE_CHECKING:
    from lambdabuild.cache.remote import RemoteStore

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
Warn = Callable[[str, str | None], None]
"""Takes a message and a hint, in the thread that calls `fetch` or `close`."""

_WORTH = 0.5
"""Seconds that an executable from a store may take, about as long as building it."""
_ANSWERED = 0.02
"""Seconds that a miss may take."""
_PATIENCE = 10.0
"""Seconds for the local cache at the end of a run."""
_LAST = 0.2
"""Seconds for uploads and writes of a cancelled run."""
_TICK = 0.05
_UPLOADS = 8
"""Uploads at once."""
_IN_MEMORY = 64 << 20
"""Bytes of concurrent uploads; a larger executable is uploaded alone."""
_DENIED = "it needs the permissions s3:GetObject and s3:ListBucket, and to write s3:PutObject"
"""Without s3:ListBucket, S3 answers 403 for an object that does not exist.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""


class Mode(StrEnum):
    """How a run uses the shared cache, or the local one without a shared one."""

    READ = "read"
    READ_WRITE = "read-write"
    OFF = "off"


class Stores(NamedTuple):
    """The stores of a run."""

    local: LocalCache | None
    remote: "RemoteStore | None"
    secret: bytes | None = None
    read_only: bool = False
    """Add nothing to the remote one, or to the local one without a remote one."""
    workers: int = 16
    """Requests at once."""


class Caches:
    """The caches of one run."""

    def __init__(self, stores: Stores, warn: Warn, timeline: Timeline) -> None:
        self._local, self._remote, self._secret, read_only, self._workers = stores
        self._fills_local = not (read_only and self._remote is None)
        self._fills_remote = not read_only
        self._warn = warn
        self._timeline = timeline
        self._lock = threading.Lock()
        # For what keeps a processor busy.
        self._cores = threading.Semaphore(processors())
        uploads = min(_UPLOADS, self._workers)
        self._crew = Crew(uploads if self._remote is not None else processors(), background=True)
        self._room = Room(_IN_MEMORY)
        self._shared: set[str] = set()
        self._bad: list[tuple[str, str, str]] = []
        self._warnings: list[tuple[str, str | None]] = []
        self._requests = 0
        """How many threads wait for the store."""

    def fetch(
        self,
        keys: Mapping[K, str],
        place: Callable[[K], str],
        name: Callable[[K], str],
        unfit: Callable[[K, str], str | None] = lambda *_: None,
    ) -> dict[K, Fetched]:
        """Write the executables that the caches have to their places.

        `name` is for messages; `unfit` returns, in a thread, why the file at a path cannot be used: it
        counts as damaged, and is neither kept nor shared. Nothing is written to the place of what is
        not in the result, not even later.
        """
        pending: Pending[K] = Pending(unfit)
        downloads = [Download(item, key, place(item), name(item)) for item, key in keys.items()]
        try:
            if self._local is not None:
                with Crew(min(processors(), len(downloads))) as crew:
                    for one in downloads:
                        crew.submit(partial(self._from_local, pending, one))
                    while crew.wait(_TICK):
                        pass
            if self._remote is not None:
                local = set(pending.found)
                for one in downloads if self._fills_remote else ():
                    if one.item in local:
                        self._crew.submit(partial(self._share, one.key, one.name))
                missing = [one for one in downloads if one.item not in local]
                with Crew(min(self._workers, len(missing))) as crew:
                    for one in missing:
                        crew.submit(partial(self._from_remote, pending, one))
                    self._wait_for_remote(
                        crew, len(missing), lambda: len(pending.found) - len(local)
                    )
        finally:
            pending.close()
        self._report_problems()
        return pending.found

    def store(self, key: str, path: str, sha256: str, name: str) -> None:
        """Put an executable into the caches, in the background, unless it has changed by then."""
        self._crew.submit(partial(self._store, key, path, sha256, name))

    def close(self, *, cancelled: bool = False) -> None:
        """Wait for uploads, no longer than building took, and trim the local cache.

        A cancelled run drops what has not begun, and waits only a moment for the rest.
        """
        # A request without an answer gives up by itself before that.
        patience = 1.5 * self._remote.timeout if self._remote is not None else _PATIENCE
        patience += _WORTH * self._crew.wait(0)
        if cancelled:
            patience = _LAST
            self._crew.drop()
        deadline = time.monotonic() + patience
        # Do not wait for requests to a store that was given up.
        while (left := self._crew.wait(_TICK)) > (0 if self._remote else self._requests):
            if time.monotonic() > deadline:
                if not cancelled:
                    self._give_up(f"{left} executables were not stored within {patience:g} s")
                break
        self._crew.drop()
        if self._local is not None and self._fills_local:
            try:
                self._local.trim()
            except OSError as error:
                self._give_up_local(error)
        if not cancelled:
            self._report_problems()

    def _wait_for_remote(self, crew: Crew, count: int, hits: Callable[[], int]) -> None:
        """Wait as long as the store answers, and is quicker than a build.

        The first answer has the time of a request, and each gives time to the next ones. A request
        ends by itself; only a directory on a disk that hangs does not.
        """
        start = time.monotonic()
        while (left := crew.wait(_TICK)) and (remote := self._remote) is not None:
            taken, answered = time.monotonic() - start, count - left
            first = remote.timeout if answered else 2 * remote.timeout
            if taken > first + _WORTH * hits() + _ANSWERED * answered:
                self._give_up(f"it gave {hits()} of {count} executables within {taken:.0f} s")

    def _from_local(self, pending: Pending[K], download: Download[K]) -> None:
        local = self._local
        if local is None:
            return
        try:
            with self._cores:
                start = time.time()
                with local.reading(download.key) as found:
                    if found is not None:
                        pending.take(
                            download, found.header, found.pieces, Source.LOCAL,
                            like=found.descriptor,
                        )  # fmt: skip
                        self._timeline.add(Span(Activity.FETCH, download.name, start, time.time()))
        except BadEntryError as error:
            self._bad.append((local.directory, download.name, str(error)))
        except OSError as error:
            self._give_up_local(error)

    def _from_remote(self, pending: Pending[K], download: Download[K]) -> None:
        remote = self._remote
        if remote is None:
            return

        def keep(path: str) -> None:
            self._shared.add(download.key)
            with contextlib.suppress(BadEntryError):
                self._keep(header, path)

        try:
            with self._timeline.span(Activity.FETCH, download.name), self._request():
                found = remote.get(download.key)
                if found is None or not pending.is_open:
                    return
                header, pieces = from_object(found.chunks, found.size, download.key, self._secret)
                pending.take(download, header, pieces, Source.REMOTE, keep)
        except StoreError as error:
            self._give_up(str(error))
        except BadEntryError as error:
            self._bad.append((remote.url, download.name, str(error)))

    def _store(self, key: str, path: str, sha256: str, name: str) -> None:
        remote = self._remote if self._fills_remote and key not in self._shared else None
        if remote is None and (self._local is None or not self._fills_local):
            return
        try:
            size = os.path.getsize(path)
            if size > MOST:
                return
            with self._cores, self._timeline.span(Activity.STORE, name):
                header = seal(key, pieces(path, MOST), sha256, size, self._secret)
                self._keep(header, path)
            if remote is not None:
                self._upload(header, pieces(path, MOST), name)
        except (BadEntryError, OSError) as error:
            # It was replaced or removed meanwhile.
            log.info("%s is not stored: %s", path, error)

    def _share(self, key: str, name: str) -> None:
        """Upload an executable of the local cache, unless the store has it already."""
        remote, local = self._remote, self._local
        if remote is None or local is None:
            return
        try:
            with self._request():
                if remote.has(key):
                    return
            with local.reading(key) as found:
                if found is not None:
                    self._upload(found.header, found.pieces, name)
        except StoreError as error:
            self._give_up(str(error))
        except (BadEntryError, OSError) as error:
            log.info("%s is not shared: %s", name, error)

    def _upload(self, header: Header, content: Iterable[bytes], name: str) -> None:
        """Put an executable into the store."""
        # An object is sent in one piece, and is smaller than most executables.
        with self._room.taken(header.size) as has_room:
            remote = self._remote
            if remote is None or not has_room:
                return
            with self._cores:
                data = b"".join(to_object(header, content))
            try:
                with self._request(), self._timeline.span(Activity.STORE, name):
                    remote.put(header.key, data)
            except StoreError as error:
                self._give_up(str(error))

    def _keep(self, header: Header, path: str) -> None:
        """Put an executable into the local cache."""
        local = self._local
        if local is not None and self._fills_local:
            try:
                local.put(header, pieces(path, MOST))
            except OSError as error:
                self._give_up_local(error)

    @contextlib.contextmanager
    def _request(self) -> Iterator[None]:
        with self._lock:
            self._requests += 1
        try:
            yield
        finally:
            with self._lock:
                self._requests -= 1

    def _give_up(self, reason: str) -> None:
        """Use the store no more in this run."""
        with self._lock:
            remote, self._remote = self._remote, None
            self._room.close()
            if remote is not None:
                log.info("%s: %s", remote.url, reason)
                hint = "what it would have given is built, and nothing is stored in it"
                if reason.startswith("403") and remote.url.startswith("s3"):
                    hint += f"; {_DENIED}"
                self._warnings.append((f"the cache {remote.url} cannot be used: {reason}", hint))

    def _give_up_local(self, error: OSError) -> None:
        with self._lock:
            local, self._local = self._local, None
            if local is not None:
                log.info("%s: %s", local.directory, error)
                why = error.strerror or str(error)
                hint = "the run goes on without it; LAMBDABUILD_CACHE_DIR names another directory"
                self._warnings.append((f"the cache {local.directory} cannot be used: {why}", hint))

    def _report_problems(self) -> None:
        for place in dict.fromkeys(place for place, _, _ in self._bad):
            bad = sorted((name, reason) for where, name, reason in self._bad if where == place)
            name, reason = bad[0]
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            message = f"the entry of `{name}`{more} in the cache {place} is not used: {reason}"
            self._warnings.append((message, "what it was to give is built instead"))
        self._bad.clear()
        while self._warnings:
            self._warn(*self._warnings.pop(0))
