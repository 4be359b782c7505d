"""Sign the state, so that one from somebody else is not trusted.

What is in a project's directory may have come with a clone. So the state is signed with a key that is
only in the user's cache directory and, where LAMBDABUILD_CACHE_KEY is set, with that too, for machines
that share a state.
"""

import contextlib
import errno
import hashlib
import logging
import os
import stat
from collections.abc import Mapping
from typing import NamedTuple

from lambdabuild.core.secrets import CACHE_KEY
from lambdabuild.system.links import caches_of, create_new

log = logging.getLogger(__name__)

_FILE = "state.key"
_SIZE = 32
"""Bytes of a key."""


class Keys(NamedTuple):
    """The keys that sign the state; None for a missing one."""

    machine: bytes | None = None
    """Of this user on this machine."""
    shared: bytes | None = None
    """Of all who know LAMBDABUILD_CACHE_KEY."""

    def sign(self, kind: str, text: str) -> dict[str, str]:
        """Return the signatures of a text and its kind, in hex, by key."""
        return {
            name: hashlib.blake2b(
                text.encode("utf-8", "surrogatepass"),
                key=key,
                digest_size=_SIZE,
                person=kind.encode(),
            ).hexdigest()
            for name, key in self._asdict().items()
            if key is not None
        }

    def signed(self, signatures: Mapping[str, object], kind: str, text: str) -> bool:
        """Tell whether one of the signatures is of one of the keys.

        No constant time is needed: nobody can try many and measure.
        """
        found = self.sign(kind, text)
        return any(signatures.get(name) == signature for name, signature in found.items())


def keys_of(environment: Mapping[str, str], platform: str, project: str) -> Keys:
    """Return the keys; create that of this machine where there is none yet."""
    secret = environment.get(CACHE_KEY)
    shared = hashlib.sha256(b"lambdabuild state\0" + os.fsencode(secret)) if secret else None
    place = os.path.join(caches_of(environment, platform), "lambdabuild", _FILE)
    machine = None
    if _is_below(place, project):
        log.info("no key is kept in %s: what is in the project may be of others", place)
    else:
        try:
            machine = _kept(place)
        except OSError as error:
            log.warning(
                "no key can be kept, so the next run takes nothing from this one: %s", error
            )
    return Keys(machine, shared.digest() if shared else None)


def _is_below(path: str, project: str) -> bool:
    return path.startswith(f"{project}{os.sep}") or os.path.realpath(path).startswith(
        f"{os.path.realpath(project)}{os.sep}"
    )


def _kept(place: str) -> bytes:
    """Return the key in a file that only its owner can read, and create it if there is none."""
    with contextlib.suppress(FileNotFoundError):
        return _read(place)
    os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
    beside = f"{place}.{os.urandom(8).hex()}"
    try:
        with open(create_new(beside, 0o600), "wb") as file:
            file.write(os.urandom(_SIZE))
        # Of several processes that start together, one creates the key.
        with contextlib.suppress(FileExistsError):
            os.link(beside, place)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(beside)
    return _read(place)


def _read(place: str) -> bytes:
    """Return the key; remove one that is damaged, or that others may read."""
    # The directory may be a link, such as to another disk.
    with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "It is another user's", place)
        if stat.S_ISREG(found.st_mode) and not found.st_mode & 0o077 and found.st_size == _SIZE:
            return file.read(_SIZE)
    log.warning("%s is no key that only its owner knows: another is made", place)
    os.unlink(place)
    raise FileNotFoundError(place)
