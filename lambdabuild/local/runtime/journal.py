"""The log of an instance: what its process prints, between the lines of Lambda itself."""

import logging
import time
from collections.abc import Callable

from lambdabuild.local.functions import LogSink, Program
from lambdabuild.local.runtime import failures, lines
from lambdabuild.local.runtime.failures import Failure
from lambdabuild.local.runtime.invocation import Invocation

log = logging.getLogger(__name__)


class Journal:
    """Writes to the log of the function and, during a call, to that of its caller."""

    def __init__(self, program: Program, sink: Callable[[str, bytes], None]) -> None:
        """Hand all lines to `sink`, with the function's name."""
        self._program = program
        self._sink = sink
        self.caller: LogSink | None = None
        """Who gets the lines as well, for now."""
        self.init: float | None = None
        """Seconds that the start took, until a REPORT says it."""

    def write(self, line: bytes) -> None:
        """Write a whole line, with its newline."""
        try:
            self._sink(self._program.name, line)
            if self.caller is not None:
                self.caller(line)
        except Exception:
            # The function goes on, whoever reads of it.
            log.exception("the log of %s", self._program.name)

    def _write_each(self, several: bytes) -> None:
        for line in several.split(b"\n")[:-1]:
            self.write(line + b"\n")

    def remark(self, words: str) -> None:
        """Write what lambdabuild has to say, and Lambda would not."""
        self.write(f"lambdabuild: {words}\n".encode("utf-8", "surrogateescape"))

    def start(self, invocation: Invocation) -> None:
        """Write START, unless that was done: an event may have been lost with a process."""
        if not invocation.announced:
            invocation.announced = True
            self.write(lines.start(invocation.call.request_id))

    def start_failed(self, kind: str, seconds: float, attempt: str) -> None:
        """Write INIT_REPORT; `kind` is the type of the error."""
        status = lines.status(kind)
        self.write(lines.init_report(seconds=seconds, phase=attempt, status=status))

    def end(
        self,
        invocation: Invocation,
        seconds: float,
        used: int,
        failure: Failure | None = None,
        limit: float | None = None,
    ) -> None:
        """Write END and REPORT, and before them what became of the process.

        `used` is in bytes; `limit` is the timeout in seconds that was exceeded, if it was.
        """
        request_id = invocation.call.request_id
        kind = invocation.ending.error_type if invocation.ending is not None else ""
        self.start(invocation)
        if limit is not None:
            self._write_each(lines.timed_out(request_id, limit, time.time()))
            kind = failures.TIMED_OUT
        elif failure is not None:
            self._write_each(lines.failed(failure.message, failure.error_type))
            kind = failure.error_type
        elif kind not in failures.OF_RESPONSES:
            kind = ""  # the function's own business
        self.write(lines.end(request_id))
        self.write(
            lines.report(
                request_id,
                seconds=seconds,
                memory=self._program.memory,
                used=used,
                init=self.init,
                status=lines.status(kind),
            )
        )
        self.init = None
