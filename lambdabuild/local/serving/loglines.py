"""Print what functions log, each line with the function's name, one colour a function."""

import threading
import zlib
from collections import deque

from lambdabuild.output.terminal.console import Console
from lambdabuild.output.terminal.style import Part

_COLORS = ("36", "35", "34", "32", "33", "96", "95", "94", "92", "93")
"""Parameters of SGR: none is red, which means an error."""
_MOST = 10_000
"""Lines that wait for a terminal which is slow, or stopped by Ctrl-S."""
_PAUSE = 0.02
"""Seconds between looks for lines; nobody reads faster."""
_LEFT = 2.0
"""Seconds for the last lines to be printed."""


class LogLines:
    """Prints lines on a thread of its own, so that no function waits for a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: deque[tuple[str, bytes]] = deque()
        self._dropped = 0
        self._some = threading.Event()
        self._closed = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log lines", daemon=True)
        self._thread.start()

    def put(self, name: str, line: bytes) -> None:
        """Print a line of a function's log some time; never wait."""
        if self._console.look.quiet:
            return
        if len(self._lines) >= _MOST:
            self._dropped += 1
            return
        self._lines.append((name, line))
        # A thread that is woken for each line would cost a call more than all the rest of it.
        if not self._some.is_set():
            self._some.set()

    def note(self, text: str) -> None:
        """Print a line of the server's own."""
        self.put("", text.encode("utf-8", "replace"))

    def close(self) -> None:
        """Print what is left."""
        self._closed = True
        self._closing.set()
        self._some.set()
        self._thread.join(_LEFT)

    def _run(self) -> None:
        while True:
            self._some.wait()
            self._some.clear()
            while self._lines:
                name, line = self._lines.popleft()
                self._print(name, line)
            if self._dropped:
                count, self._dropped = self._dropped, 0
                self._console.say(f"{count} lines of logs were left out: the terminal is too slow")
            if self._closed:
                return
            self._closing.wait(_PAUSE)

    def _print(self, name: str, line: bytes) -> None:
        # The tabs of REPORT, among others: they would be spelled out.
        text = line.decode("utf-8", "replace").rstrip().replace("\t", "  ")
        if not name:
            self._console.say(text)
            return
        color = _COLORS[zlib.crc32(name.encode("utf-8", "surrogatepass")) % len(_COLORS)]
        self._console.tell([Part(name, color), Part(" | "), Part(text)])
