"""What a process prints: one pipe for stdout and stderr, so that their order survives."""

import asyncio
import contextlib
import io
import os
from collections.abc import Callable

_PIECE = 64 * 1024
"""Bytes read at a time: what a pipe holds on Linux and, at most, on macOS."""
_LONGEST_LINE = 256 * 1024
"""Bytes kept of a line that does not end: the size of an event in CloudWatch Logs.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
"""


class Output:
    """The reading end of a pipe, handing on whole lines as they come."""

    def __init__(self, emit: Callable[[bytes], None]) -> None:
        """`emit` gets each line, with its newline."""
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._begun = bytearray()
        """A line without its end."""
        self._open = True
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._loop.add_reader(self._reader, self._read)

    def started(self) -> None:
        """Close our copy of the writing end: the process has its own."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def drain(self) -> None:
        """Hand on all that the process has written by now, and end the line that it began.

        A pipe holds no more than one piece, so that one that others keep on filling delays nobody.
        """
        left = _PIECE
        while left > 0 and (count := self._read()):
            left -= count
        self._end_line()

    def close(self) -> None:
        """Hand on what is there, and stop reading."""
        self.started()
        self.drain()
        self._stop()

    def _read(self) -> int:
        """Hand on whole lines of what is there; return how many bytes there were."""
        if not self._open:
            return 0
        try:
            data = os.read(self._reader, _PIECE)
        except BlockingIOError:
            return 0
        except OSError:
            data = b""
        if not data:
            self._stop()
            return 0
        for line in io.BytesIO(data):
            self._begun += line
            if line.endswith(b"\n") or len(self._begun) >= _LONGEST_LINE:
                self._end_line()
        return len(data)

    def _end_line(self) -> None:
        if self._begun:
            line = bytes(self._begun)
            self._begun.clear()
            self._emit(line if line.endswith(b"\n") else line + b"\n")

    def _stop(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._reader)
            with contextlib.suppress(OSError):
                os.close(self._reader)
