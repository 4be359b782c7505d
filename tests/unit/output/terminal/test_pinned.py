"""Lines that are kept at the end of a terminal, as a terminal shows them."""

import fcntl
import os
import pty
import struct
import termios
import tty
from collections.abc import Iterator

import pyte
import pytest

from lambdabuild.output.terminal.pinned import Pinned
from lambdabuild.output.terminal.style import Line, Part


class Terminal:
    """A terminal, and lines that are kept on it."""

    def __init__(self, columns: int = 20, rows: int = 8) -> None:
        self._ours, self._theirs = pty.openpty()
        tty.setcbreak(self._theirs)
        self._stream = os.fdopen(os.dup(self._theirs), "w")
        self.screen = pyte.Screen(columns, rows)
        self._emulator = pyte.ByteStream(self.screen)
        self.resize(columns, rows)
        self.pinned = Pinned(self._stream, color=True)

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def rows(self) -> list[str]:
        """What a person sees."""
        os.set_blocking(self._ours, False)
        while True:
            try:
                self._emulator.feed(os.read(self._ours, 65536))
            except BlockingIOError:
                shown = "\n".join(row.rstrip() for row in self.screen.display)
                return shown.rstrip("\n").split("\n")

    def close(self) -> None:
        self._stream.close()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    there = Terminal()
    yield there
    there.close()


def lines(*texts: str) -> list[Line]:
    return [[Part(text)] for text in texts]


def test_lines_stay_below_what_is_printed(terminal: Terminal) -> None:
    pinned = terminal.pinned
    pinned.above("first")
    pinned.show(lines("a", "b"))
    assert terminal.rows == ["first", "a", "b"]
    pinned.above("second\nthird")
    assert terminal.rows == ["first", "second", "third", "a", "b"]
    pinned.show(lines("c"))
    assert terminal.rows == ["first", "second", "third", "c"]
    pinned.show(lines("d", "e", "f"))
    for number in range(4):
        pinned.above(f"more {number}")
    assert (
        terminal.rows == ["second", "third", *(f"more {n}" for n in range(4)), "d", "e", "f"][-8:]
    )
    pinned.remove()
    pinned.above("last")
    assert terminal.rows[-2:] == ["more 3", "last"]


def test_what_is_printed_may_be_wider_than_the_terminal(terminal: Terminal) -> None:
    terminal.pinned.show(lines("a", "b"))
    terminal.pinned.above("x" * 20)
    terminal.pinned.above("y" * 45)
    assert terminal.rows == ["x" * 20, "y" * 20, "y" * 20, "y" * 5, "a", "b"]


def test_a_line_that_is_too_wide_is_cut_and_so_are_too_many_lines(terminal: Terminal) -> None:
    terminal.pinned.show([[Part("0123456789", "1"), Part("0123456789", "31")], [Part("語" * 15)]])
    assert terminal.rows == ["012345678901234567…", "".join("語" * 9) + "…"]
    terminal.pinned.show(lines(*map(str, range(20))))
    assert terminal.rows == [*map(str, range(7))]


def test_what_is_kept_is_harmless(terminal: Terminal) -> None:
    terminal.pinned.show(lines("a\nb\tc\x1b[2J"))
    assert terminal.rows == [r"a\nb\tc\x1b[2J"]


def test_the_cursor_is_hidden_as_long_as_there_are_lines(terminal: Terminal) -> None:
    pinned = terminal.pinned
    pinned.show(lines("a"))
    assert (terminal.rows, terminal.screen.cursor.hidden) == (["a"], True)
    pinned.remove()
    assert (terminal.rows, terminal.screen.cursor.hidden) == ([""], False)
    pinned.show(lines("a", "b"))
    pinned.abandon()
    assert (terminal.rows, terminal.screen.cursor.hidden) == ([""], False)
    # What a shell prints meanwhile is left alone.
    pinned.above("stopped")
    pinned.show(lines("a", "b"))
    assert terminal.rows == ["stopped", "a", "b"]


def test_a_smaller_terminal_shows_the_lines_once(terminal: Terminal) -> None:
    pinned = terminal.pinned
    pinned.above("first")
    pinned.show(lines("0123456789", "b", "c"))
    terminal.resize(40, 8)
    pinned.show(lines("0123456789", "b", "c"))
    assert terminal.rows == ["first", "0123456789", "b", "c"]
    terminal.resize(15, 8)
    pinned.show(lines("0123456789", "b", "c"))
    assert terminal.rows == ["first", "0123456789", "b", "c"]
    # Where a line does not fit any more, terminals differ in what becomes of it.
    terminal.resize(8, 4)
    pinned.show(lines("0123456789", "b", "c"))
    assert terminal.rows == ["012345…", "b", "c"]


def test_the_screen_is_cleared_but_for_the_lines(terminal: Terminal) -> None:
    terminal.pinned.above("first")
    terminal.pinned.show(lines("a", "b"))
    terminal.pinned.clear()
    assert terminal.rows == ["a", "b"]
    terminal.pinned.above("second")
    assert terminal.rows == ["second", "a", "b"]
