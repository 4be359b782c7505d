"""Run a command on a terminal of its own, and tell what is on the screen when it ends."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

COLUMNS = 100
_ROWS = 40
_CONTROL = re.compile(r"\x1b\[(?P<parameter>[?\d;]*)(?P<kind>[A-Za-z])|(?P<plain>[\r\n])")


def run_on_terminal(
    command: Sequence[str], directory: Path, environment: Mapping[str, str]
) -> tuple[int, str]:
    """Return the exit code of `command` and all that it wrote to its terminal."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, COLUMNS, 0, 0))
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        )
    finally:
        os.close(theirs)
    written = b""
    # Linux ends with an error what macOS ends with nothing.
    with contextlib.suppress(OSError):
        while some := os.read(ours, 65536):
            written += some
    code = process.wait()
    os.close(ours)
    return code, written.decode()


def screen(written: str) -> str:
    """Return the lines that remain once all that was drawn over is gone; colours are kept.

    Knows what the board writes: carriage returns, cursor up, and the ends of lines and screen erased.
    """
    lines = [""]
    row = 0
    fresh = True
    position = 0
    while position < len(written):
        control = _CONTROL.search(written, position)
        end = control.start() if control else len(written)
        if text := written[position:end]:
            lines[row] = text if fresh else lines[row] + text
            fresh = False
        if control is None:
            break
        position = control.end()
        if control["plain"] == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
            fresh = True
        elif control["plain"] == "\r":
            fresh = True
        elif control["kind"] == "A":
            row = max(0, row - int(control["parameter"] or 1))
        elif control["kind"] in {"J", "K"}:
            lines[row] = "" if fresh else lines[row]
            if control["kind"] == "J":
                lines[row + 1 :] = []
        elif control["kind"] == "m":
            lines[row] = control[0] if fresh else lines[row] + control[0]
            fresh = False
    return "\n".join(line.rstrip() for line in lines).rstrip()
