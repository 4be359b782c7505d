"""Move executables in and out of the caches, while the build runs.

Whatever a cache does, it costs a warning and a build at the most, and hardly more time than a
request to a store, or a build, may take.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from typing import TypeVar

from lambdabuild.cache.addresses import StoreError
from lambdabuild.cache.entry import MOST, BadEntryError, Header, from_object, seal, to_object
from lambdabuild.cache.local import LocalCache
from lambdabuild.cache.remote import RemoteStore
from lambdabuild.cache.wanted import Counts, Fetched, Source, Wanted
from lambdabuild.core.result import Activity, Span
from lambdabuild.system.files import pieces
from lambdabuild.system.machine import processors
from lambdabuild.system.threads import Crew, Room
from lambdabuild.system.timeline import Timeline

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
Warn = Callable[[str, str | None], None]
"""Takes a message and a hint. It is called in the thread that calls `fetch` or `close`."""

_WORTH = 0.5
"""Seconds that an executable out of a store may take: to build it takes about as long."""
_ANSWERED = 0.02
"""Seconds that it may take to hear that there is none."""
_PATIENCE = 10.0
"""Seconds that the local cache has at the end of a run."""
_LAST = 0.2
"""Seconds that a cancelled run gives to what is being written."""
_TICK = 0.05
_UPLOADS = 8
"""Uploads at once."""
_IN_MEMORY = 64 << 20
"""Bytes of executables whose objects are in memory at once to be sent, or one that is larger."""
_DENIED = "it needs the permissions s3:GetObject and s3:ListBucket, and to write s3:PutObject"
"""Without s3:ListBucket, S3 says 403 of an object that does not exist.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""


class Mode(StrEnum):
    """What a run does with the shared cache, or with the local one where none is shared."""

    READ = "read"
    READ_WRITE = "read-write"
    OFF = "off"


class Caches:
    """The caches of one run."""

    def __init__(
        self,
        local: LocalCache | None,
        remote: RemoteStore | None,
        *,
        read_only: bool,
        secret: bytes | None,
        warn: Warn,
        timeline: Timeline,
        workers: int = 16,
    ) -> None:
        """Use both caches, or one. `read_only` is meant of the remote one if there is one.

        `workers` is how many requests there are at once.
        """
        self.counts = Counts()
        self._local = local
        self._remote = remote
        self._fills_local = not (read_only and remote is None)
        self._fills_remote = not read_only
        self._secret = secret
        self._warn = warn
        self._timeline = timeline
        self._workers = workers
        self._lock = threading.Lock()
        # Held by whoever keeps a processor busy.
        self._cores = threading.Semaphore(processors())
        self._crew = Crew(
            min(_UPLOADS, workers) if remote is not None else processors(), background=True
        )
        self._room = Room(_IN_MEMORY)
        self._shared: set[str] = set()
        self._bad: list[tuple[str, str, str]] = []
        self._warnings: list[tuple[str, str | None]] = []
        self._requests = 0

    @property
    def stuck(self) -> int:
        """How many threads wait for the store's answer; after `close`, only where it stalls.

        Each ends within the time of a request. If that is just while the interpreter goes away,
        Python 3.13 and earlier abort the process; `os._exit` does not.
        """
        return self._requests

    def fetch(
        self,
        keys: Mapping[K, str],
        place: Callable[[K], str],
        name: Callable[[K], str],
        unfit: Callable[[K, str], str | None] = lambda *_: None,
    ) -> dict[K, Fetched]:
        """Write what the caches have to where it belongs, as executable files.

        `name` is what people call it; `unfit` says, in a thread, why the file at a path is none to
        be used: it counts as damaged, and is neither kept nor shared. What is not in the result is
        not there, and nothing is written there afterwards.
        """
        wanted: Wanted[K] = Wanted(unfit)
        try:
            if self._local is not None:
                with Crew(min(processors(), len(keys))) as crew:
                    for item, key in keys.items():
                        job = partial(self._from_local, wanted, item, key, place(item), name(item))
                        crew.submit(job)
                    while crew.wait(_TICK):
                        pass
            self.counts.local_hits += (local := len(wanted.found))
            if self._remote is not None and self._fills_remote:
                for item in wanted.found:
                    self._crew.submit(partial(self._share, keys[item], name(item)))
            missing = {item: key for item, key in keys.items() if item not in wanted.found}
            if self._remote is not None and missing:
                with Crew(min(self._workers, len(missing))) as crew:
                    for item, key in missing.items():
                        job = partial(self._from_remote, wanted, item, key, place(item), name(item))
                        crew.submit(job)
                    self._wait_for_remote(crew, len(missing), lambda: len(wanted.found) - local)
        finally:
            wanted.close()
        self.counts.remote_hits += len(wanted.found) - local
        self.counts.misses += len(keys) - len(wanted.found)
        self._say()
        return wanted.found

    def store(self, key: str, path: str, sha256: str, name: str) -> None:
        """Put an executable into the caches, in the background.

        It is read in a moment; where it is not what `sha256` says any more, it is left out.
        """
        self._crew.submit(partial(self._store, key, path, sha256, name))

    def close(self, *, cancelled: bool = False) -> None:
        """Wait for what is being stored, no longer than it took to build, and make room.

        A cancelled run drops what is not begun, and gives the rest a moment.
        """
        # A request that gets no answer gives up by itself, before.
        patience = 1.5 * self._remote.timeout if self._remote is not None else _PATIENCE
        patience += _WORTH * self._crew.wait(0)
        if cancelled:
            patience = _LAST
            self._crew.drop()
        deadline = time.monotonic() + patience
        # What a store that was given up has not answered is not waited for.
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
            self._say()

    def _wait_for_remote(self, crew: Crew, asked: int, hits: Callable[[], int]) -> None:
        """Wait as long as the store is there, and quicker than a build.

        The first answers have the time of a request, and each gives time to those that follow.
        Where there is none, a request gives up by itself, and only a directory on a disk that
        hangs does not.
        """
        start = time.monotonic()
        while (left := crew.wait(_TICK)) and (remote := self._remote) is not None:
            taken, answered = time.monotonic() - start, asked - left
            first = remote.timeout if answered else 2 * remote.timeout
            if taken > first + _WORTH * hits() + _ANSWERED * answered:
                self._give_up(f"it gave {hits()} of {asked} executables within {taken:.0f} s")

    def _from_local(self, wanted: "Wanted[K]", item: K, key: str, place: str, name: str) -> None:
        local = self._local
        if local is None:
            return
        try:
            with self._cores:
                start = time.time()
                with local.reading(key) as found:
                    if found is not None:
                        wanted.take(item, place, *found, Source.LOCAL)
                        self._timeline.add(Span(Activity.FETCH, name, start, time.time()))
        except BadEntryError as error:
            self._bad.append((local.directory, name, str(error)))
        except OSError as error:
            self._give_up_local(error)

    def _from_remote(self, wanted: "Wanted[K]", item: K, key: str, place: str, name: str) -> None:
        remote = self._remote
        if remote is None:
            return

        def keep(path: str) -> None:
            self._shared.add(key)
            with contextlib.suppress(BadEntryError):
                self._keep(header, path)

        try:
            with self._timeline.span(Activity.FETCH, name), self._request():
                found = remote.get(key)
                if found is None or not wanted.is_open:
                    return
                header, pieces = from_object(found.chunks, found.size, key, self._secret)
                wanted.take(item, place, header, pieces, Source.REMOTE, keep)
        except StoreError as error:
            self._give_up(str(error))
        except BadEntryError as error:
            self._bad.append((remote.url, name, str(error)))

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
                if self._keep(header, path):
                    with self._lock:
                        self.counts.stored += 1
            if remote is not None:
                self._upload(header, pieces(path, MOST), name)
        except (BadEntryError, OSError) as error:
            # Somebody has replaced it meanwhile, or it went away.
            log.info("%s is not stored: %s", path, error)

    def _share(self, key: str, name: str) -> None:
        """Upload what is here, if others have not: the store may be newer than this cache."""
        remote, local = self._remote, self._local
        if remote is None or local is None:
            return
        try:
            with self._request():
                if remote.has(key):
                    return
            with local.reading(key) as found:
                if found is not None:
                    self._upload(*found, name)
        except StoreError as error:
            self._give_up(str(error))
        except (BadEntryError, OSError) as error:
            log.info("%s is not shared: %s", name, error)

    def _upload(self, header: Header, content: Iterable[bytes], name: str) -> None:
        """Put an executable into the store; raises BadEntryError and OSError as it is read."""
        # An object is sent in one piece, and is smaller than the executable, most often.
        with self._room.taken(header.size) as there_is:
            remote = self._remote
            if remote is None or not there_is:
                return
            with self._cores:
                data = b"".join(to_object(header, content))
            try:
                with self._request(), self._timeline.span(Activity.STORE, name):
                    remote.put(header.key, data)
                with self._lock:
                    self.counts.uploaded += 1
            except StoreError as error:
                self._give_up(str(error))

    def _keep(self, header: Header, path: str) -> bool:
        """Put an executable into the local cache, if that is to be done; return whether it is.

        Raises:
            BadEntryError: the file is another one by now.

        """
        local = self._local
        if local is None or not self._fills_local:
            return False
        try:
            local.put(header, pieces(path, MOST))
        except OSError as error:
            self._give_up_local(error)
            return False
        return True

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
        """Leave the store alone for the rest of the run."""
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

    def _say(self) -> None:
        """Tell people once of what is wrong."""
        for place in dict.fromkeys(place for place, _, _ in self._bad):
            bad = sorted((name, reason) for where, name, reason in self._bad if where == place)
            self.counts.bad += len(bad)
            name, reason = bad[0]
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            message = f"the entry of `{name}`{more} in the cache {place} is not used: {reason}"
            self._warnings.append((message, "what it was to give is built instead"))
        self._bad.clear()
        while self._warnings:
            self._warn(*self._warnings.pop(0))
