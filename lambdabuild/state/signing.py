"""The keys that sign the state, so that what somebody else put in its place is not believed.

What is in a project's directory may have come with a clone. So what lambdabuild notes there is
signed: with a key that is only in the cache directory of the user who runs it, and, where
LAMBDABUILD_CACHE_KEY is set, with that too, for machines that keep one another's notes.
"""

import contextlib
import errno
import hashlib
import logging
import os
import stat
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lambdabuild.core.secrets import CACHE_KEY
from lambdabuild.system.own import caches_of, create_new

log = logging.getLogger(__name__)

_FILE = "state.key"
_SIZE = 32
"""Bytes of a key."""


class Keys(NamedTuple):
    """What notes are signed with; None for what there is not."""

    machine: bytes | None = None
    """Of this user on this machine."""
    shared: bytes | None = None
    """Of all who know LAMBDABUILD_CACHE_KEY."""

    def sign(self, kind: str, text: str) -> dict[str, str]:
        """Return the signatures of a note, in hex, by key; its kind is signed with it."""
        return dict(self._signatures(kind, text))

    def signed(self, signatures: Mapping[str, object], kind: str, text: str) -> bool:
        """Tell whether one of the signatures is of a key that we hold.

        Compared in no constant time: nobody gets to try one after the other, and see how long it
        took.
        """
        found = self._signatures(kind, text)
        return any(signatures.get(name) == signature for name, signature in found)

    def _signatures(self, kind: str, text: str) -> Iterator[tuple[str, str]]:
        for name, key in zip(self._fields, self, strict=True):
            if key is not None:
                yield name, _signature(key, kind, text)


def _signature(key: bytes, kind: str, text: str) -> str:
    signed = hashlib.blake2b(key=key, digest_size=_SIZE, person=kind.encode())
    signed.update(text.encode("utf-8", "surrogatepass"))
    return signed.hexdigest()


def keys_of(environment: Mapping[str, str], platform: str, project: str) -> Keys:
    """Return the keys that there are; that of this machine is made where there is none yet."""
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
    """Return the key in a file that only its owner can read, which is made if there is none."""
    with contextlib.suppress(FileNotFoundError):
        return _read(place)
    os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
    beside = f"{place}.{os.urandom(8).hex()}"
    try:
        with open(create_new(beside, 0o600), "wb") as file:
            file.write(os.urandom(_SIZE))
        # Of several that begin at the same time, one makes the key of all.
        with contextlib.suppress(FileExistsError):
            os.link(beside, place)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(beside)
    return _read(place)


def _read(place: str) -> bytes:
    """Return the key; one that is none, or that others may read, is taken away first."""
    # The directory may be a link: a person has put their cache on another disk.
    with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "It is another user's", place)
        if stat.S_ISREG(found.st_mode) and not found.st_mode & 0o077 and found.st_size == _SIZE:
            return file.read(_SIZE)
    log.warning("%s is no key that only its owner knows: another is made", place)
    os.unlink(place)
    raise FileNotFoundError(place)
