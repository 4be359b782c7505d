"""The lines that Lambda itself writes to a function's log: START, END, REPORT and the like."""

import math
from datetime import UTC, datetime

from lambdabuild.local.functions import LATEST


def start(request_id: str) -> bytes:
    """Return the line that an invocation begins with."""
    return f"START RequestId: {request_id} Version: {LATEST}\n".encode()


def end(request_id: str) -> bytes:
    """Return the line after all that the function printed."""
    return f"END RequestId: {request_id}\n".encode()


def report(
    request_id: str,
    *,
    seconds: float,
    memory: int,
    used: int,
    init: float | None = None,
    status: str,
) -> bytes:
    """Return the last line of an invocation.

    `memory` is in MB, `used` in bytes; `init` in seconds, of a cold start. `status` is what `status`
    returned.
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


def init_report(*, seconds: float, phase: str, status: str) -> bytes:
    """Return the line about a start that failed; `phase` is `init`, or `invoke` for the second."""
    fields = [f"INIT_REPORT Init Duration: {seconds * 1000:.2f} ms", f"Phase: {phase}", status]
    return ("\t".join(fields) + "\n").encode()


def status(error_type: str) -> str:
    """Return the last fields of a report about a failure of the platform's; empty for none."""
    if not error_type:
        return ""
    if error_type == "Sandbox.Timedout":
        return "Status: timeout"
    return f"Status: error\tError Type: {error_type}"


def timed_out(request_id: str, seconds: float, now: float) -> bytes:
    """Return the lines about an invocation that took longer than `seconds`; `now` is Unix time."""
    moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")[: -len("+00:00")]
    return f"{moment}Z {request_id} Task timed out after {seconds:.2f} seconds\n\n".encode()


def failed(message: str, error_type: str) -> bytes:
    """Return the lines about a process that ended."""
    return f"{message}\n{error_type}\n".encode("utf-8", "surrogateescape")
