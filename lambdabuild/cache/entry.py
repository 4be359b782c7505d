"""The format of an entry of the artifact cache: an executable, and a header that authenticates it.

The header is one line of JSON. BLAKE3, keyed with its other fields, binds the executable to it, at
3.4 GiB/s (BLAKE2b: 0.35; SHA-256 without the processor's instructions: 0.18). With a secret it is
signed, so that nobody without the secret can put another executable in its place. Without one, it
detects damage, but stops no attacker.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from lambdabuild.cache.frames import BadEntryError, may_be, pack, unpack
from lambdabuild.core.artifact import MOST_UNZIPPED

if TYPE_CHECKING:
    from blake3 import blake3

VERSION = 1
MOST = MOST_UNZIPPED
"""Bytes of the largest executable in a cache."""
LONGEST = 1024
"""Bytes of the longest header."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"[0-9A-Za-z_-]{8,200}")
_NAMES = {"lambdabuild", "key", "sha256", "size", "blake3"}


class Header(NamedTuple):
    """The header of an entry."""

    key: str
    sha256: str
    """In hex."""
    size: int
    """Bytes."""
    blake3: str
    """In hex."""
    hmac: str | None = None
    """In hex; None if it is not signed."""

    @property
    def text(self) -> str:
        """The line of JSON that is stored."""
        fields = {"lambdabuild": VERSION} | self._asdict()
        if self.hmac is None:
            del fields["hmac"]
        return json.dumps(fields) + "\n"


def seal(key: str, pieces: Iterable[bytes], sha256: str, size: int, secret: bytes | None) -> Header:
    """Return the header for an executable of `size` bytes, signed if there is a secret."""
    if not _KEY.fullmatch(key) or not _DIGEST.fullmatch(sha256):
        raise ValueError(f"not for a cache: {key!r}, {sha256!r}")
    header = Header(key, sha256, size, "")
    keyed, plain = _hasher(header), hashlib.sha256()
    for piece in pieces:
        keyed.update(piece)
        plain.update(piece)
        size -= len(piece)
    if size or plain.hexdigest() != sha256:
        raise BadEntryError("it was replaced meanwhile")
    header = header._replace(blake3=keyed.hexdigest())
    return header._replace(hmac=_sign(header, secret)) if secret else header


def read_header(text: str, key: str, secret: bytes | None) -> Header:
    """Return the header that was stored under a key."""
    try:
        fields = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError) as error:
        raise BadEntryError("its header is damaged") from error
    if not isinstance(fields, dict):
        raise BadEntryError("its header is damaged")
    if fields.get("lambdabuild") != VERSION:
        raise BadEntryError("it is of another version of lambdabuild")
    sha256, size, blake3 = fields.get("sha256"), fields.get("size"), fields.get("blake3")
    signature = fields.get("hmac")
    if (
        set(fields) - {"hmac"} != _NAMES
        or not (isinstance(sha256, str) and _DIGEST.fullmatch(sha256))
        or not (isinstance(blake3, str) and _DIGEST.fullmatch(blake3))
        or not (type(size) is int and 0 <= size <= MOST)
        or not (signature is None or (isinstance(signature, str) and signature.isascii()))
    ):
        raise BadEntryError("its header is damaged")
    if fields["key"] != key:
        raise BadEntryError("it is the entry of something else")
    header = Header(key, sha256, size, blake3, signature)
    if secret:
        if signature is None:
            raise BadEntryError("it is not signed")
        if not hmac.compare_digest(signature, _sign(header, secret)):
            raise BadEntryError("its signature is wrong")
    return header


def checked(header: Header, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of an executable, and check at the end that they are what the header says."""
    hasher, left = _hasher(header), header.size
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            break
        hasher.update(piece)
        yield piece
    if left or hasher.hexdigest() != header.blake3:
        raise BadEntryError("it is damaged")


def to_object(header: Header, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the object of an executable in a store: the header, and the frames."""
    yield header.text.encode()
    yield from pack(checked(header, pieces))


def from_object(
    chunks: Iterable[bytes], length: int, key: str, secret: bytes | None
) -> tuple[Header, Iterator[bytes]]:
    """Return the header of an object of `length` bytes, and the pieces of its executable.

    Of an object that is no entry, or not signed, only the first chunk is read; the rest is read and
    checked as the pieces are taken.
    """
    coming = iter(chunks)
    start = b""
    while not (end := start.find(b"\n", 0, LONGEST) + 1):
        chunk = next(coming, b"") if len(start) < LONGEST else b""
        if not chunk:
            raise BadEntryError("it is no entry of a cache")
        start += chunk
    try:
        text = start[:end].decode()
    except UnicodeDecodeError as error:
        raise BadEntryError("it is no entry of a cache") from error
    header = read_header(text, key, secret)
    if not may_be(header.size, length - end):
        raise BadEntryError("it is damaged")
    return header, checked(header, unpack(chain([start[end:]], coming), header.size))


def _hasher(header: Header) -> "blake3":
    from blake3 import blake3

    context = json.dumps([VERSION, header.key, header.sha256, header.size]).encode()
    return blake3(key=hashlib.sha256(context).digest())


def _sign(header: Header, secret: bytes) -> str:
    # JSON keeps the parts apart, whatever they contain.
    signed = ["lambdabuild", VERSION, header.key, header.sha256, header.size, header.blake3]
    return hmac.new(secret, json.dumps(signed).encode(), hashlib.sha256).hexdigest()
