"""Every function with its processes: concurrent calls get processes of their own, others share one."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from lambdabuild.local.functions import (
    Call,
    LogSink,
    NotBuiltError,
    Outcome,
    Platform,
    Program,
    Programs,
)
from lambdabuild.local.runtime import failures
from lambdabuild.local.runtime.instance import Instance
from lambdabuild.local.runtime.invocation import Invocation, Stream

log = logging.getLogger(__name__)

_PATIENCE = 0.25
"""Seconds that a call waits for a process which has answered and not yet asked for more.

Without it, sequential calls would change between two processes.
"""


def nothing(_name: str, _line: bytes) -> None:
    """Drop a line."""


class Pools:
    """All functions, as fronts call them: `Functions` of `local.functions`.

    To be used within one event loop, in whatever thread.
    """

    def __init__(
        self,
        programs: Programs,
        platform: Platform,
        sink: Callable[[str, bytes], None] = nothing,
    ) -> None:
        """`sink` gets a function's name and each whole line of its log; it must not block."""
        self._programs = programs
        self._platform = platform
        self._sink = sink
        self._pools: dict[str, _Pool] = {}

    @property
    def names(self) -> Sequence[str]:
        """The functions that are known, sorted."""
        return self._programs.names

    async def invoke(self, call: Call, log: LogSink | None = None) -> Outcome:
        """Call a function, and return its whole response.

        With `log`, it returns only once REPORT was logged.

        Raises:
            UnknownFunctionError: there is no such function.

        """
        try:
            pool = self._pool(await self._programs.program(call.function))
        except NotBuiltError as error:
            return failures.not_built(str(error)).outcome()
        invocation = Invocation(call, log)
        pool.submit(invocation)
        try:
            return await invocation.done
        finally:
            pool.withdraw(invocation)

    async def stream(self, call: Call) -> Stream:
        """Call a function; return as soon as its response begins, or the call has failed.

        Raises:
            UnknownFunctionError: there is no such function.

        """
        stream = Stream(call)
        try:
            pool = self._pool(await self._programs.program(call.function))
        except NotBuiltError as error:
            stream.settle(failures.not_built(str(error)).outcome())
            return stream
        pool.submit(stream)
        try:
            await stream.begun
        finally:
            pool.withdraw(stream)
        if stream.done.done():
            stream.done.result()  # raises where there was nobody to ask
        return stream

    async def attach(self, name: str) -> None:
        """Have a function ready to be debugged before it is called.

        Where it has `Program.attached`, listen for its process; where it has `Program.prefix`, start
        it now, and after each time that it is retired.

        Raises:
            UnknownFunctionError: there is no such function.
            NotBuiltError: it does not build.
            LambdabuildError: the port is taken.

        """
        if (instance := self._pool(await self._programs.program(name)).open()) is not None:
            await instance.listening

    def retire(self, names: Iterable[str], reason: str = "") -> None:
        """End the processes of functions: idle ones now, busy ones after their call."""
        for name in names:
            if (pool := self._pools.get(name)) is not None:
                log.debug("retire %s: %s", name, reason)
                pool.retire()

    def live(self) -> dict[str, int]:
        """Return how many processes each function has that has any."""
        counts = {name: pool.count for name, pool in self._pools.items()}
        return {name: count for name, count in counts.items() if count}

    async def close(self) -> None:
        """End every process; calls that wait for one are cancelled."""
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    def _pool(self, program: Program) -> "_Pool":
        pool = self._pools.get(program.name)
        if pool is None:
            pool = self._pools[program.name] = _Pool(program, self._platform, self._sink)
        elif pool.program is not program and pool.program != program:
            pool.replace(program)
        return pool


class _Pool:
    """The processes of one function, and the calls that wait for one, first come first served."""

    def __init__(
        self, program: Program, platform: Platform, sink: Callable[[str, bytes], None]
    ) -> None:
        self.program = program
        self._platform = platform
        self._sink = sink
        self._instances: list[Instance] = []
        self._waiting: deque[Invocation] = deque()
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._stands = False
        """It has a process also where nobody calls it."""
        self._renewed = False
        """One is to be started in place of what was retired."""
        self._remark = ""

    @property
    def count(self) -> int:
        return len(self._instances)

    def submit(self, invocation: Invocation) -> None:
        """Give a call to a process: one that waits, a new one, or the next that is free."""
        if self._closed:
            invocation.drop()
            return
        self._waiting.append(invocation)
        self.changed()

    def withdraw(self, invocation: Invocation) -> None:
        """Forget a call that nobody waits for any more, unless a process has it."""
        if invocation in self._waiting:
            self._waiting.remove(invocation)

    def again(self, invocation: Invocation) -> None:
        """Give a call to another process than the one that ended before it read the event."""
        self._waiting.appendleft(invocation)

    def replace(self, program: Program) -> None:
        """Start another program from now on."""
        self.program = program
        self.retire()

    def retire(self) -> None:
        if self.program.attached is not None:
            return  # whoever started it starts it again
        for instance in list(self._instances):
            instance.retire()
        if self._stands:
            self._renewed = True
            self.changed()

    def open(self) -> Instance | None:
        """Listen for a process that somebody else starts, or start one that is debugged.

        Return who does, unless one did already.
        """
        program = self.program
        if program.attached is None and not program.prefix:
            return None
        self._stands = bool(program.prefix)
        if self._instances or self._closed:
            return None
        return self._start(None)

    async def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            self._waiting.popleft().drop()
        instances = list(self._instances)
        for instance in instances:
            instance.end()
        for instance in instances:
            await instance.gone()

    def changed(self) -> None:
        """Give calls to processes, as far as there are any."""
        if any(instance.over for instance in self._instances):
            self._instances = [i for i in self._instances if not i.over]
        while self._waiting and not self._closed:
            ready = next((i for i in self._instances if i.ready), None)
            if ready is None:
                self._start_more()
                break
            ready.take(self._waiting.popleft())
        if self._renewed and not self._instances and not self._closed:
            self._start(None)
        self._renewed = self._renewed and not any(not i.ending for i in self._instances)

    def _start_more(self) -> None:
        """Start processes for calls, but for as many as will find one ready in a moment."""
        loop = asyncio.get_running_loop()
        soon = sum(instance.soon for instance in self._instances)
        for position, invocation in enumerate(list(self._waiting)):
            if position < soon and (until := invocation.since + _PATIENCE) > loop.time():
                if self._timer is None:
                    self._timer = loop.call_at(until, self._again_later)
            elif self._room():
                self._waiting.remove(invocation)
                self._start(invocation)
            else:
                return

    def _again_later(self) -> None:
        self._timer = None
        self.changed()

    def _room(self) -> bool:
        """Tell whether there may be one more process.

        One that is ending does not count, unless the next needs the same port.
        """
        program = self.program
        if program.attached is not None:
            return not self._instances
        if program.prefix:
            return len(self._instances) < program.concurrency
        return sum(not i.ending for i in self._instances) < program.concurrency

    def _start(self, invocation: Invocation | None) -> Instance:
        known, self._remark = self._remark, self.program.remark
        instance = Instance(self.program, self._platform, self._sink, self)
        self._instances.append(instance)
        instance.start(invocation, self._remark if self._remark != known else "")
        return instance
