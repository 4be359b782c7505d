"""What a process is at: a start, then one invocation after another; their time and their ends."""

import asyncio
from collections.abc import Callable

from lambdabuild.local.functions import Program
from lambdabuild.local.runtime import failures
from lambdabuild.local.runtime.failures import Failure
from lambdabuild.local.runtime.invocation import Invocation
from lambdabuild.local.runtime.journal import Journal


class Turn:
    """The invocation that a process has, or gets once it has started."""

    def __init__(self, program: Program, journal: Journal, used: Callable[[], int]) -> None:
        """Nothing is in flight; `used` returns the bytes that the process had at most."""
        self._program = program
        self._journal = journal
        self._used = used
        self._loop = asyncio.get_running_loop()
        self.invocation: Invocation | None = None
        self.late = False
        """The start or the invocation took too long."""
        self._begun = 0.0
        """When the invocation or, before that, the process began."""
        self._retried = False
        """The start is part of the invocation: it is the second."""

    @property
    def took(self) -> float:
        """Seconds since it began."""
        return self._loop.time() - self._begun

    def expect(self, invocation: Invocation | None) -> None:
        """Take an invocation; until its end, its log gets what the process prints."""
        self.invocation = invocation
        self._journal.caller = invocation.log if invocation is not None else None

    def start(self, *, retried: bool) -> None:
        """Begin to count the time of a start; a second one is charged to the invocation."""
        self.late = False
        self._retried = retried
        self._journal.init = None
        self._begun = self._loop.time()

    def started(self) -> None:
        """See the end of the start."""
        if not self._retried:
            self._journal.init = self.took
        self._used()

    def budget(self, init: float) -> float | None:
        """Return the seconds that a start may take, `init` at first; None for as long as it likes."""
        if self._retried:
            return self.timeout
        return None if self._program.timeout is None else init

    @property
    def timeout(self) -> float | None:
        """Seconds that the invocation may take; None for as long as it likes."""
        own = self._program.timeout
        if own is None or self.invocation is None or self.invocation.call.timeout is None:
            return own
        return self.invocation.call.timeout

    @property
    def remaining(self) -> float | None:
        """Seconds that are left of them."""
        timeout = self.timeout
        if timeout is not None and self._retried:
            return max(0.0, timeout - self.took)
        return timeout

    def deliver(self) -> None:
        """Begin to count the time of the invocation, unless its start was counted already."""
        if (invocation := self.invocation) is None:
            return
        invocation.deliveries += 1
        if not self._retried:
            self._begun = self._loop.time()
        invocation.began = self._begun
        self._journal.start(invocation)

    def failure(self, invocation: Invocation, how: str = "") -> Failure:
        """Return the failure that the end of the process is; `how` is empty for exit status 0."""
        request_id = invocation.call.request_id
        if self.late:
            return failures.timed_out(request_id, self.timeout or self.took)
        return failures.exited(request_id, how)

    def finish(self, failure: Failure | None = None) -> None:
        """Log the end of the invocation; `failure` is that of the process."""
        if (invocation := self.invocation) is None:
            return
        seconds, limit = self.took, None
        if self.late:
            limit = seconds = self.timeout or seconds
        self._journal.end(invocation, seconds, self._used(), failure, limit)
        self.late = False
        self._retried = False
        self.expect(None)
        invocation.finish(seconds)

    def give_back(self) -> Invocation | None:
        """Return the invocation, which others get."""
        invocation = self.invocation
        self.expect(None)
        return invocation
