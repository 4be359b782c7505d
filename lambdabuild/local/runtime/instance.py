"""An execution environment: a Runtime API of its own, and the process that calls it."""

import asyncio
import logging
import os.path
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.functions import LATEST, Platform, Program
from lambdabuild.local.http.server import Server
from lambdabuild.local.runtime import failures
from lambdabuild.local.runtime.api import Phase, RuntimeApi
from lambdabuild.local.runtime.environment import environment
from lambdabuild.local.runtime.failures import Failure
from lambdabuild.local.runtime.invocation import Invocation
from lambdabuild.local.runtime.journal import Journal
from lambdabuild.local.runtime.output import Output
from lambdabuild.local.runtime.process import Process, reason, remedy
from lambdabuild.local.runtime.turn import Turn

log = logging.getLogger(__name__)

INIT_BUDGET = 10.0
"""Seconds: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
_GRACE = 0.5
"""Seconds between SIGTERM and SIGKILL, where an extension in the process asked for the former.

A debugger needs it too, to take along what it started: delve puts that into another process group.
"""
_LAST_WORDS = 0.5
"""Seconds for what a process sent before it ended to be read."""
_MOST_DELIVERIES = 3


class Owner(Protocol):
    """Who has the instance."""

    def changed(self) -> None:
        """Look again: it has become ready, or is about to be, or has ended."""

    def again(self, invocation: Invocation) -> None:
        """Give an invocation to another: this one ended without reading the event."""


class Instance:
    """One process at a time, which has one invocation at a time."""

    def __init__(
        self,
        program: Program,
        platform: Platform,
        sink: Callable[[str, bytes], None],
        owner: Owner,
    ) -> None:
        """Nothing is started yet; each line of the log goes to `sink`."""
        self.program = program
        self.retiring = False
        """It ends after what it is at."""
        self.over = False
        """It is gone, with its process."""
        self._platform = platform
        self._journal = Journal(program, sink)
        self._turn = Turn(program, self._journal, self._memory)
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._api = RuntimeApi(program, self)
        self._server = Server(self._api.handle)
        self._process: Process | None = None
        self._output: Output | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.listening: asyncio.Future[None] = self._loop.create_future()
        """Done once a process can ask for events; an error where none ever can."""

    # What the pool asks.

    @property
    def ready(self) -> bool:
        """Whether it can take an invocation now."""
        if self._api.phase is not Phase.READY or self.retiring or not self._api.connected:
            return False
        return self._process is None or self._process.alive()

    @property
    def soon(self) -> bool:
        """Whether it has answered, and can be expected to be ready in a moment."""
        return self._api.phase is Phase.ANSWERED and not self.retiring

    @property
    def ending(self) -> bool:
        """Whether it will take no invocation any more."""
        return self.retiring or self.over or self._api.phase is Phase.OVER

    def start(self, invocation: Invocation | None, remark: str = "") -> None:
        """Start a process, which gets `invocation` as soon as it asks; its log begins with `remark`."""
        self._turn.expect(invocation)
        if remark:
            self._journal.remark(remark)
        self._task = self._loop.create_task(self._live())

    def take(self, invocation: Invocation) -> None:
        """Give an invocation to the process, which must be ready."""
        self._turn.expect(invocation)
        self._api.give(invocation, self._turn.remaining)

    def retire(self) -> None:
        """End at once where nothing is in flight, else after that."""
        self.retiring = True
        if self._turn.invocation is None:
            self.end()

    def end(self) -> None:
        """End now, whatever it is at."""
        self._closing.set()
        self._stop()

    async def gone(self) -> None:
        """Wait until nothing of it is left."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    # Its life.

    async def _live(self) -> None:
        try:
            port = await self._server.listen(port=self.program.attached or 0)
            self.listening.set_result(None)
            if self.program.attached is not None or self._closing.is_set():
                await self._closing.wait()
                self._abandon()
            elif not await self._run(f"127.0.0.1:{port}", "init"):
                await self._run(f"127.0.0.1:{port}", "invoke")
        except OSError as error:
            self._give_up(error)
        except Exception as error:
            # Nobody else would tell the caller.
            log.exception("the process of %s", self.program.name)
            if (invocation := self._turn.give_back()) is not None:
                invocation.fail(error)
        finally:
            self._api.phase = Phase.OVER
            self._set_timer(None, self._kill)
            self._kill()
            await self._server.close()
            self.over = True
            self._owner.changed()

    async def _run(self, address: str, attempt: str) -> bool:
        """Run a process to its end; return False if another is to be started for the invocation."""
        program = self.program
        self._api.restart()
        self._turn.start(retried=attempt == "invoke")
        self._output = Output(self._journal.write)
        try:
            self._process = Process(
                (*program.prefix, program.executable),
                os.path.dirname(program.executable),
                environment(program, self._platform, api=address, stream=_stream()),
                self._output.writer,
            )
        except (OSError, ValueError) as error:
            self._output.close()
            return self._not_started(error, attempt)
        self._output.started()
        self._set_timer(self._turn.budget(INIT_BUDGET), self._timed_out)
        ended = await self._process.ended
        await self._server.quiet(_LAST_WORDS)
        self._set_timer(None, self._kill)
        self._output.close()
        return self._ended(ended.words, attempt)

    # What the Runtime API tells.

    def asked(self) -> None:
        """Complete the invocation, or the start, and take what comes next."""
        self._set_timer(None, self._kill)
        if self._output is not None:
            self._output.drain()
        if self._api.invocation is not None:
            self._finish()
            if self.retiring:
                self.end()
                return
        elif self._turn.invocation is not None:
            self._turn.started()
            self._api.give(self._turn.invocation, self._turn.remaining)
            return
        self._owner.changed()

    def delivered(self) -> None:
        """Begin to count the time of the invocation."""
        self._set_timer(self._turn.remaining, self._timed_out)
        self._turn.deliver()

    def answered(self) -> None:
        """Let others know that it will be ready soon."""
        self._owner.changed()

    def broken(self) -> None:
        """Wait for the process to end, though not for long."""
        self._set_timer(_GRACE, self._kill)

    def broken_off(self) -> None:
        """Wait for the end of the process, which says more; if it lives on, the response broke off."""
        if self._turn.invocation is not None:
            self._loop.call_later(_GRACE, self._truncated, self._turn.invocation)

    def away(self) -> None:
        """End a process that neither ends nor asks again."""
        self._set_timer(INIT_BUDGET, self.end)

    def left(self) -> None:
        """Complete the invocation of a process that nobody here started."""
        self._set_timer(None, self._kill)
        self._finish()

    # Ends.

    def _timed_out(self) -> None:
        """End what takes too long: an invocation, or a start."""
        self._turn.late = True
        if self._api.phase is Phase.STARTING:
            self._kill()
            return
        if (invocation := self._turn.invocation) is not None:
            invocation.settle(self._turn.failure(invocation).outcome())
        self._memory()
        if self._process is not None:
            self._stop()
        else:
            self._finish()
            self._api.restart()
        self._owner.changed()

    def _truncated(self, invocation: Invocation) -> None:
        if self._turn.invocation is invocation and invocation.ending is None:
            self._api.settle(failures.truncated(invocation.call.request_id).outcome())

    def _stop(self) -> None:
        """End the process: an extension in it, or a debugger, is given a moment to hear of it."""
        told = self._api.extensions.any or bool(self.program.prefix)
        asked_for = told and self._process is not None
        if asked_for and self._process is not None and self._api.phase is not Phase.OVER:
            self._process.terminate()
            self._set_timer(_GRACE, self._kill)
        elif not asked_for:
            self._kill()
        self._api.phase = Phase.OVER

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _ended(self, how: str, attempt: str) -> bool:
        """Say what the end of the process means; return False if it is to be started once more."""
        invocation = self._turn.invocation
        if invocation is None:
            return True
        failure = self._turn.failure(invocation, how)
        if self._api.phase in {Phase.STARTING, Phase.BROKEN}:
            return self._start_failed(failure, attempt)
        if self._api.unread and not self._turn.late and invocation.deliveries < _MOST_DELIVERIES:
            self._turn.give_back()
            self._owner.again(invocation)
            return True
        invocation.settle(failure.outcome())
        self._finish(failure)
        return True

    def _not_started(self, error: OSError | ValueError, attempt: str) -> bool:
        if (invocation := self._turn.invocation) is None:
            return True
        path = [*self.program.prefix, self.program.executable][0]
        if attempt == "init" and (words := remedy(path, error)):
            self._journal.remark(words)
        failure = failures.not_started(invocation.call.request_id, path, reason(error))
        return self._start_failed(failure, attempt)

    def _start_failed(self, failure: Failure, attempt: str) -> bool:
        """Report it; the first time, the process is started again within the invocation."""
        said = self._api.init_error
        kind = failure.error_type
        if said is not None:
            kind = failures.known_type(said.error_type, "Runtime.Unknown")
        self._journal.start_failed(kind, self._turn.took, attempt)
        if (invocation := self._turn.invocation) is None:
            return True
        if attempt == "init" and not self._closing.is_set():
            return False
        invocation.settle(said or failure.outcome())
        self._finish(failure)
        return True

    def _give_up(self, error: OSError) -> None:
        """Tell the caller that there is no Runtime API, and so no function."""
        port = self.program.attached
        failure = LambdabuildError(
            f"the Runtime API of `{self.program.name}` cannot listen: {reason(error)}",
            hint=f"end what listens on port {port}, or choose another" if port else None,
        )
        if (invocation := self._turn.give_back()) is not None:
            invocation.fail(failure)
        elif not self.listening.done():
            self.listening.set_exception(failure)

    def _abandon(self) -> None:
        """End the invocation of a process that nobody here started."""
        if (invocation := self._turn.invocation) is not None:
            failure = failures.exited(invocation.call.request_id, "")
            invocation.settle(failure.outcome())
            self._finish(failure)

    def _finish(self, failure: Failure | None = None) -> None:
        """Log the end of the invocation; `failure` is that of the process."""
        self._api.invocation = None
        self._turn.finish(failure)

    def _memory(self) -> int:
        return self._process.memory() if self._process is not None else 0

    def _set_timer(self, seconds: float | None, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self._loop.call_later(seconds, then)


def _stream() -> str:
    """Return the name of a log stream, as Lambda makes them."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[{LATEST}]{uuid.uuid4().hex}"
