"""A terminal on which `lambdabuild watch` runs, and what a person sees there."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator

import pyte

from tests.e2e.conftest import LAMBDABUILD, Project
from tests.e2e.processes import PROMPT

_PIECES = 0.02
"""Seconds without a further piece of what is written at once."""


class Terminal:
    """A watcher on a terminal of its own, and what it wrote there."""

    def __init__(
        self,
        project: Project,
        *arguments: str,
        environment: dict[str, str] | None = None,
        script: str = 'exec "$@"',
        size: tuple[int, int] = (80, 24),
    ) -> None:
        """Start it; `size` is how many columns and rows there are."""
        self._ours, self._theirs = pty.openpty()
        self.bells = 0
        """How often it rang."""
        self.screen = pyte.Screen(*size)
        self._emulator = pyte.ByteStream(self.screen)
        self._tell_size(*size)
        self.before = termios.tcgetattr(self._theirs)
        name = os.ttyname(self._theirs)
        self.text = ""
        """What was written and not waited for yet, without colours and movements."""
        self.process = subprocess.Popen(
            # What opens a terminal as the leader of a session has Ctrl-C sent to it from there.
            [
                "/bin/sh",
                "-c",
                f"exec <{name} >{name} 2>&1; {script}",
                "sh",
                str(LAMBDABUILD),
                "watch",
                *arguments,
            ],
            cwd=project.path,
            env=project.environment | {"TERM": "xterm"} | (environment or {}),
            start_new_session=True,
        )

    @property
    def settings(self) -> list[object]:
        return termios.tcgetattr(self._theirs)

    def _tell_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """Make it larger or smaller; the kernel sends SIGWINCH."""
        self.screen.resize(rows, columns)
        self._tell_size(columns, rows)

    @property
    def rows(self) -> list[str]:
        """What a person sees now, without the empty rows at the end."""
        shown = "\n".join(row.rstrip() for row in self.screen.display).rstrip("\n")
        return shown.split("\n")

    def until(self, holds: Callable[[list[str]], object], within: float = PROMPT) -> list[str]:
        """Wait until what a person sees is so, and return it."""
        end = time.monotonic() + within
        while True:
            # A frame may come in pieces, and half of one is nothing that anybody sees.
            while select.select([self._ours], [], [], _PIECES)[0]:
                self._read(0)
            if holds(self.rows):
                return self.rows
            left = end - time.monotonic()
            assert left > 0, "waited in vain; on the screen:\n" + "\n".join(self.rows)
            self._read(min(left, 0.5))

    def color_of(self, text: str) -> str:
        """Wait until there is one such text on the screen, and return its colour."""
        self.until(lambda rows: sum(text in row for row in rows) == 1)
        (row,) = [y for y, shown in enumerate(self.screen.display) if text in shown]
        characters = self.screen.buffer[row]
        start = self.screen.display[row].index(text)
        (color,) = {characters[start + x].fg for x in range(len(text)) if text[x] != " "}
        return color

    def _read(self, seconds: float) -> None:
        ended = self.process.poll() is not None
        if select.select([self._ours], [], [], seconds)[0]:
            data = os.read(self._ours, 65536)
            self._emulator.feed(data)
            self.bells += data.count(b"\a")
            self.text += _plain(data.decode("utf-8", "replace"))
        else:
            assert not ended, f"it ended; written: {self.text!r}"

    def shows(self, wanted: str, within: float = PROMPT) -> str:
        """Wait until this was written, and return all that was up to it."""
        end = time.monotonic() + within
        while wanted not in self.text:
            left = end - time.monotonic()
            assert left > 0, f"waited in vain for {wanted!r}; written: {self.text!r}"
            self._read(min(left, 0.5))
        before, _, self.text = self.text.partition(wanted)
        return before + wanted

    def press(self, key: str) -> None:
        os.write(self._ours, key.encode())

    def wait(self) -> int:
        """Wait for the end, reading what is written meanwhile."""
        end = time.monotonic() + PROMPT
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it goes on; written: {self.text!r}"
            if select.select([self._ours], [], [], 0.05)[0]:
                self._read(0)
        return self.process.returncode

    def hang_up(self) -> None:
        """Close the window that the terminal is in."""
        os.close(self._ours)
        self._ours = os.open(os.devnull, os.O_RDONLY)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "")


@contextlib.contextmanager
def on_terminal(
    project: Project,
    *arguments: str,
    environment: dict[str, str] | None = None,
    script: str = 'exec "$@"',
    size: tuple[int, int] = (80, 24),
) -> Iterator[Terminal]:
    """Watch on a terminal, until the board is there."""
    terminal = Terminal(project, *arguments, environment=environment, script=script, size=size)
    try:
        terminal.shows("watching ", within=60)
        terminal.shows("q quit")
        yield terminal
    finally:
        terminal.close()
