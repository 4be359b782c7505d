"""Digests of what executables and packages are made from."""

import hashlib
import os
import stat

from lambdabuild.system.reading import pieces

_MOST = 1 << 30
"""Bytes of the largest file of which a digest is taken."""


def content_digest(content: bytes) -> str:
    """Return the digest of what is in memory already."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def times_of(found: os.stat_result) -> str:
    """Return what stands for the digest of a file that is too large to be read."""
    times = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
    return content_digest(times.encode())


def digest_of(path: str, found: os.stat_result | None = None) -> str:
    """Return the digest of a file, which is read in pieces; `found` is what it was a moment ago.

    One larger than 1 GiB is told by its times: no executable holds it, and a file may claim any
    size that takes no room on disk.

    Raises:
        OSError: it cannot be read, or is no regular file.

    """
    found = found or os.stat(path)
    if found.st_size > _MOST and stat.S_ISREG(found.st_mode):
        return times_of(found)
    hasher = hashlib.blake2b(digest_size=16)
    for piece in pieces(path, _MOST):
        hasher.update(piece)
    return hasher.hexdigest()
