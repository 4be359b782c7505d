"""Keep lines at the end of a terminal, below all that is printed meanwhile."""

import contextlib
import os
import threading
from collections.abc import Sequence
from typing import TextIO

from lambdabuild.core.text import columns, one_line
from lambdabuild.output.terminal.style import Line, Part, styled

# https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_TO_END_OF_LINE, _TO_END_OF_SCREEN = "\x1b[K", "\x1b[J"
_HOME = "\x1b[H"
_USUAL = os.terminal_size((80, 24))


class Pinned:
    """Lines at the end of a terminal; the cursor is behind the last of them, and hidden."""

    def __init__(self, stream: TextIO, *, color: bool) -> None:
        self._stream = stream
        self._color = color
        self._lock = threading.RLock()
        self._shown: list[str] = []
        self._widths: list[int] = []

    @property
    def size(self) -> os.terminal_size:
        """How large the terminal is now."""
        with contextlib.suppress(OSError, ValueError):
            size = os.get_terminal_size(self._stream.fileno())
            # A terminal that does not know has 0.
            return os.terminal_size((size[0] or _USUAL[0], size[1] or _USUAL[1]))
        return _USUAL

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines in place of those before, cut where they would not fit."""
        width, height = self.size
        harmless = [[part._replace(text=one_line(part.text)) for part in line] for line in lines]
        cut = [_cut(line, width - 1) for line in harmless[: max(1, height - 1)]]
        with self._lock:
            start = self._start(width) if self._shown else _HIDE_CURSOR
            self._shown = [styled(line, color=self._color) for line in cut]
            self._widths = [sum(columns(part.text) for part in line) for line in cut]
            self._write(start + self._frame())

    def above(self, text: str) -> None:
        """Print one or more lines, above those that are kept."""
        with self._lock:
            if not self._shown:
                self._write(text + "\n")
                return
            start = self._start(self.size.columns)
            text = text.replace("\n", f"{_TO_END_OF_LINE}\r\n")
            self._write(f"{start}{text}{_TO_END_OF_LINE}\r\n{self._frame()}")

    def clear(self) -> None:
        """Clear the screen, but for the lines that are kept."""
        with self._lock:
            self._write(f"{_HOME}{_TO_END_OF_SCREEN}{self._frame() if self._shown else ''}")

    def ring(self) -> None:
        """Ring the bell."""
        with self._lock:
            self._write("\a")

    def remove(self) -> None:
        """Take the lines away."""
        with self._lock:
            if self._shown:
                self._write(self._start(self.size.columns) + _TO_END_OF_SCREEN + _SHOW_CURSOR)
            self._shown = []

    def abandon(self) -> None:
        """Take the lines away in a signal handler, which may have interrupted a write.

        The stream then admits no other; so this goes past it.
        """
        if self._shown:
            text = self._start(self.size.columns) + _TO_END_OF_SCREEN + _SHOW_CURSOR
            with contextlib.suppress(OSError, ValueError):
                os.write(self._stream.fileno(), text.encode())
        self._shown = []

    def _frame(self) -> str:
        return f"{_TO_END_OF_LINE}\r\n".join(self._shown) + _TO_END_OF_LINE + _TO_END_OF_SCREEN

    def _start(self, width: int) -> str:
        """Return what moves the cursor to where the first line begins.

        A terminal that became narrower has broken longer lines in two, or cut them: nobody can
        tell. There a new screen begins, and the old one scrolls away.
        """
        up = len(self._shown) - 1
        start = "\r" + (f"\x1b[{up}A" if up else "")
        if max(self._widths) < width:
            return start
        return start + _TO_END_OF_SCREEN + "\n" * self.size.lines + _HOME

    def _write(self, text: str) -> None:
        # A closed stderr is no reason for a build to fail.
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()


def _cut(line: Line, width: int) -> list[Part]:
    """Return a line within so many columns, with `…` in place of its end."""
    if sum(columns(part.text) for part in line) <= width:
        return list(line)
    left = width - 1
    cut = []
    for part in line:
        text = part.text
        while columns(text) > left:
            text = text[:-1]
        cut.append(part._replace(text=text))
        left -= columns(text)
        if text != part.text:
            break
    return [*cut, Part("…")]
