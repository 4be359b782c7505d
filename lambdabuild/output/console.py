"""Everything a person sees while lambdabuild runs, on stderr."""

import contextlib
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TextIO

from lambdabuild.core.build import Plan, Skipped
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Report, Status
from lambdabuild.core.secrets import without_secrets
from lambdabuild.core.target import Target
from lambdabuild.core.text import inert, is_read, one_line, visible
from lambdabuild.output import report as text

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.live import Live

    from lambdabuild.core.build import Event
    from lambdabuild.output.progress import Progress

_STYLES = {
    Status.BUILT: "green",
    Status.RESTORED: "green",
    Status.UNCHANGED: "cyan",
    Status.FAILED: "bold red",
    Status.CANCELLED: "yellow",
}


_NO_WIDTH = 10_000
"""Columns where there is no terminal: nothing is cut."""


_SHOW_CURSOR = b"\x1b[?25h"
"""DECTCEM: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html"""


class Look(NamedTuple):
    """How to talk: decided once, from flags, environment and terminal."""

    terminal: bool
    color: bool
    quiet: bool = False
    verbose: bool = False
    read: bool = False
    """By what takes some lines for commands."""


class _Painted(NamedTuple):
    """A text that is to be painted once it is safe to show."""

    text: str
    paint: Callable[[str], str]


def choose_look(
    color: str, environment: Mapping[str, str], stream: TextIO, *, quiet: bool, verbose: bool
) -> Look:
    """Decide between board and lines, with colour or without (https://no-color.org)."""
    terminal = stream.isatty() and environment.get("TERM") != "dumb"
    wanted = terminal and not environment.get("NO_COLOR")
    if color != "auto":
        wanted = color == "always"
    return Look(terminal, wanted, quiet, verbose, is_read(environment))


class Console:
    """Tell people what happens: a live board on a terminal, plain lines elsewhere."""

    def __init__(self, look: Look, stream: TextIO | None = None) -> None:
        self.look = look
        self._stream = stream or sys.stderr
        self._rich: RichConsole | None = None
        self._live: Live | None = None
        self._progress: Progress | None = None
        self._names: dict[tuple[int, str], str] = {}
        self._drawn = 0.0
        self._warned: set[Skipped] = set()
        self._said: set[str] = set()
        self.warnings: list[str] = []
        """All that was warned of."""
        self.calm = False
        """Leave out what goes on during a build; on a terminal it is shown all the same."""

    def say(self, message: str) -> None:
        """Tell something that a person who asked for quiet does not need."""
        if not self.look.quiet:
            self._write(one_line(message))

    def log(self, message: str) -> None:
        """Tell what was logged, on one or more lines."""
        if not self.look.quiet:
            self._write(message)

    def warn(self, message: str, hint: str | None = None) -> None:
        """Tell something that is probably not as meant."""
        message = without_secrets(message)
        self.warnings.append(message)
        self._write(self._painted("warning", "33;1"), f": {one_line(message)}")
        if hint:
            self._write(f"  hint: {one_line(hint)}")

    def say_once(self, message: str) -> None:
        """Tell something that holds for as long as this goes on, such as a watch."""
        if message not in self._said:
            self._said.add(message)
            self.say(message)

    def warn_once(self, message: str, hint: str | None = None) -> None:
        """Warn of something that holds for as long as this goes on."""
        if message not in self._said:
            self._said.add(message)
            self.warn(message, hint)

    def command(self, line: str) -> None:
        """Print a command for what reads the log, as `github.command` gives it."""
        self._print(line)

    def error(self, error: LambdabuildError) -> None:
        """Tell why lambdabuild cannot go on."""
        self._write(self._painted("error", "31;1"), f": {error}")

    def skipped(self, items: Sequence[Skipped]) -> None:
        """Warn of main packages that are passed over though they were surely meant."""
        for item in items:
            if item.hint and item not in self._warned:
                self._warned.add(item)
                self.warn(f"`{item.directory}` is not built: {item.reason}", item.hint)

    def building(self, plan: Plan) -> None:
        """Begin to show progress."""
        steps = [step for batch in plan.batches for step in batch.steps]
        from lambdabuild.output.progress import Progress

        self._progress = Progress(total=len(steps), started=time.monotonic())
        targets_of = Counter(step.function.name for step in steps)
        for batch in plan.batches:
            for step in batch.steps:
                name = step.function.name
                name += f" for {step.target}" if targets_of[name] > 1 else ""
                self._names[batch.number, step.function.package] = name
        targets = ", ".join(dict.fromkeys(str(step.target) for step in steps))
        functions = len({step.function.name for step in steps})
        noun = "function" if functions == 1 else "functions"
        aside = len({step.function.name for step in plan.set_aside})
        said = [f"building {functions} {noun} for {targets}"] if functions else []
        if aside:
            lone = "" if functions else " function" if aside == 1 else " functions"
            said.append(f"{aside}{lone} cannot be loaded")
        if not self.calm:
            self.say("; ".join(said))
        if self.boarded:
            self._take_down()
            from rich.live import Live

            self._live = Live(
                console=self._rich_console(), auto_refresh=False, transient=True, screen=False
            )
            self._live.start()

    def explain(self, plan: Plan, reasons: Mapping[tuple[str, Target], str]) -> None:
        """Tell why each step is built, or that it is up to date."""
        for line in text.explanation(plan, reasons):
            self.say(line)

    def observe(self, event: "Event | None") -> None:
        """Take an event of a build in; None is the passing of time."""
        progress = self._progress
        if progress is None:
            return
        if event is None:
            self._draw(progress)
            return
        progress.take(event)
        if self._live is not None or self.look.quiet or self.calm or event.tool != "link":
            return
        name = self._names.get((event.batch.number, event.package), event.package)
        if event.kind == "done":
            self.say(f"linked {name} ({progress.linked} of {progress.total})")
        elif event.kind == "failed":
            self.say(f"could not link {name}")

    def built(self) -> None:
        """Stop to show progress, or a board."""
        self._take_down()
        self._progress = None

    def _take_down(self) -> None:
        if self._live is not None:
            self._live.update("", refresh=True)
            self._live.stop()
            self._live = None

    @property
    def boarded(self) -> bool:
        """Whether there is a terminal on which lines can be kept in place."""
        return self.look.terminal and not self.look.quiet and not self.look.verbose

    def board(self, heading: str, lines: Sequence[str]) -> None:
        """Keep a heading and lines at the end of the terminal, until the next `built`."""
        if not self.boarded:
            return
        from rich.live import Live
        from rich.text import Text

        frame = Text(heading, style="bold" if self.look.color else "")
        room = max(1, self._rich_console().height - 2)
        for line in lines[:room]:
            frame.append(f"\n  {one_line(line)}", style="not bold")
        frame.no_wrap = True
        frame.overflow = "ellipsis"
        if self._live is None:
            self._live = Live(
                console=self._rich_console(), auto_refresh=False, transient=True, screen=False
            )
            self._live.start()
        self._live.update(frame, refresh=True)

    def stopping(self) -> None:
        """Leave the terminal to whoever stopped this, with the cursor that a board hides.

        A signal may interrupt what writes to the stream, which then lets nobody else in; so this
        goes past it.
        """
        if self._live is not None:
            with contextlib.suppress(OSError, ValueError):
                os.write(self._stream.fileno(), _SHOW_CURSOR)

    def report(self, report: Report, relative: text.Relative) -> None:
        """Show the table, the faults and the last line."""
        if not self.look.quiet:
            table = text.rows(report.results, everything=self.look.verbose)
            if table:
                self._table(table)
        for fault in text.faults(report.results):
            self.fault(fault, relative)
        for artifact in report.removed:
            self.say(f"removed {relative(artifact.path)}, which nothing builds any more")
        if not self.look.quiet:
            self._write(self._painted(text.summary(report), "1"))

    def fault(self, fault: text.Fault, relative: text.Relative) -> None:
        """Tell what did not build, and why."""
        first, *rest = fault.lines(relative)
        self._write(self._painted("error", "31;1"), f": {first}")
        for line in rest:
            self._write(line)

    def _draw(self, progress: "Progress") -> None:
        now = time.monotonic()
        if self._live is None or now - self._drawn < 0.1:  # noqa: PLR2004 - ten frames a second
            return
        self._drawn = now
        from rich.text import Text

        room = max(1, self._rich_console().height - 2)
        lines = progress.lines(now, self._names, min(room, 8))
        frame = Text(progress.heading(now), style="bold" if self.look.color else "")
        for line in lines:
            frame.append(f"\n  {line}", style="not bold")
        frame.no_wrap = True
        frame.overflow = "ellipsis"
        self._live.update(frame, refresh=True)

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
        console = self._rich_console()
        width = console.width if self.look.terminal else _NO_WIDTH
        colors = ColorSystem.STANDARD if self.look.color else None
        for line in console.render_lines(table, console.options.update(width=width), pad=False):
            parts = [
                _Painted(part.text, partial((part.style or Style()).render, color_system=colors))
                for part in line
            ]
            while parts and not parts[-1].text.strip():
                parts.pop()
            self._write(*parts[:-1], parts[-1]._replace(text=parts[-1].text.rstrip()))

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

    def _painted(self, word: str, code: str) -> _Painted:
        def paint(shown: str) -> str:
            return f"\x1b[{code}m{shown}\x1b[0m" if self.look.color else shown

        return _Painted(word, paint)

    def _write(self, *parts: str | _Painted) -> None:
        """Print a message: the way out for all that people see, whoever wrote what is in it."""
        shown = "".join(
            visible(part) if isinstance(part, str) else part.paint(visible(part.text))
            for part in parts
        )
        self._print(inert(shown) if self.look.read else shown)

    def _print(self, line: str) -> None:
        # Whoever reads stderr may have gone; that is no reason for a build to fail.
        with contextlib.suppress(OSError):
            if self._live is None:
                print(line, file=self._stream, flush=True)
                return
            from rich.text import Text

            self._live.console.print(Text.from_ansi(line))


class Remarks(logging.Handler):
    """Show warnings that are logged, where there is no log: Python would print them as they are."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        if logging.getLogger(record.name.partition(".")[0]).handlers == [self]:
            self._console.warn(record.getMessage())


class ConsoleHandler(logging.Handler):
    """Show log records to a person, for `--verbose`."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.DEBUG)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.log(f"{record.levelname.lower()}: {record.getMessage()}")
