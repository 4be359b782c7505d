"""Lay spans out in lanes, so that on each of them one is within another or after it."""

import heapq
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lambdabuild.core.result import Activity, Span

CRITICAL = "critical path"
OWN = "lambdabuild"
_GROUPS = {
    Activity.GIT: "git",
    Activity.COMPILE: "go",
    Activity.LINK: "go",
    Activity.PACK: "zip",
    Activity.FETCH: "cache",
    Activity.STORE: "cache",
}
"""Where many are under way at once; all else is a stage of lambdabuild's own."""
_ORDER = (OWN, "git", "go", "zip", "cache")

CLOCKS = 0.002
"""Seconds by which stages may overlap that did not: some are timed apart from what they are in."""


class Placed(NamedTuple):
    """A span on a lane, and how many spans it is within there."""

    span: Span
    depth: int = 0


class Lane(NamedTuple):
    """Spans of which any two are one within the other, or one after the other."""

    name: str
    placed: tuple[Placed, ...]
    """By start."""

    @property
    def depth(self) -> int:
        """How many spans lie within each other at most."""
        return 1 + max((item.depth for item in self.placed), default=0)


def lanes(spans: Iterable[Span]) -> tuple[Lane, ...]:
    """Return the lanes of a run: the critical path, lambdabuild's stages, then what they started.

    Each span is on one lane; those of the critical path are there once more. Only stages are put
    within each other: what runs side by side has a lane each, as many as were in use at once.
    Where stages overlap by up to `CLOCKS`, that is cut off.
    """
    ordered = sorted((_forwards(span) for span in spans), key=_start)
    groups: dict[str, list[Span]] = {name: [] for name in _ORDER}
    for span in ordered:
        groups[_GROUPS.get(span.activity, OWN)].append(span)
    path = _numbered(CRITICAL, _side_by_side([s for s in ordered if s.critical]), from_one=False)
    stages = _numbered(OWN, _nested(groups.pop(OWN)), from_one=False)
    rest = [_numbered(name, _side_by_side(items)) for name, items in groups.items()]
    return tuple(lane for group in (path, stages, *rest) for lane in group)


def _start(span: Span) -> tuple[float, float]:
    return span.start, -span.end


def _forwards(span: Span) -> Span:
    # The system's clock may be put back in the middle of a span.
    return span if span.end >= span.start else span._replace(end=span.start)


def _numbered(name: str, found: Sequence[Sequence[Placed]], *, from_one: bool = True) -> list[Lane]:
    return [
        Lane(f"{name} {number}" if from_one or number > 1 else name, tuple(placed))
        for number, placed in enumerate(found, 1)
    ]


def _side_by_side(spans: Iterable[Span]) -> list[list[Placed]]:
    """Give each span the first lane that is free, so that there are as few as can be."""
    found: list[list[Placed]] = []
    busy: list[tuple[float, int]] = []
    free: list[int] = []
    for span in spans:
        while busy and busy[0][0] <= span.start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            number = heapq.heappop(free)
        else:
            number = len(found)
            found.append([])
        found[number].append(Placed(span))
        heapq.heappush(busy, (span.end, number))
    return found


def _nested(spans: Iterable[Span]) -> list[list[Placed]]:
    """Give each span the first lane on which it is within another or after it."""
    found: list[list[Placed]] = []
    opened: list[list[Span]] = []
    for span in spans:
        fits = ((n, made) for n, around in enumerate(opened) if (made := _fitted(span, around)))
        number, made = next(fits, (len(found), span))
        if number == len(found):
            found.append([])
            opened.append([])
        found[number].append(Placed(made, len(opened[number])))
        opened[number].append(made)
    return found


def _fitted(span: Span, around: list[Span]) -> Span | None:
    """Return the span as it fits behind or into the last ones of a lane; None if it overlaps them.

    `around` are the spans that the last one is in, itself last; those that ended are taken away if
    it fits.
    """
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
