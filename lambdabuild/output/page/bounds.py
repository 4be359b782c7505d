"""Tell from a run's spans how busy its jobs were, and what its time went into."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from lambdabuild.core.result import Activity, Span
from lambdabuild.core.text import duration, one_line

JOBS = (Activity.COMPILE, Activity.LINK)
"""What `go` runs side by side, as many as there are jobs."""
WORDS = {
    Activity.COMPILE: "compiling {}",
    Activity.LINK: "linking {}",
    Activity.PACK: "packing {}",
    Activity.FETCH: "restoring {} from the cache",
    Activity.STORE: "storing {} in the cache",
}
"""What a span with a name is about; of others, the activity says it."""

_PIECES = 240
"""Of the run, in the chart: a few pixels each."""
_BUSY = 0.85
"""The share of the jobs' time from which on only more processors would help."""
_MOSTLY_BUSY = 0.6
"""And the share from which on they would help most, unless the critical path explains the run."""
_EXPLAINED = 0.5
"""The share of the run from which on one thing explains how long it took."""
_WORTH_TELLING = 0.1
_STAGES = {
    Activity.GO_LIST: "`go list`",
    Activity.GIT: "git",
    Activity.SELECT: "selecting functions",
    Activity.RESTORE: "restoring from the cache",
    Activity.SURVEY: "finding what to build",
    Activity.PUBLISH: "publishing",
    Activity.PACK: "packing",
    Activity.STORE: "storing in the cache",
    Activity.GO_BUILD: "`go build` before and after its jobs",
    Activity.RUN: "lambdabuild itself",
}
"""A moment without a job counts as the first of them that it is in."""


class Bound(NamedTuple):
    """What bounded a run."""

    sentence: str
    """Empty where there is nothing to say."""
    by_path: bool
    """The critical path explains how long the run took."""


def busy(spans: Iterable[Span], jobs: int) -> dict[str, Any]:
    """Return how many jobs compiled and linked in each of equal pieces of the run, on average."""
    spans = _forwards(spans)
    start, end = _extent(spans)
    width = (end - start) / _PIECES
    value: dict[str, Any] = {"jobs": jobs}
    for activity in JOBS:
        seconds = [0.0] * _PIECES
        for span in (span for span in spans if span.activity is activity):
            first, last = (
                min(_PIECES - 1, int((moment - start) / width)) for moment in (span.start, span.end)
            )
            for piece in range(first, last + 1):
                begin = start + piece * width
                part = min(span.end, begin + width) - max(span.start, begin)
                seconds[piece] += max(0.0, part)
        value[activity.value] = [round(part / width, 2) for part in seconds]
    return value


def bound(spans: Iterable[Span], jobs: int, processors: int) -> Bound:
    """Tell what bounded a run: the processors, the critical path, or else one of its stages."""
    spans = _forwards(spans)
    if not spans:
        return Bound("", by_path=False)
    start, end = _extent(spans)
    whole = end - start
    running = [span for span in spans if span.activity in JOBS]
    path = [span for span in running if span.critical]
    waited = _length(path)
    by_path = waited >= _EXPLAINED * whole
    share = min(1.0, sum(span.seconds for span in running) / (whole * jobs))
    together = {1: "the job was", 2: "both jobs were"}.get(jobs, f"the {jobs} jobs were")
    used = f"{together} busy {share:.0%} of the time"
    if share >= (_MOSTLY_BUSY if not by_path else _BUSY):
        if processors > jobs:
            there = f"there are {processors} processors (`--jobs`)"
            return Bound(f"The number of jobs bounded this run: {used}, and {there}.", by_path)
        return Bound(f"The processors bounded this run: {used}.", by_path)
    stages = _by_stage(spans, running)
    stage = max(stages, key=stages.__getitem__)
    took = f"{duration(stages[stage])} of {duration(whole)}"
    if by_path:
        longest = max(path, key=lambda span: span.seconds)
        subject, rest = words(longest), ""
        if len(path) > 1:
            subject = f"its {len(path)} steps"
            rest = f", and the longest was {words(longest)} ({duration(longest.seconds)})"
        spent = f"{duration(waited)} of {duration(whole)}"
        sentence = f"The critical path bounded this run: {subject} took {spent}{rest}."
    elif stages[stage] >= _EXPLAINED * whole:
        sentence = f"Most of this run went into {_STAGES[stage]}: {took}."
    elif running:
        sentence = f"No single thing bounded this run: {used}"
        if stages[stage] >= _WORTH_TELLING * whole:
            sentence += f", and {took} went into {_STAGES[stage]}"
        sentence += "."
    else:
        sentence = f"Of this run, {took} went into {_STAGES[stage]}."
    return Bound(sentence, by_path)


def words(span: Span) -> str:
    """Return what a span is about: `linking users-get`, `go list`."""
    told = WORDS.get(span.activity, f"{span.activity.value} {{}}")
    return told.replace("{}", one_line(span.name)).strip()


def _by_stage(spans: Sequence[Span], running: Iterable[Span]) -> dict[Activity, float]:
    """Return the seconds of each stage in which no job ran."""
    seen = list(running)
    known = _length(seen)
    found = {}
    for stage in _STAGES:
        seen += [span for span in spans if span.activity is stage]
        found[stage], known = _length(seen) - known, _length(seen)
    return found


def _length(spans: Iterable[Span]) -> float:
    """Return how long at least one of them lasted."""
    length, until = 0.0, float("-inf")
    for span in sorted(spans, key=lambda span: span.start):
        length += max(0.0, span.end - max(span.start, until))
        until = max(until, span.end)
    return length


def _forwards(spans: Iterable[Span]) -> list[Span]:
    # The system's clock may be put back in the middle of a span.
    return [span._replace(end=max(span.start, span.end)) for span in spans]


def _extent(spans: Sequence[Span]) -> tuple[float, float]:
    start = min((span.start for span in spans), default=0.0)
    # A run that took no time at all has to be drawn nevertheless.
    return start, max([start + 1e-6, *(span.end for span in spans)])
