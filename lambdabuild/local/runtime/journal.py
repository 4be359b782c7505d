"""The log of an instance: what its process prints, between the lines of Lambda itself."""

import logging
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime

from lambdabuild.local.functions import LATEST, LogSink, Program
from lambdabuild.local.runtime import failures
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
            self.write(start_line(invocation.call.request_id))

    def start_failed(self, kind: str, seconds: float, attempt: str) -> None:
        """Write INIT_REPORT; `kind` is the type of the error."""
        status = status_fields(kind)
        self.write(init_report_line(seconds=seconds, phase=attempt, status=status))

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
            self._write_each(timed_out_lines(request_id, limit, time.time()))
            kind = failures.TIMED_OUT
        elif failure is not None:
            self._write_each(failed_lines(failure.message, failure.error_type))
            kind = failure.error_type
        elif kind not in failures.OF_RESPONSES:
            kind = ""  # the function's own business
        self.write(end_line(request_id))
        self.write(
            report_line(
                request_id,
                seconds=seconds,
                memory=self._program.memory,
                used=used,
                init=self.init,
                status=status_fields(kind),
            )
        )
        self.init = None


def start_line(request_id: str) -> bytes:
    """Return the line that an invocation begins with."""
    return f"START RequestId: {request_id} Version: {LATEST}\n".encode()


def end_line(request_id: str) -> bytes:
    """Return the line after all that the function printed."""
    return f"END RequestId: {request_id}\n".encode()


def report_line(
    request_id: str,
    *,
    seconds: float,
    memory: int,
    used: int,
    init: float | None = None,
    status: str,
) -> bytes:
    """Return the last line of an invocation.

    `memory` is in MB, `used` in bytes; `init` in seconds, of a cold start. `status` is what
    `status_fields` returned.
    """
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {seconds * 1000:.2f} ms",
        f"Billed Duration: {math.ceil(round(seconds * 1000, 2))} ms",
        f"Memory Size: {memory} MB",
        f"Max Memory Used: {math.ceil(used / (1 << 20))} MB",
    ]
    if init is not None:
        fields.append(f"Init Duration: {init * 1000:.2f} ms")
    return ("\t".join([*fields, status]) + "\n").encode()


def init_report_line(*, seconds: float, phase: str, status: str) -> bytes:
    """Return the line about a start that failed; `phase` is `init`, or `invoke` for the second."""
    fields = [f"INIT_REPORT Init Duration: {seconds * 1000:.2f} ms", f"Phase: {phase}", status]
    return ("\t".join(fields) + "\n").encode()


def status_fields(error_type: str) -> str:
    """Return the last fields of a report about a failure of the platform's; empty for none."""
    if not error_type:
        return ""
    if error_type == "Sandbox.Timedout":
        return "Status: timeout"
    return f"Status: error\tError Type: {error_type}"


def timed_out_lines(request_id: str, seconds: float, now: float) -> bytes:
    """Return the lines about an invocation that took longer than `seconds`; `now` is Unix time."""
    moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")[: -len("+00:00")]
    return f"{moment}Z {request_id} Task timed out after {seconds:.2f} seconds\n\n".encode()


def failed_lines(message: str, error_type: str) -> bytes:
    """Return the lines about a process that ended."""
    return f"{message}\n{error_type}\n".encode("utf-8", "surrogateescape")
