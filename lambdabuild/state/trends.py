"""Derive expected times, previous sizes and trends from the history of builds."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.result import SCHEMA, Report, Status, StepResult
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
    """What became of one function for one target in one run; times in seconds, size in bytes."""

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


def run_of(report: Report, time: str) -> Run | None:
    """Return what is noted of a run that ended at `time`; None if it did nothing."""
    results = sorted(report.results, key=lambda r: (r.step.function.name, str(r.step.target)))
    noted = tuple(_timed(result) for result in results if result.status in _NOTED)
    return Run(time, report.go, noted) if noted else None


def _timed(result: StepResult) -> Timed:
    name, target, status = result.step.function.name, str(result.step.target), result.status.value
    if result.status is Status.RESTORED:
        # Fetching is no building: it says nothing of the time that a build takes.
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

    Of a target it is the median of its last five builds that linked. A build that only found the
    executable current had no link, which is most of the work, and one that failed neither; their
    times count only where there are no others. A target without any is taken for an average one.
    """
    expected: dict[str, list[float | None]] = {}
    for (name, _), found in _by_key(runs).items():
        expected.setdefault(name, []).append(_to_expect([timed for _, timed in found]))
    return _together(expected)


def _to_expect(builds: Sequence[Timed]) -> float | None:
    linked = [t.seconds for t in builds if t.seconds and t.link]
    others = [t.seconds for t in builds if t.seconds]
    last = (linked or others)[-_TO_EXPECT:]
    return median(last) if last else None


def _together(expected: Mapping[str, Sequence[float | None]]) -> dict[str, float]:
    """Return the sum of each function's targets; those that nobody knows count as the others."""
    sums = {}
    for name, targets in expected.items():
        known = [seconds for seconds in targets if seconds is not None]
        if known:
            sums[name] = sum(known) / len(known) * len(targets)
    return sums


def times_of(value: Any, path: str | None = None) -> dict[str, float]:
    """Return the seconds that each function took, by a report or a merged one, parsed.

    Functions that were not built in that run are left out; `path` is where it was read.
    """
    taken: dict[str, list[float | None]] = {}
    try:
        if value["schema"] != SCHEMA:
            raise ValueError("schema")  # noqa: TRY301 - told as all that is not a report
        for function in value["functions"]:
            seconds, status = function["seconds"], function["status"]
            known = seconds is not None and seconds > 0 and status != Status.RESTORED
            # More than a year is no time that anybody measured; this refuses NaN as well.
            if known and not seconds < 1e8:  # noqa: PLR2004
                raise ValueError("seconds")  # noqa: TRY301
            taken.setdefault(str(function["name"]), []).append(float(seconds) if known else None)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise LambdabuildError(
            "there are no times in this file",
            at=[path] if path else [],
            hint="give a report, as `--report FILE` and `lambdabuild merge-reports` write it",
        ) from error
    return _together(taken)


def last_sizes(runs: Iterable[Run]) -> dict[Key, int]:
    """Return the bytes of each executable when it was last built or restored."""
    return {t.key: t.size for run in runs for t in _whole(run.functions) if t.size is not None}


def _whole(functions: Iterable[Timed]) -> Iterator[Timed]:
    """Yield what did not fail: where it did, the size is that of an older executable."""
    return (timed for timed in functions if timed.status != Status.FAILED)


def named(runs: Iterable[Run], words: Collection[str]) -> list[str]:
    """Return the names that `words` means, names or globs; all there are if there are no words."""
    known = sorted({timed.name for run in runs for timed in run.functions})
    for word in words:
        if not any(_means(word, name) for name in known):
            raise LambdabuildError(
                f"no function in the history matches `{word}`",
                hint=did_you_mean(word, known) or "`lambdabuild history` shows all there are",
            )
    return [name for name in known if not words or any(_means(word, name) for word in words)]


def _means(word: str, name: str) -> bool:
    return name == word or fnmatchcase(name, word)


class TrendRow(NamedTuple):
    """How one function for one target has fared; times in seconds, sizes in bytes."""

    name: str
    target: str
    runs: int
    """In which it was built, restored, or failed."""
    last: float | None
    """The time of the last build; None if none is known."""
    median: float | None
    """Of the last twenty builds."""
    size: int | None
    first_size: int | None
    """At the first of the last twenty runs that tell."""
    times: tuple[float, ...]
    """Of the last twenty builds, the oldest first."""

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
            sparkline(self.times),
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
        done = list(_whole(timed for _, timed in found))
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
            )
        )
    return sorted(rows, key=lambda row: (-(row.last or 0), row.name, row.target))


def table(rows: Iterable[TrendRow]) -> list[tuple[str, ...]]:
    """Return the cells of the table below `TREND_HEAD`."""
    return [row.cells for row in rows]


def change(last: float | None, usual: float | None) -> str:
    """Return how much slower or quicker than usual: `+12 %`; nothing if it is about the same."""
    if last is None or not usual:
        return ""
    percent = round((last / usual - 1) * 100)
    return f"{percent:+d} %" if percent else ""


def sparkline(values: Sequence[float]) -> str:
    """Return a bar for each value; the largest is full, and nothing would be the lowest.

    The scale begins at 0, so that a few hundredths of jitter do not look like a cliff.
    """
    largest = max(values, default=0.0)
    if not (largest > 0 and math.isfinite(largest)):
        return _BARS[0] * len(values)
    return "".join(_BARS[round(value / largest * (len(_BARS) - 1))] for value in values)


def history_value(runs: Sequence[Run], names: Collection[str] | None = None) -> dict[str, Any]:
    """Return what `history --json` gives (schema 1); runs are in the order they ended in."""
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
