"""Keep each call of functions, once it is answered."""

import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.functions import Call, Functions, LogSink, Outcome, Streamed
from lambdabuild.local.recording.calls import MOST_BYTES, MOST_CALLS, Calls

log = logging.getLogger(__name__)

Kept = tuple[Call, Outcome, float]

_MOST_STREAMED = 6 * 1024 * 1024
"""Bytes of a streamed response that are kept."""
_PAUSE = 0.2
"""Seconds between writes: of a flood, only the last calls are written; the rest would be removed again."""
_SHARE = 25
"""How many times as long as a write such a pause is at least, so that calls have the processor."""


class Recording:
    """Functions whose calls are kept: by a thread of its own, after they are answered."""

    def __init__(
        self, functions: Functions, calls: Calls, clock: Callable[[], float] = time.time
    ) -> None:
        """Pass all calls on to `functions`; `clock` gives seconds since 1970."""
        self._functions = functions
        self._calls = calls
        self._clock = clock
        self._lock = threading.Lock()
        # Guarded by the lock.
        self._waiting: deque[Kept] = deque()
        self._size = 0
        self._some = threading.Event()
        self._ending = threading.Event()
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
        with self._lock:
            self._waiting.append((call, outcome, self._clock()))
            self._size += len(call.payload) + len(outcome.payload)
            while len(self._waiting) > 1 and (
                len(self._waiting) > MOST_CALLS or self._size > MOST_BYTES
            ):
                old, its, _ = self._waiting.popleft()
                self._size -= len(old.payload) + len(its.payload)
        # Each time that a thread is woken costs the calls more than the test does.
        if not self._some.is_set():
            self._some.set()

    def _write(self) -> None:
        while True:
            self._some.wait()
            self._some.clear()
            ending = self._ending.is_set()
            with self._lock:
                batch = list(self._waiting)
                self._waiting.clear()
                self._size = 0
            began = time.monotonic()
            try:
                for kept in batch:
                    self._calls.keep(*kept)
            except (OSError, LambdabuildError) as error:
                log.warning("calls are not kept: %s", error)
                self._failed = True
                return
            if ending:
                return
            self._ending.wait(max(_PAUSE, (time.monotonic() - began) * _SHARE))

    def flush(self, patience: float = 5.0) -> None:
        """Wait until all calls so far are written; `patience` is in seconds."""
        if self._thread is None or not self._thread.is_alive():
            return
        self._ending.set()
        self._some.set()
        self._thread.join(patience)
        self._ending.clear()
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
