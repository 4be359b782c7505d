"""Keep each call of functions, once it is answered."""

import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.functions import Call, Functions, LogSink, Outcome, Streamed
from lambdabuild.local.recording.calls import Calls

log = logging.getLogger(__name__)

_MOST_STREAMED = 6 * 1024 * 1024
"""Bytes of a streamed response that are kept."""
_AT_ONCE = 100
_A_SECOND = 20
"""Calls that are kept of a flood: so many of its beginning, and then so many a second.

What a person or a page asks for is all kept; a test of load is not slowed down.
"""


class Recording:
    """Functions whose calls are kept: by a thread of its own, after they are answered."""

    def __init__(
        self, functions: Functions, calls: Calls, clock: Callable[[], float] = time.time
    ) -> None:
        """Pass all calls on to `functions`; `clock` gives seconds since 1970."""
        self._functions = functions
        self._calls = calls
        self._clock = clock
        self._waiting: queue.SimpleQueue[tuple[Call, Outcome, float] | None]
        self._waiting = queue.SimpleQueue()
        self._allowed = float(_AT_ONCE)
        self._last = 0.0
        self._thread: threading.Thread | None = None
        self._failed = False

    @property
    def names(self) -> Sequence[str]:
        """The functions that are known, sorted."""
        return self._functions.names

    async def invoke(self, call: Call, log: LogSink | None = None) -> Outcome:
        """Call a function, and return its whole response.

        Raises:
            UnknownFunctionError: there is no such function.

        """
        outcome = await self._functions.invoke(call, log)
        self._keep(call, outcome)
        return outcome

    async def stream(self, call: Call) -> Streamed:
        """Call a function; return as soon as its response begins, or the call has failed.

        Raises:
            UnknownFunctionError: there is no such function.

        """
        return _RecordedStream(await self._functions.stream(call), call, self._keep)

    def _keep(self, call: Call, outcome: Outcome) -> None:
        if self._failed:
            return
        if self._thread is None:
            # A daemon: a full disk that stalls must not keep the process.
            self._thread = threading.Thread(target=self._write, name="calls", daemon=True)
            self._thread.start()
        now = self._clock()
        self._allowed = min(_AT_ONCE, self._allowed + max(0.0, now - self._last) * _A_SECOND)
        self._last = now
        if self._allowed < 1 or self._waiting.qsize() > 2 * _AT_ONCE:
            log.debug("a call of %s is not kept: there are too many", call.function)
            return
        self._allowed -= 1
        self._waiting.put((call, outcome, now))

    def _write(self) -> None:
        while (item := self._waiting.get()) is not None:
            try:
                self._calls.keep(*item)
            except (OSError, LambdabuildError) as error:
                log.warning("calls are not kept: %s", error)
                self._failed = True
                return

    def flush(self, patience: float = 5.0) -> None:
        """Wait until all calls so far are written; `patience` is in seconds."""
        if self._thread is None or not self._thread.is_alive():
            return
        self._waiting.put(None)
        self._thread.join(patience)
        self._thread = None


class _RecordedStream:
    """A stream whose beginning is kept as it passes."""

    def __init__(self, stream: Streamed, call: Call, keep: Callable[[Call, Outcome], None]) -> None:
        self.content_type = stream.content_type
        self._stream = stream
        self._call = call
        self._keep = keep
        self._seen = bytearray()
        self._kept = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the response, piece by piece."""
        async for chunk in self._stream.chunks():
            if len(self._seen) < _MOST_STREAMED:
                self._seen += chunk
            yield chunk

    async def outcome(self) -> Outcome:
        """Return how the invocation ended, after the last chunk."""
        outcome = await self._stream.outcome()
        if not self._kept:
            self._kept = True
            response = outcome.payload if outcome.failed else bytes(self._seen)
            self._keep(self._call, outcome._replace(payload=response))
        return outcome
