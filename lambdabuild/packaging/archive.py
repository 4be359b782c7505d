"""Write zips whose bytes depend on their content only."""

import struct
import time
from collections.abc import Iterable
from typing import NamedTuple

_LEVEL = 4
"""libdeflate gives the same bytes on every processor; docs/design.md has the figures behind it and its
level. `artifact.PACKER` names both."""
_STORED, _DEFLATED = 0, 8
_UTF8 = 0x800
_UNIX, _VERSION = 3, 20
_MOST = 2**32 - 1
"""Bytes that a zip without the zip64 extension can hold; Lambda accepts far less."""

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7, 4.3.12 and 4.3.16.

_FIRST, _LAST = 315532800, 4354819198
"""The times a zip can hold, in seconds since 1970: 1980 to the end of 2107."""


class Member(NamedTuple):
    """A file in a zip."""

    name: str
    content: bytes
    mode: int
    """Its permissions."""


def pack(members: Iterable[Member], epoch: int | None = None) -> bytes:
    """Return a zip of the members, by name.

    `epoch` is the time of each member in seconds since 1970; a zip holds even seconds from 1980, the
    default, to 2107. ValueError means that they are too many or too large for a plain zip.
    """
    import deflate

    ordered = sorted(members, key=lambda item: item.name.encode())
    if len(ordered) >= 1 << 16:
        raise ValueError("a zip holds at most 65,535 files")
    year, month, day, hour, minute, second = time.gmtime(min(max(epoch or 0, _FIRST), _LAST))[:6]
    moment = (hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day)
    pieces: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for member in ordered:
        name = member.name.encode()
        data, method = bytes(deflate.deflate_compress(member.content, _LEVEL)), _DEFLATED
        if len(data) >= len(member.content):
            data, method = member.content, _STORED
        flags = 0 if name.isascii() else _UTF8
        fields = (
            flags, method, *moment, deflate.crc32(member.content), len(data), len(member.content),
            len(name), 0,
        )  # fmt: skip
        if max(offset + len(data), len(member.content)) > _MOST - (1 << 16):
            raise ValueError("it would be larger than 4 GB")
        pieces += [_LOCAL.pack(b"PK\3\4", _VERSION, *fields), name, data]
        attributes = (0o100000 | member.mode) << 16
        directory += [
            _CENTRAL.pack(b"PK\1\2", _VERSION, _UNIX, _VERSION, 0, *fields, 0, 0, 0, attributes,
                          offset),
            name,
        ]  # fmt: skip
        offset += _LOCAL.size + len(name) + len(data)
    size = sum(map(len, directory))
    end = _END.pack(b"PK\5\6", 0, 0, len(ordered), len(ordered), size, offset, 0)
    return b"".join([*pieces, *directory, end])
