"""Derive expected times, previous sizes and trends from the history of builds."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, NamedTuple

from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.result import SCHEMA, Activity, Pace, Report, Status, StepResult
from lambdabuild.core.text import duration, median, size, size_change

Key = tuple[str, str]
"""A function's name, and its target as `GOOS/GOARCH`."""

_NOTED = (Status.BUILT, Status.UNCHANGED, Status.RESTORED, Status.FAILED)
_BUILT = (Status.BUILT, Status.UNCHANGED)
_TO_EXPECT = 5
"""Builds whose median is the time to expect: a single slow one is no trend."""
_SHOWN = 20
"""Builds that a trend shows."""
_BARS = "▁▂▃▄▅▆▇█"


class Timed(NamedTuple):
    """One function for one target in one run; times in seconds, size in bytes."""

    name: str
    target: str
    status: str
    seconds: float | None
    compile: float | None
    link: float | None
    size: int | None

    @property
    def key(self) -> Key:
        return (self.name, self.target)


class Run(NamedTuple):
    """A run that built something."""

    time: str
    """When it ended: ISO 8601, UTC, to the second."""
    go: str
    functions: tuple[Timed, ...]
    imports: Mapping[str, float] = MappingProxyType({})
    """How long packages took to compile that functions import."""


def run_of(report: Report, time: str) -> Run | None:
    """Return the record of a run that ended at `time`; None if it did nothing."""
    results = sorted(report.results, key=lambda r: (r.step.function.name, str(r.step.target)))
    noted = tuple(_timed(result) for result in results if result.status in _NOTED)
    functions = {result.step.function.package for result in report.results}
    imports = {
        span.name: round(span.seconds, 3)
        for span in report.spans
        if span.activity is Activity.COMPILE and span.name not in functions
    }
    return Run(time, report.go, noted, imports) if noted else None


def _timed(result: StepResult) -> Timed:
    name, target, status = result.step.function.name, str(result.step.target), result.status.value
    if result.status is Status.RESTORED:
        # The time of a restore is not that of a build.
        return Timed(name, target, status, None, None, None, result.size)
    times = (result.seconds, result.compile_seconds, result.link_seconds)
    whole, compiling, linking = [None if time is None else round(time, 3) for time in times]
    return Timed(name, target, status, whole, compiling, linking, result.size)


def _by_key(runs: Iterable[Run]) -> dict[Key, list[tuple[Run, Timed]]]:
    found: dict[Key, list[tuple[Run, Timed]]] = {}
    for run in runs:
        for timed in run.functions:
            found.setdefault(timed.key, []).append((run, timed))
    return found


def recorded_seconds(runs: Iterable[Run]) -> dict[str, float]:
    """Return the seconds to expect of each function, all its targets together.

    Of a target it is the median of its last five builds that linked, which is most of the work. Other
    builds, failed or without changes, count only where none linked. A target without any counts as an
    average one.
    """
    expected: dict[str, list[float | None]] = {}
    for (name, _), found in _by_key(runs).items():
        builds = [timed for _, timed in found if timed.seconds]
        seconds = [t.seconds for t in [t for t in builds if t.link] or builds if t.seconds]
        last = seconds[-_TO_EXPECT:]
        expected.setdefault(name, []).append(median(last) if last else None)
    return _summed(expected)


def pace_of(runs: Sequence[Run]) -> Pace:
    """Return how long the parts of a build are to be expected to take."""
    imports = {name: seconds for run in runs for name, seconds in run.imports.items()}
    functions = {}
    for key, found in _by_key(runs).items():
        linked = [t.seconds for _, t in found if t.status in _BUILT and t.link and t.seconds]
        if linked:
            functions[key] = median(linked[-_TO_EXPECT:])
    return Pace(imports, functions)


def _summed(expected: Mapping[str, Sequence[float | None]]) -> dict[str, float]:
    """Return the sum of each function's targets; unknown ones count as the average."""
    sums = {}
    for name, targets in expected.items():
        known = [seconds for seconds in targets if seconds is not None]
        if known:
            sums[name] = sum(known) / len(known) * len(targets)
    return sums


def times_of(value: Any, path: str | None = None) -> dict[str, float]:
    """Return the seconds of each built function in a report, parsed; `path` is its file."""
    taken: dict[str, list[float | None]] = {}
    try:
        if value["schema"] != SCHEMA:
            raise ValueError("schema")  # noqa: TRY301 - one error for all that is no report
        for function in value["functions"]:
            seconds, status = function["seconds"], function["status"]
            known = seconds is not None and seconds > 0 and status != Status.RESTORED
            # No build takes three years; this refuses NaN as well.
            if known and not seconds < 1e8:  # noqa: PLR2004
                raise ValueError("seconds")  # noqa: TRY301
            taken.setdefault(str(function["name"]), []).append(float(seconds) if known else None)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise LambdabuildError(
            "there are no times in this file",
            at=[path] if path else [],
            hint="give a report, as `--report FILE` and `lambdabuild merge-reports` write it",
        ) from error
    return _summed(taken)


def last_sizes(runs: Iterable[Run]) -> dict[Key, int]:
    """Return the bytes of each executable when it was last built or restored."""
    times = [timed for run in runs for timed in _successful(run.functions)]
    return {timed.key: timed.size for timed in times if timed.size is not None}


def _successful(functions: Iterable[Timed]) -> Iterator[Timed]:
    """Yield what did not fail; else the size is that of an older executable."""
    return (timed for timed in functions if timed.status != Status.FAILED)


def named(runs: Iterable[Run], words: Collection[str]) -> list[str]:
    """Return the names that `words`, names or globs, match; all names if there are no words."""
    known = sorted({timed.name for run in runs for timed in run.functions})
    matched: set[str] = set()
    for word in words:
        found = {name for name in known if name == word or fnmatchcase(name, word)}
        matched |= found
        if not found:
            raise LambdabuildError(
                f"no function in the history matches `{word}`",
                hint=did_you_mean(word, known) or "`lambdabuild history` shows all there are",
            )
    return [name for name in known if not words or name in matched]


class TrendRow(NamedTuple):
    """The trend of one function for one target; times in seconds, sizes in bytes."""

    name: str
    target: str
    runs: int
    """How often it was built, restored, or failed."""
    last: float | None
    """The time of the last build; None if unknown."""
    median: float | None
    """Of the last twenty builds."""
    size: int | None
    first_size: int | None
    """In the first of the last twenty runs with a size."""
    times: tuple[float, ...]
    """Of the last twenty builds, the oldest first."""
    untimed: str = ""
    """Why there are none."""

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        return (
            self.name,
            self.target,
            str(self.runs),
            "" if self.last is None else duration(self.last),
            "" if self.median is None else duration(self.median),
            change(self.last, self.median),
            "" if self.size is None else size(self.size),
            "" if self.first_size is None else size_change(self.first_size, self.size),
            sparkline(self.times) or self.untimed,
        )


TREND_HEAD = (
    *("function", "target", "runs", "last", "median", "change", "size", "change of size", "trend"),
)


def trend_rows(runs: Sequence[Run], names: Collection[str] | None = None) -> list[TrendRow]:
    """Return a row for each function of these names (None: of all), the slowest first."""
    rows = []
    for (name, target), found in _by_key(runs).items():
        if names is not None and name not in names:
            continue
        done = list(_successful(timed for _, timed in found))
        times = tuple([t.seconds for t in done if t.status in _BUILT and t.seconds][-_SHOWN:])
        sizes = [t.size for t in done if t.size is not None][-_SHOWN:]
        rows.append(
            TrendRow(
                name=name,
                target=target,
                runs=len(found),
                last=times[-1] if times else None,
                median=median(times) if times else None,
                size=sizes[-1] if sizes else None,
                first_size=sizes[0] if sizes else None,
                times=times,
                untimed="" if times else _why_untimed([timed.status for _, timed in found]),
            )
        )
    return sorted(rows, key=lambda row: (-(row.last or 0), row.name, row.target))


def _why_untimed(statuses: Collection[str]) -> str:
    if Status.RESTORED in statuses:
        return "no times yet: restored"
    return "" if set(statuses) - {Status.FAILED} else "no times yet: failed"


def table(rows: Iterable[TrendRow]) -> list[tuple[str, ...]]:
    """Return the cells of the table below `TREND_HEAD`."""
    return [row.cells for row in rows]


def change(last: float | None, usual: float | None) -> str:
    """Return how much slower or faster than usual, `+12 %`; nothing if about the same."""
    if last is None or not usual:
        return ""
    percent = round((last / usual - 1) * 100)
    return f"{percent:+d} %" if percent else ""


def sparkline(values: Sequence[float]) -> str:
    """Return a bar for each value; the largest is full.

    The scale begins at 0, so that a few hundredths of jitter do not look like a cliff.
    """
    largest = max(values, default=0.0)
    if not (largest > 0 and math.isfinite(largest)):
        return _BARS[0] * len(values)
    return "".join(_BARS[round(value / largest * (len(_BARS) - 1))] for value in values)


def history_value(runs: Sequence[Run], names: Collection[str] | None = None) -> dict[str, Any]:
    """Return the value of `history --json` (schema 1), with runs in order of their end."""
    return {
        "schema": SCHEMA,
        "functions": [
            {
                "name": name,
                "target": target,
                "runs": [
                    {
                        "time": run.time,
                        "status": timed.status,
                        "seconds": timed.seconds,
                        "compile_seconds": timed.compile,
                        "link_seconds": timed.link,
                        "size": timed.size,
                    }
                    for run, timed in found
                ],
            }
            for (name, target), found in sorted(_by_key(runs).items())
            if names is None or name in names
        ],
    }
