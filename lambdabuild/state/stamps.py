"""Tell what changed on disk, by `stat` and, where that is not enough, by content."""

import contextlib
import os
import time
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from enum import IntEnum
from typing import NamedTuple

from lambdabuild.core.artifact import MOST_UNZIPPED
from lambdabuild.core.record import field, record
from lambdabuild.golang.source import PROFILE, is_source, outline
from lambdabuild.system.files import MOST, content_digest, digest_of, times_of, whole

_TICK = 20_000_000
"""Nanoseconds within which two writes may leave the same time (Linux: a tick of 1 to 10 ms)."""
_COARSE_TICK = 2_000_000_000
"""The same where a file system keeps whole seconds."""
_SECOND = 1_000_000_000
_WRITEBACK = 60 * _SECOND
"""Within this a write through mmap may leave the times: Linux sets them once for a dirty page, and
writes it back after some 35 s (vm.dirty_expire_centisecs, vm.dirty_writeback_centisecs)."""
_IN_A_PACKAGE = frozenset({"go.mod", "vendor", PROFILE})
_NEVER_INCLUDED = ("_test.go", ".md", "~", ".tmp", "4913")


class Level(IntEnum):
    """Which of a directory's entries matter."""

    PACKAGE = 0
    """Source files, and what decides which module they are in."""
    TREE = 1
    """Also the directories that Go's patterns enter."""
    INCLUDED = 2
    """Also whatever else C may include, but for names of documents and of editors' files."""
    EVERYTHING = 3
    """Whatever may be embedded."""


SOURCE = "source"
"""A Go file, whose outline decides which packages there are."""
CONTENT = "content"
"""An embedded file, whose existence decides that."""
WHOLE = "whole"
"""A file of which every byte may decide that, such as go.mod."""
TAKEN_IN = "taken in"
"""A file that C or assembly includes, whose directives decide what else is included."""
PACKED = "packed"
"""A file that is packed as it is; one too large for Lambda is compared by its times only."""
TOOL = "tool"
"""A file of Go's own, compared by its times only."""

_READ = frozenset({SOURCE, TAKEN_IN})
"""Kinds of which more than the digest counts."""

UNREADABLE = "unreadable"
"""In place of the digest of a file that cannot be read: Go will report it."""


class FileStamp(NamedTuple):
    """What a file was at some time; a digest of "" is no file, as far as Go can see."""

    inode: int
    size: int
    modified: int
    changed: int
    trusted: bool
    """False where a later write might have left the same times."""
    kind: str
    digest: str
    outline: str
    """Differs where the packages that there are may differ."""
    settled: bool = True
    """False where a write through mmap might leave the same times: to be read again."""


class DirectoryStamp(NamedTuple):
    """What a directory held at some time."""

    inode: int
    modified: int
    changed: int
    trusted: bool
    level: int
    names: str
    """The entries that matter, each on a line; directories end in a slash."""


@record
class Stamps:
    """All that the findings of a project depend on, by absolute path."""

    files: dict[str, FileStamp] = field(default_factory=dict)
    directories: dict[str, DirectoryStamp] = field(default_factory=dict)
    doubted: bool = False
    """Something may have changed between the findings and these stamps."""

    def digest(self, path: str) -> str | None:
        """Return the digest of a file; None where there is none, or no stamp of it."""
        stamp = self.files.get(path)
        return stamp.digest or None if stamp is not None else None


@record
class Look:
    """What differs on disk from earlier stamps."""

    stamps: Stamps
    holds: bool = True
    """No package was added, removed or imports something else, as far as stamps can tell."""
    touched: list[str] = field(default_factory=list)
    """Files whose times differ, or whose content does."""
    stirred: list[str] = field(default_factory=list)
    """Directories whose times differ: something was added or removed."""
    changed: list[str] = field(default_factory=list)
    """Files whose content differs, and directories whose entries that matter do."""
    renewed: bool = False
    """The stamps are worth saving: the next run has less to read."""


class Baseline(NamedTuple):
    """What was on disk at one moment."""

    stamps: Stamps
    clock: int
    """That moment by the file system's clock, in nanoseconds."""
    own: AbstractSet[str]
    """The absolute paths that lambdabuild writes itself, which do not count."""

    def look(self) -> Look:
        """Return what changed since."""
        return look(self.stamps, self.clock, self.own)


def look(stamps: Stamps, clock: int, own: Collection[str]) -> Look:
    """Compare every path of `stamps` with the disk.

    `clock` is the time in nanoseconds, by the file system, at which this began; entries of
    directories that are in `own` (absolute paths of what lambdabuild writes) do not matter.
    """
    found = Look(Stamps(dict(stamps.files), dict(stamps.directories)), not stamps.doubted)
    for path, stamp in stamps.files.items():
        _look_at_file(path, stamp, clock, found)
    for path, entries in stamps.directories.items():
        _look_at_directory(path, entries, clock, own, found)
    return found


def _look_at_file(path: str, stamp: FileStamp, clock: int, found: Look) -> None:
    try:
        now = os.stat(path)
        same = (
            stamp.trusted
            and now.st_mtime_ns == stamp.modified
            and now.st_ctime_ns == stamp.changed
            and now.st_size == stamp.size
            and now.st_ino == stamp.inode
        )
    except OSError as error:
        same = stamp.digest == _without(error)
    if same and stamp.settled:
        return
    new = _taken_again(path, stamp, clock) if same else take_file(path, stamp.kind, clock)
    found.stamps.files[path] = new
    found.renewed = found.renewed or new != stamp
    if new[:4] != stamp[:4] or new.digest != stamp.digest:
        found.touched.append(path)
    if new.digest != stamp.digest:
        found.changed.append(path)
    found.holds = found.holds and new.outline == stamp.outline


def _look_at_directory(
    path: str, entries: DirectoryStamp, clock: int, own: Collection[str], found: Look
) -> None:
    try:
        now = os.stat(path)
        same = (
            entries.trusted
            and now.st_mtime_ns == entries.modified
            and now.st_ctime_ns == entries.changed
            and now.st_ino == entries.inode
        )
    except OSError:
        same = False
    if same:
        return
    listed = take_directory(path, entries.level, clock, own)
    found.stamps.directories[path] = listed
    found.renewed = found.renewed or listed != entries
    if listed[:3] != entries[:3]:
        found.stirred.append(path)
    if listed.names != entries.names:
        found.changed.append(path)
        found.holds = False


def take_file(path: str, kind: str, clock: int) -> FileStamp:
    """Return the stamp of a file."""
    try:
        found = os.stat(path)
        content, digest = _looked_into(path, kind, found)
    except OSError as error:
        digest = _without(error)
        return FileStamp(0, 0, 0, 0, True, kind, digest, digest)
    outlined = digest
    if kind in {CONTENT, PACKED}:
        # Go embeds no symbolic link, whatever it leads to.
        outlined = "link" if os.path.islink(path) else "here"
    elif content is None:
        pass
    elif kind == SOURCE:
        outlined = content_digest(outline(content))
    elif kind == TAKEN_IN:
        from lambdabuild.golang.c_files import directives

        outlined = content_digest(directives(content))
    return FileStamp(
        found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns,
        is_settled(found.st_mtime_ns, found.st_ctime_ns, clock), kind, digest, outlined,
        kind == TOOL or found.st_ctime_ns < clock - _WRITEBACK,
    )  # fmt: skip


def _looked_into(path: str, kind: str, found: os.stat_result) -> tuple[bytes | None, str]:
    """Return the content of a file, where more than its digest counts, and its digest."""
    if kind == TOOL:
        return None, content_digest(f"{found.st_size} {found.st_mtime_ns} {found.st_ino}".encode())
    if kind in _READ and found.st_size <= MOST:
        content = whole(path)
        return content, content_digest(content)
    if kind == PACKED and found.st_size > MOST_UNZIPPED:
        return None, times_of(found)
    return None, digest_of(path, found)


def _without(error: OSError) -> str:
    """Return the digest of a file that could not be read; to Go, a directory is none."""
    absent = isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError)
    return "" if absent else UNREADABLE


def _taken_again(path: str, stamp: FileStamp, clock: int) -> FileStamp:
    """Return the stamp of a file with equal times; with an equal digest, all else is equal, too."""
    try:
        same = _looked_into(path, stamp.kind, os.stat(path))[1] == stamp.digest
    except OSError:
        same = False
    if same:
        return stamp._replace(settled=stamp.changed < clock - _WRITEBACK)
    return take_file(path, stamp.kind, clock)


def take_directory(path: str, level: int, clock: int, own: Collection[str]) -> DirectoryStamp:
    """Return the stamp of a directory."""
    try:
        found = os.stat(path)
        with os.scandir(path) as entries:
            names = sorted(name for entry in entries if (name := _matters(entry, level, own)))
    except OSError:
        return DirectoryStamp(0, 0, 0, False, level, "")
    settled = is_settled(found.st_mtime_ns, found.st_ctime_ns, clock)
    return DirectoryStamp(
        found.st_ino, found.st_mtime_ns, found.st_ctime_ns, settled, level, "\n".join(names)
    )


def _matters(entry: "os.DirEntry[str]", level: int, own: Collection[str]) -> str | None:
    name = entry.name
    if level == Level.EVERYTHING:
        if entry.path in own:
            return None
        return f"{name}/" if entry.is_dir(follow_symlinks=False) else name
    if is_source(name) or name in _IN_A_PACKAGE:
        return name
    if level >= Level.TREE and not name.startswith((".", "_")) and name != "testdata":
        inside = entry.is_dir(follow_symlinks=False) and entry.path not in own
        if inside or level == Level.TREE:
            return f"{name}/" if inside else None
    if level == Level.INCLUDED and entry.path not in own and not name.startswith("."):
        return None if name.endswith(_NEVER_INCLUDED) else name
    return None


def is_settled(modified: int, changed: int, clock: int) -> bool:
    """Tell whether any write after `clock` is sure to leave other times than these.

    The time of the last change (ctime) cannot be set, and that of the last write (mtime) can; it
    counts unless it lies in the future, where nothing but a program has put it.
    """
    tick = _TICK if changed % _SECOND else _COARSE_TICK
    latest = clock - tick
    return changed < latest and (modified < latest or modified > clock + _COARSE_TICK)


def clock_of(path: str) -> int:
    """Touch a file and return the time by its file system, or else by the machine, in nanoseconds."""
    with contextlib.suppress(OSError):
        os.utime(path)
        return min(os.stat(path).st_mtime_ns, time.time_ns())
    return time.time_ns()


@record
class World:
    """What to take stamps of: directories with the level, files with the kind; absolute."""

    directories: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    searched: dict[str, int] = field(default_factory=dict)
    """Directories whose entries count, and none of the files in them."""

    def enter(self, directory: str, level: int) -> None:
        """Add a directory, at this level or higher."""
        self.directories[directory] = max(level, self.directories.get(directory, level))

    def search(self, directory: str, level: int) -> None:
        """Add the entries of a directory, at this level or higher."""
        self.searched[directory] = max(level, self.searched.get(directory, level))


def take(world: World, known: Mapping[str, FileStamp], clock: int, own: Collection[str]) -> Stamps:
    """Return the stamps of `world`; do not read files whose times are those in `known`."""
    stamps = Stamps()
    for directory in world.searched | world.directories:
        levels = [places.get(directory, 0) for places in (world.searched, world.directories)]
        stamp = take_directory(directory, max(levels), clock, own)
        stamps.directories[directory] = stamp
        if directory not in world.directories:
            continue
        for name in stamp.names.split("\n"):
            path = os.path.join(directory, name)
            if is_source(name):
                _take(stamps, path, SOURCE if name.endswith(".go") else WHOLE, known, clock)
            elif name == PROFILE:
                _take(stamps, path, CONTENT, known, clock)
    for path, kind in world.files.items():
        if path not in stamps.files or kind == WHOLE:
            _take(stamps, path, kind, known, clock)
    return stamps


def _take(stamps: Stamps, path: str, kind: str, known: Mapping[str, FileStamp], clock: int) -> None:
    old = known.get(path)
    if old is not None and old.kind == kind and old.trusted:
        with contextlib.suppress(OSError):
            now = os.stat(path)
            if old[:4] == (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns):
                stamps.files[path] = old if old.settled else _taken_again(path, old, clock)
                return
    stamps.files[path] = take_file(path, kind, clock)
