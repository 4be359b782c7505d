"""Spans as a trace that Perfetto and `chrome://tracing` open.

The format is Chrome's trace event format, which has no schema but a description:
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmmOOQtYMH4h6I0nSsKchNAySUc
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from lambdabuild.core.result import Span
from lambdabuild.output.lanes import CRITICAL, lanes

_PROCESS = 1
_COLOUR = "terrible"
"""One of the names that chrome://tracing has colours for; this one is red."""


def trace_text(spans: Sequence[Span], details: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the trace of a run; its times are microseconds from the first span's start.

    `details` are shown as they are: Go's version, say.
    """
    origin = min((span.start for span in spans), default=0.0)
    # One event a line, so that a trace can be searched with the tools for text; escaped down to
    # ASCII, so that no name keeps it from being written.
    events = ",\n".join(json.dumps(event) for event in _events(spans, origin))
    return (
        f'{{"displayTimeUnit": "ms", "otherData": {json.dumps(dict(details))}, '
        f'"traceEvents": [\n{events}\n]}}\n'
    )


def _events(spans: Sequence[Span], origin: float) -> Iterator[dict[str, Any]]:
    yield _metadata("process_name", 0, name="lambdabuild")
    for number, lane in enumerate(lanes(spans), 1):
        yield _metadata("thread_name", number, name=lane.name)
        yield _metadata("thread_sort_index", number, sort_index=number)
        copied = lane.name.startswith(CRITICAL)
        for span, _ in lane.placed:
            yield _event(span, number, origin, copied=copied)


def _metadata(kind: str, thread: int, **values: str | int) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": _PROCESS, "tid": thread, "args": values}


def _event(span: Span, thread: int, origin: float, *, copied: bool) -> dict[str, Any]:
    # Rounding start and end, rather than the duration, keeps what nests nested.
    start, end = (round((moment - origin) * 1e6) for moment in (span.start, span.end))
    values: dict[str, Any] = {"activity": span.activity.value, "seconds": (end - start) / 1e6}
    if span.name:
        values["name"] = span.name
    if span.critical:
        values["critical"] = True
    return {
        "ph": "X",
        "name": span.name or span.activity.value,
        "cat": f"{span.activity.value},{CRITICAL}" if copied else span.activity.value,
        "pid": _PROCESS,
        "tid": thread,
        "ts": start,
        "dur": end - start,
        **({"cname": _COLOUR} if span.critical else {}),
        "args": values,
    }
