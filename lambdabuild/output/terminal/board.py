"""Show a watch: the last result of each function, and how long ago that was."""

import math
import time
from collections.abc import Collection, Sequence
from typing import NamedTuple

from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.core.text import counted, duration, one_line, some
from lambdabuild.output.report import Relative
from lambdabuild.output.terminal.console import Console

_MINUTE, _HOUR = 60, 3600
_SHOWN = 12
"""Functions on the board at most."""


class Line(NamedTuple):
    """The last result of a function, and when it was by the monotonic clock."""

    name: str
    status: Status
    seconds: float | None
    at: float


def ago(seconds: float) -> str:
    """Return how long ago something was: `just now`, `12 s ago`, `3 min ago`."""
    if seconds < 1:
        return "just now"
    if seconds < _MINUTE:
        return f"{math.floor(seconds)} s ago"
    if seconds < _HOUR:
        return f"{math.floor(seconds / _MINUTE)} min ago"
    return f"{math.floor(seconds / _HOUR)} h ago"


def board_lines(lines: Sequence[Line], now: float, most: int) -> list[str]:
    """Return the board: what failed first, then the latest; `most` lines at most."""
    ordered = sorted(lines, key=lambda line: (line.status is not Status.FAILED, -line.at))
    shown = ordered if len(ordered) <= most else ordered[: most - 1]
    names = [one_line(line.name) for line in shown]
    width = max(map(len, names), default=0)
    text = [
        f"{name.ljust(width)}  {line.status.words.ljust(10)}  "
        f"{duration(line.seconds).rjust(8) if line.seconds is not None else ' ' * 8}  "
        f"{ago(now - line.at)}"
        for name, line in zip(names, shown, strict=True)
    ]
    rest = len(ordered) - len(shown)
    return text if not rest else [*text, f"and {rest} more"]


class Board:
    """Show a watch: on a calm board where there is a terminal, else in plain lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: dict[str, Line] = {}
        self._heading: str | None = None
        self._keys = False
        self._drawn = 0.0

    def open(self, *, interactive: bool) -> None:
        """Begin; `interactive` is whether keys are read."""
        self._keys = interactive

    def watching(self, functions: int) -> None:
        """Report that the first build is done."""
        keys = "; r rebuilds all, f what failed, q quits" if self._keys else "; Ctrl-C stops"
        self._heading = f"watching {counted(functions, 'function')}{keys}"
        if not self._console.boarded:
            self._console.say(self._heading)
        self.draw(at_once=True)

    def changed(self, paths: Sequence[str], names: Sequence[str]) -> None:
        """Report what changed, and the functions that this affects."""
        self._console.built()
        touched = some(names, quote="") or "nothing"
        self._console.say(f"changed: {some(paths, quote='')}; touches {touched}")

    def results(
        self, report: Report, news: Sequence[StepResult], names: Collection[str], relative: Relative
    ) -> None:
        """Report the `news`, and forget the functions that are not among `names`, all there are."""
        now = time.monotonic()

        def line(result: StepResult) -> Line:
            return Line(result.step.function.name, result.status, result.seconds, now)

        for result in report.results:
            self._lines.setdefault(result.step.function.name, line(result))
        self._lines |= {result.step.function.name: line(result) for result in news}
        self._lines = {name: line for name, line in self._lines.items() if name in names}
        if self._heading is None:
            return
        self._console.built()
        for result in news:
            if result.status is not Status.FAILED:
                took = f" in {duration(result.seconds)}" if result.seconds is not None else ""
                why = f" ({result.reason})" if result.reason else ""
                name = result.step.function.name
                self._console.say(f"{result.status.words} {name}{took}{why}")
        self._console.problems(news, report.removed, relative)
        self.draw(at_once=True)

    def next_draw(self) -> float:
        """Return when to draw the board again, by the monotonic clock."""
        if not self._console.boarded or not self._lines:
            return math.inf
        youngest = time.monotonic() - max(line.at for line in self._lines.values())
        return self._drawn + (1 if youngest < _MINUTE else _MINUTE)

    def draw(self, *, at_once: bool = False) -> None:
        """Show the board, where there is one and it is time, or `at_once`."""
        now = time.monotonic()
        if self._heading is None or (not at_once and now < self.next_draw()):
            return
        self._drawn = now
        lines = board_lines(list(self._lines.values()), now, _SHOWN)
        self._console.board(self._heading, lines)

    def close(self) -> None:
        """Remove the board."""
        self._console.built()
