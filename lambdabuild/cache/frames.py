"""Compress and decompress executables in constant memory.

libdeflate is twice as fast as zlib here, but has no streams. So an executable is cut into frames of
one length; each is compressed by itself, and preceded by its compressed length in four bytes
(big-endian). On a stripped executable of 5.9 MB that costs 0.2 % of its size.
"""

from collections.abc import Iterable, Iterator

FRAME = 1 << 19
"""Bytes of the executable in a frame; the last one has what is left."""
_LEVEL = 1
"""Of compression. On a stripped Go executable of 6.3 MB: 45 % of it in 0.055 s; level 4, 43 % in
0.087 s; level 6, 42 % in 0.115 s. It competes with the linker for the processor."""
_LENGTH = 4
_LARGEST = FRAME + FRAME // 1000 + 16
"""Bytes of the longest frame: what cannot be compressed grows by 5 for each 5,000, and 9
(libdeflate_deflate_compress_bound)."""
_DENSEST = 1032
"""The best compression ratio of deflate: 258 bytes in two bits (RFC 1951, 3.2.5)."""

_DAMAGED = "it is damaged"


class BadEntryError(Exception):
    """An entry is not what was stored under its key; the text has the reason."""


def may_be(size: int, packed: int) -> bool:
    """Tell whether the frames of an executable of `size` bytes can have `packed` bytes."""
    frames = -(-size // FRAME)
    return size // _DENSEST <= packed <= frames * (_LENGTH + _LARGEST)


def pack(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the frames of an executable that comes in pieces of any length."""
    import deflate

    def frame(content: bytes) -> bytes:
        packed = deflate.deflate_compress(content, _LEVEL)
        return len(packed).to_bytes(_LENGTH, "big") + bytes(packed)

    rest = bytearray()
    for piece in pieces:
        rest += piece
        while len(rest) >= FRAME:
            yield frame(bytes(rest[:FRAME]))
            del rest[:FRAME]
    if rest:
        yield frame(bytes(rest))


def unpack(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield an executable of `size` bytes, in pieces, whose frames come in chunks of any length.

    At most a frame and a chunk are in memory.
    """
    import deflate

    coming = iter(chunks)
    rest = bytearray()

    def take(count: int) -> bytes:
        while len(rest) < count:
            chunk = next(coming, None)
            if chunk is None:
                raise BadEntryError(_DAMAGED)
            rest.extend(chunk)
        taken = bytes(rest[:count])
        del rest[:count]
        return taken

    while size:
        length = int.from_bytes(take(_LENGTH), "big")
        if length > _LARGEST:
            raise BadEntryError(_DAMAGED)
        whole = min(FRAME, size)
        try:
            piece = bytes(deflate.deflate_decompress(take(length), whole))
        except (deflate.DeflateError, ValueError) as error:
            raise BadEntryError(_DAMAGED) from error
        if len(piece) != whole:
            raise BadEntryError(_DAMAGED)
        size -= whole
        yield piece
    if rest or next(coming, b""):
        raise BadEntryError(_DAMAGED)
