"""Read and hash files that others wrote: nothing endless, and not more than a limit.

A device, a pipe or a socket is no file to read, even through links: `/dev/zero` has no end, and
opening a pipe that nobody writes to blocks. They raise an OSError, as an unreadable file does, and as
one that is too large (EFBIG).
"""

import errno
import fcntl
import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator

MOST = 1 << 26
"""Bytes of the largest file that is read whole: a source, a go.mod, a configuration, a report."""
PIECE = 1 << 20
"""Bytes of any other that are in memory at once."""
_FICLONE = 0x40049409
"""Of linux/fs.h; Python has it from 3.12 on."""
_AT_FDCWD = -2
"""Of macOS's sys/fcntl.h: relative paths are of the working directory."""
_OF_SHELL = re.compile(r"/dev/(stdin|fd/[0-9]+)|/proc/self/fd/[0-9]+")
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
"""A pipe is opened at once, whoever writes to it; to a file this means nothing."""


def opened(path: str, *, links: bool = True) -> int:
    """Open a regular file and return its descriptor; without `links`, a symbolic link is refused."""
    descriptor = os.open(path, _FLAGS if links else _FLAGS | os.O_NOFOLLOW)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "it is no regular file", path)


def whole(path: str, most: int = MOST, *, links: bool = True) -> bytes:
    """Return the content of a file of `most` bytes or less."""
    descriptor = opened(path, links=links)
    try:
        return _up_to(descriptor, os.fstat(descriptor).st_size, most, path)
    finally:
        os.close(descriptor)


def text(path: str, most: int = MOST) -> str:
    """Return the text of a file in UTF-8, damage replaced."""
    return whole(path, most).decode("utf-8", "replace")


def pieces(path: str, most: int, *, links: bool = True) -> Iterator[bytes]:
    """Yield the content of a file of `most` bytes or less in pieces."""
    descriptor = opened(path, links=links)
    try:
        if os.fstat(descriptor).st_size > most:
            raise _too_large(path, most)
        left = most
        while piece := os.read(descriptor, PIECE):
            left -= len(piece)
            if left < 0:
                # It grows, or is one of /proc, which have no size and may have no end.
                raise _too_large(path, most)
            yield piece
    finally:
        os.close(descriptor)


def cloned(source: int, path: str) -> bool:
    """Make a file that shares the blocks of an open one; return False where that cannot be.

    It is a copy that takes neither time nor space: what is written to either later is not in the
    other. Btrfs, XFS and bcachefs have such copies (ioctl_ficlone(2)), and APFS on macOS
    (clonefile(2)). Where this returns False there may be an empty file.
    """
    try:
        if sys.platform == "darwin":
            import ctypes

            made = ctypes.CDLL(None).fclonefileat(source, _AT_FDCWD, os.fsencode(path), 0)
            return bool(made == 0)
        with open(path, "wb") as file:
            fcntl.ioctl(file, _FICLONE, source)
    except (OSError, AttributeError):
        return False
    return True


def read_again(descriptor: int) -> Iterator[bytes]:
    """Yield the content of an open file in pieces, from its start."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    while piece := os.read(descriptor, PIECE):
        yield piece


def named(path: str, most: int = MOST) -> bytes:
    """Return the content of a file that a person named, or of a pipe that the shell made of it.

    That is what `<(command)` and `/dev/stdin` are: they are read until they end, as `-` is.
    """
    if not _OF_SHELL.fullmatch(path):
        return whole(path, most)
    with open(path, "rb", buffering=0) as file:
        return stream(file.fileno(), most)


def stream(descriptor: int, most: int = MOST) -> bytes:
    """Return all that comes out of an open file, such as standard input, up to `most` bytes."""
    return _up_to(descriptor, 0, most, "")


def _up_to(descriptor: int, size: int, most: int, name: str) -> bytes:
    if size > most:
        raise _too_large(name, most)
    content = os.read(descriptor, size + 1)
    if len(content) == size:
        return content
    # It grew, has no size, or did not come at once.
    parts = bytearray(content)
    while piece := os.read(descriptor, PIECE):
        parts += piece
        if len(parts) > most:
            raise _too_large(name, most)
    return bytes(parts)


def _too_large(path: str, most: int) -> OSError:
    return OSError(errno.EFBIG, f"it is larger than {most >> 20} MiB", path)


_MOST = 1 << 30
"""Bytes of the largest file that is hashed."""


def content_digest(content: bytes) -> str:
    """Return the digest of bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def times_of(found: os.stat_result) -> str:
    """Return a digest of the size and the times of a file that is too large to be read."""
    times = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
    return content_digest(times.encode())


def digest_of(path: str, found: os.stat_result | None = None) -> str:
    """Return the digest of a file; `found` is its fresh status, if known.

    Of one larger than 1 GiB it is that of its times: no executable holds it, and a sparse file may
    have any size.
    """
    found = found or os.stat(path)
    if found.st_size > _MOST and stat.S_ISREG(found.st_mode):
        return times_of(found)
    hasher = hashlib.blake2b(digest_size=16)
    for piece in pieces(path, _MOST):
        hasher.update(piece)
    return hasher.hexdigest()
