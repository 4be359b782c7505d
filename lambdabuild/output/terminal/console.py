"""Everything a person sees while lambdabuild runs, on stderr."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TextIO

from lambdabuild.core.artifact import Artifact
from lambdabuild.core.build import Plan, Skipped
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.core.secrets import without_secrets
from lambdabuild.core.target import Target
from lambdabuild.core.text import counted, inert, is_read, one_line, visible
from lambdabuild.output import report as text
from lambdabuild.output.terminal import hyperlinks
from lambdabuild.output.terminal.style import BOLD, Line, Part

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.live import Live

    from lambdabuild.core.build import Event
    from lambdabuild.output.terminal.diagnostics import Layout
    from lambdabuild.output.terminal.progress import Progress

_STYLES = {
    Status.BUILT: "green",
    Status.RESTORED: "green",
    Status.UNCHANGED: "cyan",
    Status.FAILED: "bold red",
    Status.CANCELLED: "yellow",
}
_NO_WIDTH = 10_000
"""Columns where there is no terminal: nothing is cut."""
_LINE = 120
"""Columns of source that are shown there."""
_SHOW_CURSOR = b"\x1b[?25h"
"""DECTCEM: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html"""


class Look(NamedTuple):
    """How to print: decided once, from flags, environment and terminal."""

    terminal: bool
    color: bool
    quiet: bool = False
    verbose: bool = False
    read: bool = False
    """By a CI system that takes some lines for commands."""
    links: bool = False
    """On a terminal that takes hyperlinks."""


def choose_look(
    color: str, environment: Mapping[str, str], stream: TextIO, *, quiet: bool, verbose: bool
) -> Look:
    """Decide between board and lines, with colour or without (https://no-color.org)."""
    terminal = stream.isatty() and environment.get("TERM") != "dumb"
    colored = color == "always"
    if color == "auto":
        colored = terminal and not environment.get("NO_COLOR")
    links = terminal and colored and hyperlinks.taken(environment)
    return Look(terminal, colored, quiet, verbose, is_read(environment), links)


class Console:
    """Show people what happens: on a live board where there is a terminal, else in plain lines."""

    def __init__(self, look: Look, stream: TextIO | None = None) -> None:
        self.look = look
        self._stream = stream or sys.stderr
        self._rich: RichConsole | None = None
        self._live: Live | None = None
        self._progress: Progress | None = None
        self._names: dict[tuple[int, str], str] = {}
        self._drawn = 0.0
        self._once: set[str] = set()
        self.warnings: list[str] = []
        self.calm = False
        """Leave out what goes on during a build, except on a board."""

    def say(self, message: str) -> None:
        """Print a line, unless `--quiet`."""
        self.log(one_line(message))

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

    def building(self, plan: Plan) -> None:
        """Begin to show progress."""
        from lambdabuild.output.terminal.progress import Progress

        self.built()
        steps = [step for batch in plan.batches for step in batch.steps]
        labels = text.labels(steps)
        self._progress = Progress(total=len(steps), started=time.monotonic())
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
            parts.append(f"building {counted(functions, 'function')} for {targets}")
        if aside := len({step.function.name for step in plan.set_aside}):
            parts.append(f"{aside if functions else counted(aside, 'function')} cannot be loaded")
        self.say("; ".join(parts))

    def explain(self, plan: Plan, reasons: Mapping[tuple[str, Target], str]) -> None:
        """Print why each step is built, or that it is up to date."""
        for line in text.explanation(plan, reasons):
            self.say(line)

    def observe(self, event: "Event | None") -> None:
        """Show an event of a build; None is the passing of time."""
        progress = self._progress
        if progress is None:
            return
        if event is None:
            now = time.monotonic()
            if self.boarded and now - self._drawn >= 0.1:  # noqa: PLR2004 - ten frames a second
                self._drawn = now
                lines = progress.lines(now, self._names, min(self._room, 8))
                self._draw(progress.heading(now), lines)
            return
        progress.take(event)
        if self.boarded or self.look.quiet or self.calm or event.tool != "link":
            return
        name = self._names.get((event.batch.number, event.package), event.package)
        if event.kind == "done":
            self.say(f"linked {name} ({progress.linked} of {progress.total})")
        elif event.kind == "failed":
            self.say(f"could not link {name}")

    def built(self) -> None:
        """Stop showing progress, or a board."""
        if self._live is not None:
            self._live.update("", refresh=True)
            self._live.stop()
        self._live = self._progress = None

    @property
    def boarded(self) -> bool:
        """Whether there is a terminal on which lines can be kept in place."""
        return self.look.terminal and not self.look.quiet and not self.look.verbose

    def board(self, heading: str, lines: Sequence[str]) -> None:
        """Keep a heading and lines at the end of the terminal, until the next `built`."""
        if self.boarded:
            self._draw(heading, map(one_line, lines[: self._room]))

    def stopping(self) -> None:
        """Leave the terminal to whoever stopped this, with the cursor that a board hides.

        A signal may interrupt a write to the stream, which then admits no other; so this goes past
        it.
        """
        if self._live is not None:
            with contextlib.suppress(OSError, ValueError):
                os.write(self._stream.fileno(), _SHOW_CURSOR)

    def report(self, report: Report, relative: text.Relative) -> None:
        """Show the table, the faults and the last line."""
        table = text.rows(report.results, everything=self.look.verbose)
        if table and not self.look.quiet:
            self._table(table)
        self.problems(report.results, report.removed, relative)
        if not self.look.quiet:
            self._lines([(Part(text.summary(report), BOLD),)])

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

    def _layout(self, relative: text.Relative) -> "Layout":
        from lambdabuild.output.terminal.diagnostics import Layout
        from lambdabuild.output.terminal.frame import read_frame

        width = self._rich_console().width if self.look.terminal else _LINE
        return Layout(relative, read_frame, width)

    def _lines(self, lines: Iterable[Line]) -> None:
        """Print lines of styled parts; whatever is in them, nobody obeys it."""
        for line in lines:
            shown = "".join(self._part(part) for part in line)
            self._print_inert(shown)

    def _part(self, part: Part) -> str:
        shown = visible(part.text)
        if self.look.color and part.style:
            shown = f"\x1b[{part.style}m{shown}\x1b[0m"
        if self.look.links and part.file:
            shown = hyperlinks.link(shown, part.file)
        return shown

    def _draw(self, heading: str, lines: Iterable[str]) -> None:
        from rich.live import Live
        from rich.text import Text

        frame = Text(heading, style="bold" if self.look.color else "")
        for line in lines:
            frame.append(f"\n  {line}", style="not bold")
        frame.no_wrap = True
        frame.overflow = "ellipsis"
        if self._live is None:
            console = self._rich_console()
            self._live = Live(console=console, auto_refresh=False, transient=True, screen=False)
            self._live.start()
        self._live.update(frame, refresh=True)

    @property
    def _room(self) -> int:
        """How many lines fit below a heading."""
        return max(1, self._rich_console().height - 2)

    def _table(self, rows: Sequence[text.Row]) -> None:
        from rich.color import ColorSystem
        from rich.style import Style
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold" if self.look.color else "")
        columns = len(text.TABLE_HEAD) - (not any(row.zip for row in rows))
        for head in text.TABLE_HEAD[:columns]:
            table.add_column(head, justify="left" if head in text.TABLE_HEAD[:3] else "right",
                             no_wrap=True)  # fmt: skip
        for row in rows:
            cells = [Text(one_line(cell)) for cell in row.cells[:columns]]
            cells[2].stylize(_STYLES.get(row.status, ""))
            table.add_row(*cells)
        colors = ColorSystem.STANDARD if self.look.color else None
        for line in self._rich_console().render_lines(table, pad=False):
            shown = [
                (part.style or Style()).render(visible(part.text), color_system=colors)
                for part in line
            ]
            self._print_inert("".join(shown).rstrip())

    def _rich_console(self) -> "RichConsole":
        if self._rich is None:
            from rich.console import Console as RichConsole

            self._rich = RichConsole(
                file=self._stream,
                force_terminal=self.look.terminal,
                color_system="standard" if self.look.color else None,
                no_color=not self.look.color,
                highlight=False,
                width=None if self.look.terminal else _NO_WIDTH,
            )
        return self._rich

    def _write(self, message: str) -> None:
        self._print_inert(visible(message))

    def _print_inert(self, shown: str) -> None:
        self._print(inert(shown) if self.look.read else shown)

    def _print(self, line: str) -> None:
        # A closed stderr is no reason for a build to fail.
        with contextlib.suppress(OSError):
            if self._live is None:
                print(line, file=self._stream, flush=True)
                return
            from rich.text import Text

            self._live.console.print(Text.from_ansi(line))


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
