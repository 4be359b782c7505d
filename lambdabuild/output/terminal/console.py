"""Everything a person sees while lambdabuild runs, on stderr."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TextIO

from lambdabuild.core.artifact import Artifact
from lambdabuild.core.build import Batch, Plan, Skipped
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Pace, Report, Status, StepResult
from lambdabuild.core.secrets import without_secrets
from lambdabuild.core.target import Target
from lambdabuild.core.text import counted, inert, one_line, visible
from lambdabuild.output import report as text
from lambdabuild.output.terminal.look import Look
from lambdabuild.output.terminal.style import BOLD, DIM, GREEN, RED, Line, Part, styled

if TYPE_CHECKING:
    from lambdabuild.core.build import Event
    from lambdabuild.output.terminal.diagnostics import Layout
    from lambdabuild.output.terminal.pinned import Pinned
    from lambdabuild.output.terminal.progress import Progress

_USUAL_WIDTH = 80
_LINE = 120
"""Columns of source that are shown where there is no terminal."""
_EACH_SHOWN = 50
"""Functions up to which each has a line, where there is no terminal."""
_SHOW_EVERY = 2.0
"""Seconds between two lines, where there are more."""


class Console:
    """Show people what happens: on a live board where there is a terminal, else in plain lines."""

    def __init__(
        self,
        look: Look,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.look = look
        self._clock = clock
        self._stream = stream or sys.stderr
        self._pinned: Pinned | None = None
        self._board: Callable[[], Sequence[Line]] | None = None
        self._progress: Progress | None = None
        self._names: dict[tuple[int, str], str] = {}
        self._drawn = float("-inf")
        self._once: set[str] = set()
        self.warnings: list[str] = []
        self.calm = False
        """Leave out what goes on during a build, except on a board."""
        self.lent: Callable[[], bool] = lambda: False
        """Whether somebody else writes to the terminal for now, so that nothing can be kept there."""
        self.time_of_day: Callable[[], str] | None = None
        """Says what time it is, in front of each message."""

    def say(self, message: str) -> None:
        """Print a line, unless `--quiet`."""
        if not self.look.quiet:
            self._print_inert(self._timed() + one_line(message))

    def tell(self, line: "Line") -> None:
        """Print a line of several parts, unless `--quiet`."""
        if not self.look.quiet:
            shown = [part._replace(text=one_line(part.text)) for part in line]
            self._print_inert(self._timed() + styled(shown, color=self.look.color))

    def log(self, message: str) -> None:
        """Print one or more lines, unless `--quiet`."""
        if not self.look.quiet:
            self._write(message)

    def warn(self, message: str, hint: str | None = None) -> None:
        """Warn of something that is probably not as meant."""
        message = without_secrets(message)
        self.warnings.append(message)
        from lambdabuild.output.terminal.diagnostics import of_warning

        self._lines(of_warning(message, hint))

    def note(self, message: str, hint: str) -> None:
        """Tell, unless `--quiet`, of what is worth a look; no warning, so nothing is strict about it."""
        if not self.look.quiet:
            from lambdabuild.output.terminal.diagnostics import of_note

            self._lines(of_note(message, hint))

    def say_once(self, message: str) -> None:
        """Print a line, unless it was printed before: a watch meets the same facts again."""
        if message not in self._once:
            self._once.add(message)
            self.say(message)

    def warn_once(self, message: str, hint: str | None = None) -> None:
        """Warn, unless that was warned of before."""
        if message not in self._once:
            self._once.add(message)
            self.warn(message, hint)

    def command(self, line: str) -> None:
        """Print a command for the reader of the log, as `github.command` returns it."""
        self._print(line)

    def error(self, error: LambdabuildError, relative: text.Relative) -> None:
        """Report why lambdabuild cannot go on."""
        from lambdabuild.output.terminal.diagnostics import of_error

        self._lines(of_error(error, self._layout(relative)))

    def skipped(self, items: Sequence[Skipped]) -> None:
        """Warn of main packages that are skipped though they were surely meant."""
        for item in items:
            if item.hint:
                self.warn_once(f"`{item.directory}` is not built: {item.reason}", item.hint)

    def building(
        self,
        plan: Plan,
        *,
        jobs: int = 1,
        pace: Callable[[], Pace] = Pace,
        links: bool = True,
    ) -> None:
        """Begin to show progress; `pace` is asked for only if that takes a while."""
        from lambdabuild.output.terminal.progress import Progress

        self.built()
        steps = [step for batch in plan.batches for step in batch.steps]
        labels = text.labels(steps)
        self._progress = Progress.of(
            plan.batches, now=self._clock(), jobs=jobs, pace=pace, links=links
        )
        self._names = {
            (batch.number, step.function.package): labels[step.key]
            for batch in plan.batches
            for step in batch.steps
        }
        if self.calm:
            return
        parts = []
        if functions := len({step.function.name for step in steps}):
            targets = ", ".join(dict.fromkeys(str(step.target) for step in steps))
            verb = "building" if links else "checking"
            parts.append(f"{verb} {counted(functions, 'function')} for {targets}")
        if aside := len({step.function.name for step in plan.set_aside}):
            parts.append(f"{aside if functions else counted(aside, 'function')} cannot be loaded")
        if parts:
            self.say("; ".join(parts))

    def explain(self, plan: Plan, reasons: Mapping[tuple[str, Target], str]) -> None:
        """Print why steps are built, or that they are up to date."""
        if self.look.quiet:
            return
        from lambdabuild.output.causes import causes

        for cause in causes(plan, reasons, everything=self.look.verbose):
            self.tell([Part(cause.subject, cause.style), Part(cause.text)])

    def observe(self, event: "Event | None") -> None:
        """Show an event of a build; None is the passing of time."""
        progress = self._progress
        if progress is None:
            return
        if event is None:
            now = self._clock()
            if self.boarded and not self.lent() and now - self._drawn >= 0.1:  # noqa: PLR2004 - ten frames a second
                self._drawn = now
                width, most = self._columns, min(self.size.lines - 2, 8)
                lines = progress.lines(now, self._names, most, width)
                self._draw(progress.heading(now, width, bar=self._draws_bars), lines)
            return
        progress.take(event)
        if self.boarded or self.look.quiet or self.calm or event.tool != "link":
            return
        name = self._names.get((event.batch.number, event.package), event.package)
        if event.kind == "done" and progress.total > _EACH_SHOWN:
            if (now := self._clock()) - self._drawn >= _SHOW_EVERY:
                self._drawn = now
                self.say(f"linked {progress.linked} of {progress.total}")
        elif event.kind == "done":
            self.say(f"linked {name} ({progress.linked} of {progress.total})")
        elif event.kind == "failed":
            self.say(f"could not link {name}")

    def expecting(
        self, batch: Batch, lock: AbstractContextManager[Any]
    ) -> Callable[[Mapping[str, Sequence[str]]], None] | None:
        """Return what takes the packages of a `go build`, each with those that it imports.

        None where nobody would see what comes of them.
        """
        progress = self._progress
        if progress is None or not self.boarded:
            return None

        def expect(graph: Mapping[str, Sequence[str]]) -> None:
            with lock:
                progress.expect(batch.number, graph)

        return expect

    def built(self) -> None:
        """Stop showing progress."""
        self._progress = None
        if self._board is None and self._pinned is not None:
            self._pinned.remove()

    @property
    def boarded(self) -> bool:
        """Whether there is a terminal on which lines can be kept in place."""
        return self.look.terminal and not self.look.quiet and not self.look.verbose

    @property
    def size(self) -> os.terminal_size:
        """How large the terminal is."""
        return self._pin().size

    def board(self, heading: "Line", lines: "Callable[[], Sequence[Line]]") -> None:
        """Keep a heading and lines at the end of the terminal.

        During a build, its progress takes the place of the heading, and the lines are asked for
        again and again, from whichever thread.
        """
        if self.boarded:
            self._board = lines
            self._pin().show([heading, *lines()])

    @property
    def has_board(self) -> bool:
        """Whether a board is kept."""
        return self._board is not None

    def unboard(self) -> None:
        """Take the board away."""
        self._board = None
        self.built()

    def clear(self) -> None:
        """Clear the screen, but for the board."""
        if self.look.terminal:
            self._pin().clear()

    def ring(self) -> None:
        """Ring the terminal's bell."""
        if self.look.terminal:
            self._pin().ring()

    def stopping(self) -> None:
        """Leave the terminal to whoever stopped this: a signal handler may call it."""
        if self._pinned is not None:
            self._pinned.abandon()

    def _pin(self) -> "Pinned":
        from lambdabuild.output.terminal.pinned import Pinned

        if self._pinned is None:
            self._pinned = Pinned(self._stream, color=self.look.color)
        return self._pinned

    def report(self, report: Report, relative: text.Relative, *, problems: bool = True) -> None:
        """Show the table, the faults if they are `problems` to be told, and the last line."""
        if not self.look.quiet:
            self._table(report)
        self.problems(report.results if problems else (), report.removed, relative)
        if not self.look.quiet:
            if line := text.slowest(report, self._columns):
                self.say(line)
            self.tell([Part(text.summary(report), GREEN if report.ok else RED)])
        if report.complaint is not None:
            self.error(LambdabuildError(report.complaint), relative)

    def problems(
        self, results: Iterable[StepResult], removed: Iterable[Artifact], relative: text.Relative
    ) -> None:
        """Report what did not build, and the artifacts that were removed."""
        for fault in text.faults(results):
            self.fault(fault, relative)
        for artifact in removed:
            self.say(f"removed {relative(artifact.path)}, which nothing builds any more")

    def fault(self, fault: text.Fault, relative: text.Relative) -> None:
        """Report what did not build, and why."""
        from lambdabuild.output.terminal.diagnostics import of_fault

        self._lines(of_fault(fault, self._layout(relative)))

    def layout(
        self,
        problem: LambdabuildError | None,
        results: Iterable[StepResult],
        relative: text.Relative,
    ) -> list[Line]:
        """Return the lines of what is wrong, as `error` and `problems` print them."""
        problems, faults = [problem] if problem else [], text.faults(results)
        if not problems and not faults:
            return []
        from lambdabuild.output.terminal.diagnostics import of_error, of_fault

        layout = self._layout(relative)
        lines = [line for error in problems for line in of_error(error, layout)]
        return lines + [line for fault in faults for line in of_fault(fault, layout)]

    def _layout(self, relative: text.Relative) -> "Layout":
        from lambdabuild.output.terminal.diagnostics import Layout
        from lambdabuild.output.terminal.excerpt import read_excerpt

        return Layout(relative, read_excerpt, self._columns or _LINE)

    def _lines(self, lines: Iterable[Line]) -> None:
        """Print the lines of an error or a warning, with the time before the first."""
        time = self._timed()
        for line in lines:
            self._print_inert(time + styled(line, color=self.look.color, links=self.look.links))
            time = ""

    def _draw(self, heading: str, lines: Iterable[str]) -> None:
        below = self._board() if self._board else [[Part(f"  {line}")] for line in lines]
        self._pin().show([[Part(heading, BOLD)], *below])

    def _table(self, report: Report) -> None:
        if not self.look.verbose and all(r.status is Status.UP_TO_DATE for r in report.results):
            return
        from lambdabuild.output.terminal import table

        rows = table.rows(report.results, text.imported(report), everything=self.look.verbose)
        for line in table.lines(rows, self._columns, color=self.look.color):
            self._print_inert(line)

    @property
    def _columns(self) -> int | None:
        """The width of the terminal; None where there is none, and nothing is cut."""
        if not self.look.terminal or self.look.columns:
            return self.look.columns
        try:
            # A terminal that does not know has 0.
            return os.get_terminal_size(self._stream.fileno()).columns or _USUAL_WIDTH
        except (OSError, ValueError):
            return _USUAL_WIDTH

    @property
    def _draws_bars(self) -> bool:
        """Whether the terminal is written to in an encoding that has lines."""
        return (self._stream.encoding or "").lower().replace("-", "") == "utf8"

    def _write(self, message: str) -> None:
        self._print_inert(visible(message))

    def _timed(self) -> str:
        """Return the time, where it is told."""
        if self.time_of_day is None:
            return ""
        return styled([Part(f"{self.time_of_day()} ", DIM)], color=self.look.color)

    def _print_inert(self, shown: str) -> None:
        self._print(inert(shown) if self.look.read else shown)

    def _print(self, line: str) -> None:
        if self._pinned is not None:
            self._pinned.above(line)
            return
        # A closed stderr is no reason for a build to fail.
        with contextlib.suppress(OSError):
            # At once: another thread may print as well.
            self._stream.write(f"{line}\n")
            self._stream.flush()


class ConsoleHandler(logging.Handler):
    """Show log records: all for `--verbose`, else warnings where there is no log.

    Python would print those as they are.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(logging.DEBUG if console.look.verbose else logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        if self._console.look.verbose:
            self._console.log(f"{record.levelname.lower()}: {record.getMessage()}")
        elif logging.getLogger(record.name.partition(".")[0]).handlers == [self]:
            self._console.warn(record.getMessage())
