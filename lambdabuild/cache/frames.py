"""Compress an executable piece by piece, and undo that in memory that does not grow with it.

libdeflate is twice as fast as zlib here, and knows no streams: it makes one piece of bytes of
another. So an executable is cut into frames of one length; each is compressed on its own, and stands
behind its length in four bytes (big-endian). On a stripped one of 5.9 MB that costs 0.2 % of size.
"""

from collections.abc import Iterable, Iterator

FRAME = 1 << 19
"""Bytes of the executable in a frame; the last one has what is left."""
_LEVEL = 1
"""Of compression. On a stripped Go executable of 6.3 MB: 45 % of it in 0.055 s; level 4, 43 % in
0.087 s; level 6, 42 % in 0.115 s. It competes with the linker for the processor."""
_LENGTH = 4
_LARGEST = FRAME + FRAME // 1000 + 16
"""Bytes that a frame comes to at most: what cannot be compressed gets 5 for each 5,000, and 9
(libdeflate_deflate_compress_bound)."""
_DENSEST = 1032
"""Bytes that deflate makes of one, at most: 258 of two bits (RFC 1951, 3.2.5)."""


class DamagedError(Exception):
    """What is read is not what was compressed."""


def may_be(size: int, packed: int) -> bool:
    """Tell whether an executable of `size` bytes can have become `packed` bytes of frames."""
    frames = -(-size // FRAME)
    return size // _DENSEST <= packed <= frames * (_LENGTH + _LARGEST)


def pack(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the frames of an executable that comes in pieces of any length."""
    # Costs a run without anything to do a millisecond.
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

    No more than a frame and a chunk is in memory, whatever comes.

    Raises:
        DamagedError: it is not what was compressed, or more, or less.

    """
    import deflate

    coming = iter(chunks)
    rest = bytearray()

    def take(count: int) -> bytes:
        while len(rest) < count:
            chunk = next(coming, None)
            if chunk is None:
                raise DamagedError
            rest.extend(chunk)
        taken = bytes(rest[:count])
        del rest[:count]
        return taken

    while size:
        length = int.from_bytes(take(_LENGTH), "big")
        if length > _LARGEST:
            raise DamagedError
        whole = min(FRAME, size)
        try:
            piece = bytes(deflate.deflate_decompress(take(length), whole))
        except (deflate.DeflateError, ValueError) as error:
            raise DamagedError from error
        if len(piece) != whole:
            raise DamagedError
        size -= whole
        yield piece
    if rest or next(coming, b""):
        raise DamagedError
