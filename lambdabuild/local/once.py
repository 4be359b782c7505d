"""Call one function in this process, with those that it calls, and leave no process."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from lambdabuild.core.errors import Interrupted, LambdabuildError
from lambdabuild.local.front import Front
from lambdabuild.local.functions import (
    Call,
    Functions,
    LogSink,
    NotBuiltError,
    Outcome,
    Platform,
    Program,
    Streamed,
    UnknownFunctionError,
)
from lambdabuild.local.http.messages import Request, Response
from lambdabuild.local.http.server import Server
from lambdabuild.local.recording.calls import Calls
from lambdabuild.local.recording.record import Recording
from lambdabuild.local.runtime.pools import Pools

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class OnDemand:
    """The programs of one call: its own, which is built, and others, built once they are called."""

    def __init__(
        self, first: Program, names: Sequence[str], build: Callable[[str], Program]
    ) -> None:
        """`build` runs on another thread; it raises as `program` does, or a LambdabuildError."""
        self.names = tuple(sorted({first.name, *names}))
        self._programs = {first.name: first}
        self._build = build
        self._one_at_a_time = asyncio.Lock()

    async def program(self, name: str) -> Program:
        """Return a function's program, as it was when it was first called.

        Raises:
            UnknownFunctionError: there is no such function.
            NotBuiltError: it does not build.

        """
        if name not in self.names:
            raise UnknownFunctionError(name)
        async with self._one_at_a_time:
            if name not in self._programs:
                try:
                    self._programs[name] = await asyncio.to_thread(self._build, name)
                except LambdabuildError as error:
                    raise NotBuiltError(str(error)) from error
            return self._programs[name]


def _nothing(_: bytes) -> None:
    """Drop a line: the pools log it as well."""


class _Inner:
    """Functions as those that are called see them: knows when none of them runs."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def names(self) -> Sequence[str]:
        return self._functions.names

    async def invoke(self, call: Call, log: LogSink | None = None) -> Outcome:
        self._running += 1
        self._idle.clear()
        try:
            # With a log, it has ended, and logged all: its process may be.
            return await self._functions.invoke(call, log or _nothing)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def stream(self, call: Call) -> Streamed:
        return await self._functions.stream(call)

    async def idle(self) -> None:
        """Wait until no call runs; an event that was accepted just now has begun."""
        await asyncio.sleep(0)
        await self._idle.wait()


def call_once(
    programs: Callable[[], OnDemand],
    platform: Platform,
    call: Call,
    calls: Calls,
    log: LogSink,
    note: Callable[[str], None],
    abandon: Callable[[], None],
) -> Outcome:
    """Start a function, call it once, keep the call, and end all processes.

    The function finds the others at AWS_ENDPOINT_URL_LAMBDA. What they log goes to `log` as well, with
    their names; events of theirs that nobody waits for are waited for. `note` takes what a person
    should know, on one line. `abandon` ends what is being built.

    Raises:
        Interrupted: a signal came.

    """

    def of_others(name: str, line: bytes) -> None:
        if name != call.function:
            log(f"{name}: ".encode() + line)

    async def run() -> Outcome:
        front: Front | None = None

        async def handle(request: Request) -> Response:
            assert front is not None  # noqa: S101 - no function runs before it is there
            return await front.handle(request)

        server = Server(handle)
        port = await server.listen()
        local = platform._replace(endpoint=f"http://127.0.0.1:{port}")
        pools = Pools(programs(), local, of_others)
        inner = _Inner(pools)
        recording = Recording(pools, calls)
        front = Front(inner, note=note, region=platform.region)
        try:
            outcome = await recording.invoke(call, log)
            await inner.idle()
        finally:
            await server.close()
            await front.close()
            await pools.close()
            recording.flush()
        return outcome

    return _until_signal(run, abandon)


def _until_signal(
    run: Callable[[], Coroutine[Any, Any, Outcome]], abandon: Callable[[], None]
) -> Outcome:
    """Run in an event loop; a signal cancels it, so that it ends its processes."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    stopped = False

    async def guarded() -> Outcome:
        task = asyncio.ensure_future(run())

        def stop() -> None:
            nonlocal stopped
            stopped = True
            task.cancel()
            abandon()

        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, stop)
        return await task

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if stopped:
            raise Interrupted from None
        raise
    finally:
        for number, handler in before.items():
            with contextlib.suppress(TypeError, ValueError):
                signal.signal(number, handler)
