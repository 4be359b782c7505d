"""Show a watch: what changed, what came of it, and the last result of each function."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

from lambdabuild.core.artifact import Artifact
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.core.target import Target
from lambdabuild.core.text import counted, duration, some
from lambdabuild.output.report import Relative
from lambdabuild.output.terminal.console import Console
from lambdabuild.output.terminal.frame import HELP, Row, View, below, fits, heading
from lambdabuild.output.terminal.style import GREEN, RED, Line, Part

_MINUTE = 60
_DRAGGED = 0.15
"""Seconds without another size of the terminal after which that is the one to draw for."""
_NAMED = 5
"""Functions of a change that are named."""
_WORDS = {Status.BUILT: "rebuilt"}
_ASKED = {"r": "rebuild of all", "f": "another try"}
"""What a key asks for."""


def _clock() -> str:
    return time.strftime("%H:%M:%S")


class Board:
    """Show a watch: on a board where there is a terminal, else in plain lines."""

    def __init__(
        self,
        console: Console,
        *,
        bell: bool = False,
        clock: Callable[[], str] = _clock,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show a watch on the console; ring the `bell` when something fails, or is repaired.

        `clock` says what time it is for people, and `now` counts seconds.
        """
        self._console = console
        self._bell = bell
        self._clock = clock
        self._now = now
        self._view = View(())
        self._rows: dict[str, Row] = {}
        self._building: dict[str, Row] = {}
        self._failing: dict[tuple[str, Target], StepResult] = {}
        self._problem: LambdabuildError | None = None
        self._relative: Relative = str
        self._changed: dict[str, None] = {}
        self._asked = ""
        self._told = True
        """Whether what fails was printed, beside being on the board."""
        self._begun = False
        self._drawn = 0.0
        self._settles: float | None = None
        """When a terminal whose size changes has its size, probably."""

    def open(self, *, interactive: bool) -> None:
        """Begin; `interactive` is whether keys are read."""
        self._view = self._view._replace(keys=interactive)

    def first(self, report: Report, relative: Relative) -> None:
        """Report the first build, but for the errors that the board shows."""
        self._console.report(report, relative, problems=not self._visible)

    def watching(self, functions: int) -> None:
        """Report that the first build is done."""
        self._begun = True
        if self._console.boarded:
            self._console.time_of_day = self._clock
        if self._visible:
            self._tell_failures(self._failing.values())
            self.draw(at_once=True)
            return
        keys = "; h lists the keys, q quits" if self._view.keys else "; Ctrl-C stops"
        self._console.say(f"watching {counted(functions, 'function')}{keys}")

    def asked(self, key: str) -> None:
        """Report that somebody wants all functions, or those that failed, to be built again."""
        self._asked = _ASKED[key]
        rows = self._rows.values()
        self._begin(row.name for row in rows if key == "r" or row.status is Status.FAILED)

    def changed(self, paths: Sequence[str], names: Sequence[str]) -> None:
        """Report what changed, and the functions that this affects."""
        # Together with those of a build that was stopped for these.
        self._changed |= dict.fromkeys(paths)
        if not self._console.boarded:
            affected = some(names, quote="") or "nothing"
            self._console.say(f"changed: {some(paths, quote='')}; affected: {affected}")
        elif not names:
            self._console.say(f"{some(paths, quote='')} changed: no function is affected")
        self._begin(names)

    def _begin(self, names: Iterable[str]) -> None:
        now = self._now()
        self._building = {name: Row(name, None, None, now) for name in names}
        self.draw(at_once=True)

    def results(
        self, report: Report, news: Sequence[StepResult], names: Collection[str], relative: Relative
    ) -> None:
        """Report the `news`, and forget the functions that are not among `names`, all there are."""
        self._relative = relative
        failed_before = {name for name, _ in self._failing} & set(names)
        ailing = bool(self._failing) or self._problem is not None
        self._note(report, news, names)
        if not self._begun:
            return
        if self._console.boarded:
            self._say_summary(report, news)
        else:
            self._say_each(report, news)
        self._say_removed(report.removed)
        self._tell_failures(result for result in news if result.status is Status.FAILED)
        repaired = sorted(failed_before - {name for name, _ in self._failing})
        self._say_repaired(repaired, len(set(names)), well=ailing and not self._failing)
        if repaired or any(result.status is Status.FAILED for result in news):
            self._ring()
        self.draw(at_once=True)

    def stuck(self, error: LambdabuildError) -> None:
        """Report why nothing can be built for now."""
        self._building = {}
        self._problem = error
        self._changed, self._asked = {}, ""
        self._note_errors()
        if not self._fits:
            self._console.error(error, self._relative)
            self._told = True
        self._ring()
        self.draw(at_once=True)

    def press(self, key: str) -> None:
        """Do what a key asks of the board: `h`, `c`, or a line end."""
        if key == "c":
            self._console.clear()
        elif key != "h":
            self._console.log("")
        elif not self._visible:
            for name, what in HELP:
                self._console.say(f"{name.ljust(5)}  {what}")
        else:
            self._view = self._view._replace(help=not self._view.help)
            self.draw(at_once=True)

    def next_draw(self) -> float:
        """Return when to draw the board again, by the monotonic clock."""
        if not self._console.boarded or not self._rows:
            return math.inf
        if self._settles is not None:
            return self._settles
        youngest = self._now() - max(row.at for row in self._rows.values())
        return self._drawn + (1 if youngest < _MINUTE else _MINUTE)

    def draw(self, *, at_once: bool = False, resized: bool = False) -> None:
        """Show the board, where there is one and it is time, or `at_once`.

        A terminal that was `resized` may be so again in a moment: somebody drags its corner.
        """
        if resized:
            self._settles = self._now() + _DRAGGED
        if not self._begun or not self._visible:
            return
        now = self._now()
        if self._console.has_board and not at_once and now < self.next_draw():
            return
        self._drawn, self._settles = now, None
        self._console.board(heading(self._seen, self._console.size.columns), self._lines)

    @property
    def _seen(self) -> View:
        return self._view._replace(rows=list((self._rows | self._building).values()))

    def _lines(self) -> list[Line]:
        return below(self._seen, self._now(), *self._console.size)

    def close(self) -> None:
        """Remove the board; what it showed of errors stays on the terminal."""
        self._console.time_of_day = None
        self._console.unboard()
        if not self._told:
            if self._problem is not None:
                self._console.error(self._problem, self._relative)
            self._console.problems(self._failing.values(), (), self._relative)

    def _note(self, report: Report, news: Iterable[StepResult], names: Collection[str]) -> None:
        now = self._now()
        for result in news:
            if result.status is Status.FAILED:
                self._failing[result.step.key] = result
            else:
                self._failing.pop(result.step.key, None)
        self._failing = {key: result for key, result in self._failing.items() if key[0] in names}
        failing = {name for name, _ in self._failing}

        def row(result: StepResult) -> Row:
            name = result.step.function.name
            status = Status.FAILED if name in failing else result.status
            return Row(name, status, _seconds(result, report), now)

        for result in report.results:
            self._rows.setdefault(result.step.function.name, row(result))
        self._rows |= {result.step.function.name: row(result) for result in news}
        self._rows = {name: row for name, row in self._rows.items() if name in names}
        self._building = {}
        self._problem = None
        self._note_errors()

    def _note_errors(self) -> None:
        errors = self._console.layout(self._problem, self._failing.values(), self._relative)
        self._view = self._view._replace(errors=errors)
        self._told = not errors

    @property
    def _visible(self) -> bool:
        return self._console.boarded and not self._console.lent()

    @property
    def _fits(self) -> bool:
        """Whether the board shows all that fails."""
        return self._visible and fits(self._view.errors, *self._console.size)

    def _tell_failures(self, results: Iterable[StepResult]) -> None:
        """Print what did not build, unless the board shows all of it."""
        if not self._fits:
            self._console.problems(results, (), self._relative)
            self._told = True

    def _say_summary(self, report: Report, news: Sequence[StepResult]) -> None:
        """Print one line for a change, and all that was built for it."""
        paths, asked = self._changed, self._asked
        if not news and any(result.status is Status.CANCELLED for result in report.results):
            # It is built again at once.
            return
        self._changed, self._asked = {}, ""
        if not news:
            if asked:
                self._console.say(f"{asked}: nothing to build")
            return
        start = asked
        if paths:
            start = f"{some(list(paths), quote='')} changed"
        elif not asked:
            reasons = dict.fromkeys(result.reason for result in news if result.reason)
            start = some(list(reasons), 1, quote="")
        by_status: dict[Status, dict[str, None]] = defaultdict(dict)
        for result in news:
            by_status[result.status][result.step.function.name] = None
        parts = [Part(f"{start}: " if start else "")]
        took = f" in {duration(report.seconds)}"
        for status in Status:
            if names := by_status.get(status):
                what = f"{_WORDS.get(status, status.words)} {len(names)}"
                parts += [
                    Part(", " if len(parts) > 1 else ""),
                    Part(what, RED if status is Status.FAILED else ""),
                    Part(
                        took
                        if len(names) == len(self._rows) > _NAMED
                        else f"{took} ({some(list(names), _NAMED, quote='')})"
                    ),
                ]
                took = ""
        self._console.tell(parts)

    def _say_each(self, report: Report, news: Iterable[StepResult]) -> None:
        """Print a line for each function that did not fail."""
        for result in news:
            if result.status is not Status.FAILED:
                seconds = _seconds(result, report)
                took = f" in {duration(seconds)}" if seconds is not None else ""
                why = f" ({result.reason})" if result.reason else ""
                name = result.step.function.name
                self._console.say(f"{result.status.words} {name}{took}{why}")

    def _say_removed(self, removed: Iterable[Artifact]) -> None:
        self._console.problems((), removed, self._relative)

    def _say_repaired(self, names: Sequence[str], functions: int, *, well: bool) -> None:
        parts = []
        if names:
            parts.append(
                f"{some(names, quote='')} {'builds' if len(names) == 1 else 'build'} again"
            )
        if well and functions > 1:
            parts.append(f"all {functions} functions build")
        if parts:
            self._console.tell([Part("; ".join(parts), GREEN)])

    def _ring(self) -> None:
        if self._bell and self._begun:
            self._console.ring()


def _seconds(result: StepResult, report: Report) -> float | None:
    """Return how long a function took: where nothing was linked, what its packages took counts."""
    return report.seconds if result.status is Status.UNCHANGED else result.seconds
