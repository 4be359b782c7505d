"""Lay out the board of a watch, for a terminal of any size."""

import math
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from lambdabuild.core.result import Status
from lambdabuild.core.text import columns, counted, duration, folded, one_line, padded
from lambdabuild.output.terminal.style import BOLD, DIM, RED, STYLES, Line, Part

_MINUTE, _HOUR = 60, 3600
_HINTS = ("h help", "r rebuild all", "f failed", "c clear", "q quit")
_DROPPED = ("c clear", "r rebuild all", "f failed", "q quit")
"""In this order, where there is not enough room."""
HELP = (
    ("r", "rebuild all functions"),
    ("f", "try again what failed"),
    ("c", "clear the screen"),
    ("Enter", "print a blank line"),
    ("h", "show or hide this help"),
    ("q", "quit, as Ctrl-C does"),
)
"""The keys, and what they do."""
_FOR_LOG = 3
"""Rows that are left to what is printed above the board."""
_NARROWEST = 20
"""Columns that errors are wrapped to at least."""
_STATUS, _TIMES, _PASSED = len("up to date"), len("59 min 59 s"), len("59 min ago")
_SHORTEST_NAME = 16
"""Columns that names keep as long as there is something else to leave out."""


class Row(NamedTuple):
    """The last result of a function, and when it was, or a build began, by the monotonic clock."""

    name: str
    status: Status | None
    """None while it is being built."""
    seconds: float | None
    at: float


class View(NamedTuple):
    """What a board shows."""

    rows: Sequence[Row]
    errors: Sequence[Line] = ()
    """What is wrong, as it is told elsewhere."""
    keys: bool = True
    """Keys are read."""
    help: bool = False


def ago(seconds: float) -> str:
    """Return how long ago something was: `just now`, `12 s ago`, `3 min ago`."""
    if seconds < 1:
        return "just now"
    if seconds < _MINUTE:
        return f"{math.floor(seconds)} s ago"
    if seconds < _HOUR:
        return f"{math.floor(seconds / _MINUTE)} min ago"
    return f"{math.floor(seconds / _HOUR)} h ago"


def heading(view: View, width: int) -> Line:
    """Return the first line: how many functions are watched, how many fail, and the keys."""
    names = {row.name for row in view.rows}
    failing = len({row.name for row in view.rows if row.status is Status.FAILED})
    what = [Part(f"watching {counted(len(names), 'function')}", BOLD)]
    if failing:
        what += [Part(", ", BOLD), Part(f"{failing} failed", RED)]
    left = width - 1 - sum(columns(part.text) for part in what)
    hints: list[tuple[str, ...]] = [_HINTS] if view.keys else [("Ctrl-C stops",)]
    for dropped in _DROPPED if view.keys else ():
        hints.append(tuple(hint for hint in hints[-1] if hint != dropped))
    texts = [f"; {', '.join(some)}" for some in hints]
    return [*what, Part(next((text for text in texts if len(text) <= left), ""), BOLD)]


def below(view: View, now: float, width: int, height: int) -> list[Line]:
    """Return what is below the heading: the help, the errors, and a row for each function.

    What failed comes first, then what is being built, then the latest.
    """
    room = max(1, height - _FOR_LOG - 1)
    lines = help_lines() if view.help else []
    errors, most = error_lines(view.errors, width), _room_for_errors(height)
    if len(errors) > most:
        rest = len(errors) - most + 1
        errors = [*errors[: most - 1], [Part(f"  and {counted(rest, 'more line')}", DIM)]]
    lines += errors
    return [*lines, *_rows(view.rows, now, width, max(1, room - len(lines)))][:room]


def help_lines() -> list[Line]:
    """Return a line for each key."""
    return [[Part(f"  {key.ljust(5)}", BOLD), Part(f"  {what}")] for key, what in HELP]


def error_lines(errors: Sequence[Line], width: int) -> list[Line]:
    """Return the lines of errors, those that are too long wrapped."""
    lines: list[Line] = []
    for line in errors:
        if sum(columns(part.text) for part in line) < width:
            lines.append(line)
        else:
            text = "".join(part.text for part in line)
            lines += [[Part(piece)] for piece in _wrapped(text, width)]
    return lines


def fits(errors: Sequence[Line], width: int, height: int) -> bool:
    """Return whether a board shows all of the errors."""
    return len(error_lines(errors, width)) <= _room_for_errors(height)


def _room_for_errors(height: int) -> int:
    return max(1, (height - _FOR_LOG) // 2)


def _wrapped(text: str, width: int) -> list[str]:
    stripped = text.lstrip()
    indent = " " * (len(text) - len(stripped))
    return textwrap.wrap(
        stripped, max(_NARROWEST, width - 1), initial_indent=indent,
        subsequent_indent=indent + "  ", break_on_hyphens=False,
    ) or [""]  # fmt: skip


def _rows(rows: Sequence[Row], now: float, width: int, most: int) -> list[Line]:
    first = {Status.FAILED: 0, None: 1}
    ordered = sorted(rows, key=lambda row: (first.get(row.status, 2), -row.at, row.name))
    shown = ordered if len(ordered) <= most else ordered[: most - 1]
    names = [one_line(row.name) for row in shown]
    words = [row.status.words if row.status else "building" for row in shown]
    times = [
        duration(now - row.at) if row.status is None
        else "" if row.seconds is None else duration(row.seconds) for row in shown
    ]  # fmt: skip
    passed = ["" if row.status is None else ago(now - row.at) for row in shown]
    wide = max(map(columns, names), default=0)
    # An indent, the longest status there is, and the time that passed; no line reaches the edge.
    left = width - 1 - 2 - (2 + _STATUS)
    with_passed = left - 2 - _PASSED >= min(wide, _SHORTEST_NAME)
    left -= 2 + _PASSED if with_passed else 0
    with_times = left - 2 - _TIMES >= min(wide, 2 * _SHORTEST_NAME)
    left -= 2 + _TIMES if with_times else 0
    wide = max(1, min(wide, left))
    lines: list[Line] = []
    for number, row in enumerate(shown):
        name = padded(folded(names[number], wide), wide)
        time = f"  {times[number].rjust(_TIMES)}" if with_times else ""
        past = f"  {passed[number]}" if with_passed else ""
        style = STYLES.get(row.status, "")
        lines.append(
            [Part(f"  {name}  "), Part(words[number].ljust(_STATUS), style), Part(time + past)]
        )
    rest = len(ordered) - len(shown)
    return [*lines, [Part(f"  and {rest} more", DIM)]] if rest else lines
