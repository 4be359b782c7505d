"""HTTP requests and responses, as values."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol


class Headers:
    """Header fields in their order; names in any case."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        """Take names as they were written."""
        self._items = tuple(items)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def __contains__(self, name: str) -> bool:
        return any(known.lower() == name.lower() for known, _ in self._items)

    def get(self, name: str, default: str = "") -> str:
        """Return the first value, or `default` where there is none."""
        wanted = name.lower()
        return next((value for known, value in self._items if known.lower() == wanted), default)

    def all(self, name: str) -> list[str]:
        """Return every value of a name, in order."""
        wanted = name.lower()
        return [value for known, value in self._items if known.lower() == wanted]

    def __repr__(self) -> str:
        return f"Headers({list(self._items)!r})"


class TooLargeError(Exception):
    """A body is larger than it may be.

    `size` is how many bytes it has, or at least has: the rest of a very large one is not read.
    """

    def __init__(self, size: int) -> None:
        """`size` is in bytes."""
        super().__init__(f"{size} bytes")
        self.size = size


class BrokenOffError(Exception):
    """The peer went away in the middle of a body."""


class Body(Protocol):
    """A body that is read while it arrives."""

    trailers: Headers
    """What came after it; complete once all of it was read."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield it, piece by piece.

        Raises:
            BrokenOffError: the peer went away.

        """


@dataclass(slots=True)
class Request:
    """A request, as soon as its headers are there."""

    method: str
    target: str
    """Path and query, as sent: nothing is decoded."""
    headers: Headers
    body: Body
    peer: str
    """The IP address that it came from."""
    gone: "asyncio.Future[None]"
    """Done once the peer has closed the connection."""
    version: str = "1.1"
    reset: bool = False
    """The peer left without reading all that was sent to it."""

    @property
    def path(self) -> str:
        """The path, not decoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What comes after the first `?`, not decoded."""
        return self.target.partition("?")[2]

    async def read(self, limit: int) -> bytes:
        """Return the whole body of at most `limit` bytes.

        Raises:
            TooLargeError: it is larger; it was read to its end, or to four times the limit.
            BrokenOffError: the peer went away.

        """
        parts: list[bytes] = []
        size = 0
        async for chunk in self.body.chunks():
            size += len(chunk)
            if size <= limit:
                parts.append(chunk)
            elif size > 4 * limit:
                break
        if size > limit:
            raise TooLargeError(size)
        return b"".join(parts)


@dataclass(slots=True)
class Response:
    """A response: its body is either whole, or comes in chunks."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    chunks: AsyncIterator[bytes] | None = None
    """In place of `body`; an error in it ends the connection, so that the peer knows."""
    reason: str = ""
    """The reason in the status line; empty for the usual one. ASCII."""
