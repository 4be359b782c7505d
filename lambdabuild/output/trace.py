"""Lay spans out in lanes, and write them as a trace that Perfetto and `chrome://tracing` open.

The format is Chrome's trace event format, which has no schema but a description:
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmmOOQtYMH4h6I0nSsKchNAySUc
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from lambdabuild.core.result import Activity, Span

_PROCESS = 1
_RED = "terrible"
"""One of the names that chrome://tracing has colours for."""

_CRITICAL = "critical path"
_OWN = "lambdabuild"
_GROUPS = {
    Activity.GIT: "git",
    Activity.COMPILE: "go",
    Activity.LINK: "go",
    Activity.PACK: "zip",
    Activity.FETCH: "cache",
    Activity.STORE: "cache",
}
"""Where many run at once; all else is a stage of lambdabuild's own."""

CLOCKS = 0.002
"""Seconds by which consecutive stages may seem to overlap: they are timed in several places."""


class Lane(NamedTuple):
    """Spans of which any two are one within the other, or one after the other."""

    name: str
    placed: tuple[tuple[Span, int], ...]
    """By start, each with its depth: how many spans it is within."""


def lanes(spans: Iterable[Span]) -> tuple[Lane, ...]:
    """Return the lanes of a run: the critical path, lambdabuild's stages, then what they started.

    Each span is on one lane; those of the critical path are there once more. Only stages are put
    within each other: what runs side by side has a lane each, as many as were in use at once.
    Where stages overlap by up to `CLOCKS`, that is cut off.
    """
    # The system's clock may be put back in the middle of a span.
    forwards = (span._replace(end=max(span.start, span.end)) for span in spans)
    ordered = sorted(forwards, key=lambda span: (span.start, -span.end))
    groups: dict[str, list[Span]] = {name: [] for name in (_OWN, "git", "go", "zip", "cache")}
    for span in ordered:
        groups[_GROUPS.get(span.activity, _OWN)].append(span)
    critical = _laid_out([span for span in ordered if span.critical], _after)
    stages = _laid_out(groups.pop(_OWN), _within_or_after)
    numbered = {name: _laid_out(own, _after) for name, own in groups.items()}
    return (
        *(Lane(_CRITICAL + (f" {n}" if n > 1 else ""), placed) for n, placed in critical),
        *(Lane(_OWN + (f" {n}" if n > 1 else ""), placed) for n, placed in stages),
        *(Lane(f"{name} {n}", placed) for name, own in numbered.items() for n, placed in own),
    )


def _laid_out(
    spans: Iterable[Span], fitted: Callable[[Span, list[Span]], Span | None]
) -> Iterable[tuple[int, tuple[tuple[Span, int], ...]]]:
    """Give each span the first lane on which it fits; return the lanes, counted from 1.

    `fitted` gets the span and those that are open on a lane: the last one, and what that is within.
    It returns the span as it fits there, or None; if it fits, it removes those that have ended.
    """
    found: list[list[tuple[Span, int]]] = []
    opened: list[list[Span]] = []
    for span in spans:
        fits = ((n, made) for n, around in enumerate(opened) if (made := fitted(span, around)))
        number, made = next(fits, (len(found), span))
        if number == len(found):
            found.append([])
            opened.append([])
        found[number].append((made, len(opened[number])))
        opened[number].append(made)
    return enumerate(map(tuple, found), 1)


def _after(span: Span, around: list[Span]) -> Span | None:
    if around[-1].end > span.start:
        return None
    around.clear()
    return span


def _within_or_after(span: Span, around: list[Span]) -> Span | None:
    start, end, depth = span.start, span.end, len(around)
    while depth:
        last = around[depth - 1]
        if last.start <= start and end <= last.end:
            break
        if last.end <= start + CLOCKS:
            start, depth = max(start, last.end), depth - 1
            end = max(start, end)
        elif end <= last.end + CLOCKS:
            # What was cut may begin after what came after it.
            start, end = max(start, last.start), min(max(end, last.start), last.end)
            break
        else:
            return None
    del around[depth:]
    return span._replace(start=start, end=end)


def trace_text(spans: Sequence[Span], details: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the trace of a run; its times are microseconds from the first span's start.

    `details` are shown as they are: Go's version, say.
    """
    origin = min((span.start for span in spans), default=0.0)
    # One event a line, for grep; in ASCII, so that any name can be written.
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
        copied = lane.name.startswith(_CRITICAL)
        for span, _ in lane.placed:
            yield _event(span, number, origin, copied=copied)


def _metadata(kind: str, thread: int, **values: str | int) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": _PROCESS, "tid": thread, "args": values}


def _event(span: Span, thread: int, origin: float, *, copied: bool) -> dict[str, Any]:
    # Rounding start and end, rather than the duration, keeps what nests nested.
    start, end = (round((moment - origin) * 1e6) for moment in (span.start, span.end))
    return {
        "ph": "X",
        "name": span.name or span.activity.value,
        "cat": f"{span.activity.value},{_CRITICAL}" if copied else span.activity.value,
        "pid": _PROCESS,
        "tid": thread,
        "ts": start,
        "dur": end - start,
        **({"cname": _RED} if span.critical else {}),
        "args": {
            "activity": span.activity.value,
            "seconds": (end - start) / 1e6,
            **({"name": span.name} if span.name else {}),
            **({"critical": True} if span.critical else {}),
        },
    }
