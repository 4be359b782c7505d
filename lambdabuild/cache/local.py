"""Cache executables on this machine, by what they were made from.

`keys/<2>/<key>` is the header of an entry, `objects/<2>/<sha256>` the plain executable, which many
keys may share. Files are written beside their place and renamed into it, so that any number of
processes can use one cache, and a killed one leaves no partial file.
"""

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from lambdabuild.cache.entry import LONGEST, BadEntryError, Header, checked, read_header
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.system.files import PIECE, opened

DEFAULT_LIMIT = 5_000_000_000
"""Bytes."""
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {f"{unit}I": 1 << 10 * power for power, unit in enumerate("KMGT", 1)}
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) *([KMGT]?I?)B?")
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Executables kept by lambdabuild.\n"
"""https://bford.info/cachedir/: backups skip such directories."""
_DAY = 24 * 60 * 60
_NO_FILE = {errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.EMLINK, errno.ENXIO}
"""The errors of opening a link, a pipe, a socket or a directory as a file."""
_PARTS = ("keys", "objects")
_OURS = re.compile(r"([0-9A-Za-z_-]{8,200})|\.([0-9A-Za-z_-]{8,200})\.[0-9a-f]{16}")
"""The names of the cache's files, temporary ones too; the first two characters name the directory."""


class Info(NamedTuple):
    """How much a cache has."""

    directory: str
    entries: int
    objects: int
    """Executables; entries with equal ones share them."""
    bytes: int
    limit: int
    """Bytes."""


class Kept(NamedTuple):
    """An executable in the cache."""

    header: Header
    pieces: Iterator[bytes]
    """They raise BadEntryError at the end, unless they are what the header says."""
    descriptor: int
    """Of its file, open for reading."""


class _Object(NamedTuple):
    used: float
    size: int
    path: str


def cache_limit(environment: Mapping[str, str]) -> int:
    """Return how many bytes the cache may hold."""
    text = environment.get("LAMBDABUILD_CACHE_SIZE", "").strip()
    if not text:
        return DEFAULT_LIMIT
    found = _SIZE.fullmatch(text.upper())
    if found is None or found[2] not in _UNITS:
        raise LambdabuildError(
            f"LAMBDABUILD_CACHE_SIZE is no size: `{text}`",
            hint="write it as `5GB`, `500MB`, or in bytes",
        )
    return int(float(found[1]) * _UNITS[found[2]])


class LocalCache:
    """The cache below a directory.

    `limit` is in bytes. With a `secret`, only entries that were signed with it are used. Every method
    may raise OSError: the disk may be full or read-only.
    """

    def __init__(
        self, directory: str, limit: int, secret: bytes | None, *, read_only: bool = False
    ) -> None:
        self.directory = directory
        self._limit = limit
        self._secret = secret
        self._read_only = read_only
        self._grown = False

    @contextlib.contextmanager
    def reading(self, key: str) -> Iterator[Kept | None]:
        """Yield the executable under a key, and set the time of its last use.

        A BadEntryError removes the entry, also one that is raised inside.
        """
        path = self._path("keys", key)
        kept = self._opened(path, path)
        if kept is None:
            yield None
            return
        with open(kept, "rb", buffering=0) as file:
            text = (file.read(LONGEST + 1) or b"").decode("utf-8", "replace")
        try:
            header = read_header(text, key, self._secret)
        except BadEntryError:
            self._drop(path)
            raise
        place = self._path("objects", header.sha256)
        kept = self._opened(place, path)
        if kept is None:
            self._drop(path)
            yield None
            return
        with open(kept, "rb", buffering=0) as file:
            self._use(path, place)
            try:
                pieces = checked(header, iter(partial(file.read, PIECE), b""))
                yield Kept(header, pieces, file.fileno())
            except BadEntryError:
                self._drop(path, place)
                raise

    def put(self, header: Header, pieces: Iterable[bytes]) -> None:
        """Add an executable that comes in pieces."""
        if not os.path.isdir(self.directory):
            os.makedirs(os.path.dirname(self.directory), exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.directory, 0o700)
        tag = os.path.join(self.directory, "CACHEDIR.TAG")
        if not os.path.exists(tag):
            _write(tag, [_TAG.encode()])
        place = self._path("objects", header.sha256)
        try:
            there = os.path.getsize(place) == header.size
        except FileNotFoundError:
            there = False
        if not there:
            _write(self._without_links(place), checked(header, pieces))
            self._grown = True
        key = self._without_links(self._path("keys", header.key))
        _write(key, [header.text.encode()])
        self._use(place)

    def trim(self) -> None:
        """Remove the least recently used down to the limit, if anything was put."""
        if not self._grown:
            return
        self._grown = False
        objects = sorted(self._objects(clean=True))
        surplus = sum(found.size for found in objects) - self._limit
        latest = None
        for found in objects:
            if surplus <= 0:
                break
            _unlink(found.path)
            surplus -= found.size
            latest = found.used
        if latest is not None:
            # An executable's time is set after its key's, so that no key of a removed one is later.
            # Other keys are removed as well: sparing them would take reading all keys.
            for path, status in _files(os.path.join(self.directory, "keys")):
                if status.st_mtime <= latest:
                    _unlink(path)

    def info(self) -> Info:
        """Return how much the cache has."""
        keys = _files(os.path.join(self.directory, "keys"))
        entries = sum(1 for path, _ in keys if not _is_temporary(path))
        sizes = [found.size for found in self._objects()]
        return Info(self.directory, entries, len(sizes), sum(sizes), self._limit)

    def clear(self) -> int:
        """Remove all that the cache wrote, and nothing else; return how many bytes."""
        removed = 0
        for part in _PARTS:
            top = os.path.join(self.directory, part)
            for path, status in _files(top):
                _unlink(path)
                removed += status.st_size
            for directory in [*(entry.path for entry in _entries(top)), top]:
                with contextlib.suppress(OSError):
                    os.rmdir(directory)
        _unlink(os.path.join(self.directory, "CACHEDIR.TAG"))
        with contextlib.suppress(OSError):
            os.rmdir(self.directory)
        return removed

    def _opened(self, path: str, key: str) -> int | None:
        """Open a file of the cache; None if it does not exist."""
        try:
            return opened(path, links=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise
            self._drop(path, key)
            raise BadEntryError("it is no regular file") from error

    @staticmethod
    def _without_links(path: str) -> str:
        """Return a path in the cache, unless one of its two directories is a symbolic link.

        The cache itself may be one, such as to another disk.
        """
        directory = os.path.dirname(path)
        if any(map(os.path.islink, (directory, os.path.dirname(directory)))):
            raise OSError(errno.ELOOP, "a link in the cache leads elsewhere", directory)
        return path

    def _path(self, part: str, name: str) -> str:
        return os.path.join(self.directory, part, name[:2], name)

    def _objects(self, *, clean: bool = False) -> Iterator[_Object]:
        """Yield the executables; with `clean`, remove temporary files of more than a day ago."""
        for path, status in _files(os.path.join(self.directory, "objects")):
            if not _is_temporary(path):
                yield _Object(status.st_mtime, status.st_size, path)
            elif clean and status.st_mtime < time.time() - _DAY:
                _unlink(path)

    def _drop(self, *paths: str) -> None:
        for path in () if self._read_only else paths:
            _unlink(path)

    def _use(self, *paths: str) -> None:
        for path in () if self._read_only else paths:
            # Another process may have removed it, or it is read-only.
            with contextlib.suppress(OSError):
                os.utime(path)


def _write(path: str, pieces: Iterable[bytes]) -> None:
    """Write a file atomically."""
    directory, name = os.path.split(path)
    part = os.path.join(directory, f".{name}.{os.urandom(8).hex()}")
    try:
        # Where a file is in its place, opening reports that better than `mkdir`.
        with contextlib.suppress(FileExistsError):
            os.makedirs(directory, exist_ok=True)
        with open(part, "xb") as file:
            file.writelines(pieces)
        os.replace(part, path)
    except BaseException:
        _unlink(part)
        raise


def _files(top: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the cache's own files in one of its parts, which has two levels."""
    for directory in _entries(top):
        if directory.is_dir(follow_symlinks=False):
            for entry in _entries(directory.path):
                # Another process may be removing it.
                with contextlib.suppress(FileNotFoundError):
                    name = _OURS.fullmatch(entry.name)
                    is_ours = name is not None and (name[1] or name[2])[:2] == directory.name
                    if is_ours and entry.is_file(follow_symlinks=False):
                        yield entry.path, entry.stat(follow_symlinks=False)


def _entries(directory: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _is_temporary(path: str) -> bool:
    return os.path.basename(path).startswith(".")


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
