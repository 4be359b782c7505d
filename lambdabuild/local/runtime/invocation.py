"""One invocation on its way: from the call until its REPORT is logged."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from lambdabuild.local.functions import Call, LogSink, Outcome
from lambdabuild.local.runtime.failures import JSON

_BUFFER = 256 * 1024
"""Bytes of a streamed response that wait for their reader before the function is held up."""


class Invocation:
    """A call, and what has come of it so far."""

    def __init__(self, call: Call, log: LogSink | None = None) -> None:
        """With `log`, it is over only once REPORT was logged."""
        self.call = call
        self.log = log
        self.since = asyncio.get_running_loop().time()
        self.ending: Outcome | None = None
        """How it ended, for the caller; the first ending counts."""
        self.announced = False
        """START was logged."""
        self.deliveries = 0
        """Processes that it was given to: more than one only where the first never read it."""
        self.began: float | None = None
        """When a process got it, by the loop's clock."""
        self.done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def settle(self, outcome: Outcome) -> None:
        """Say how it ended; without a log, that is all the caller waits for."""
        if self.ending is None:
            took = 0.0
            if self.began is not None:
                took = asyncio.get_running_loop().time() - self.began
            self.ending = outcome._replace(seconds=took)
            if self.log is None:
                self._tell(self.ending)

    def finish(self, seconds: float) -> None:
        """Say that REPORT was logged; `seconds` is its Duration."""
        if self.ending is not None:
            self._tell(self.ending._replace(seconds=seconds))

    def fail(self, error: Exception) -> None:
        """Raise an error to the caller: no process could be asked."""
        if not self.done.done():
            self.done.set_exception(error)

    def drop(self) -> None:
        """Cancel whoever waits for it."""
        self.done.cancel()

    def _tell(self, outcome: Outcome) -> None:
        if not self.done.done():
            self.done.set_result(outcome)


class Stream(Invocation):
    """An invocation whose response is read while the function writes it."""

    def __init__(self, call: Call) -> None:
        """Begin without a log: REPORT comes after the response."""
        super().__init__(call)
        self.content_type = JSON
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done at the first byte, or once there will be none."""
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._unread = True
        """Somebody may still want what comes."""
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    async def feed(self, piece: bytes) -> None:
        """Take a piece of the response; wait where the reader is behind."""
        _wake(self.begun)
        if not self._unread or self.ending is not None:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        _wake(self._news)
        while self._size > _BUFFER and self.ending is None:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the response, piece by piece."""
        try:
            while True:
                while self._pieces:
                    piece = self._pieces.popleft()
                    self._size -= len(piece)
                    if self._size <= _BUFFER:
                        _wake(self._room)
                    yield piece
                if self.ending is not None or self.done.done():
                    return
                self._news = asyncio.get_running_loop().create_future()
                await self._news
        finally:
            self._leave()

    async def outcome(self) -> Outcome:
        """Return how the invocation ended; what nobody has read by now is dropped."""
        self._leave()
        return await asyncio.shield(self.done)

    def settle(self, outcome: Outcome) -> None:
        """Say how it ended: the reader gets what is there, and then the end."""
        super().settle(outcome)
        for waiting in (self.begun, self._news, self._room):
            _wake(waiting)

    def fail(self, error: Exception) -> None:
        """Raise an error to the caller."""
        super().fail(error)
        for waiting in (self.begun, self._news, self._room):
            _wake(waiting)

    def drop(self) -> None:
        """Cancel whoever waits for it."""
        super().drop()
        self.begun.cancel()

    def _leave(self) -> None:
        self._unread = False
        self._pieces.clear()
        self._size = 0
        _wake(self._room)


def _wake(waiting: "asyncio.Future[None] | None") -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
