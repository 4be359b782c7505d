"""Print to stdout and stderr, whatever a text holds and whatever happens to the streams."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from lambdabuild.core.errors import NOT_STARTED, LambdabuildError
from lambdabuild.core.text import inert, is_read, one_line, to_json, visible

_STDIN, _STDOUT, _STDERR = range(3)


def set_up() -> None:
    r"""Let stdout and stderr show what they cannot encode as `\xe9` or `\udcff`.

    A file's name need not be text at all: then Python has lone surrogates for its bytes
    (https://peps.python.org/pep-0383/), which no encoding takes.

    Go tells paths in UTF-8: where the locale says that they are something else, Python begins
    anew and takes them as they are.

    What cannot be written to stderr is left out: nothing that can still be done ends for that.
    """
    _open_closed()
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606
    if sys.stdin is None:
        sys.stdin = open(_STDIN, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = _replaced(sys.stdout, _Stdout(_STDOUT))
    sys.stderr = _replaced(sys.stderr, _Stderr(_STDERR))


def _open_closed() -> None:
    """Open in place of each standard stream that is closed one that gives and takes nothing.

    Or the next files to be opened would be taken for them, here and by what `go` starts. stdout
    takes not even what is written to it: who asked for output has to be told that there is none.
    """
    for number, mode in ((_STDIN, os.O_RDONLY), (_STDOUT, os.O_RDONLY), (_STDERR, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, which is this one; children are to have it as well.
            with contextlib.suppress(OSError):
                os.set_inheritable(os.open(os.devnull, mode), True)


def _replaced(before: Any, raw: "_Raw") -> io.TextIOWrapper:
    """Return a stream like the one before, which is None where it was closed."""
    at_once = raw.isatty() or raw.fileno() == _STDERR or getattr(before, "write_through", False)
    encoding = getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=at_once
    )


class _Raw(io.RawIOBase):
    """Write to a descriptor."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                # Somebody who shares it wants it so.
                import select

                select.select([], [self._descriptor], [])


class ReaderGoneError(Exception):
    """Whoever read stdout has seen enough; typer would make an exit code of an OSError."""


class _Stdout(_Raw):
    """Remember why it could not be written, to tell that from whatever else goes wrong."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError as error:
            raise ReaderGoneError from error
        except OSError as error:
            self.failure = error
            raise


class _Stderr(_Raw):
    """Write for as long as it takes anything: the reader may go, a disk be full."""

    _takes = True

    def write(self, data: Any, /) -> int:
        try:
            if self._takes:
                return super().write(data)
        except OSError:
            self._takes = False
        return len(data)


def print_line(line: str) -> None:
    """Print a line of text to stdout."""
    line = one_line(line)
    sys.stdout.write(f"{inert(line) if is_read(os.environ) else line}\n")


def print_columns(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> None:
    """Print a table to stdout; nothing if there are no lines."""
    if not lines:
        return
    table = [tuple(map(one_line, line)) for line in (head, *lines)]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print_line("  ".join(cells).rstrip())


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value to stdout: JSON is UTF-8, so that other encodings get it in ASCII."""
    sys.stdout.write(to_json(value, indent=indent, ascii_only=not _takes_utf8()))


def _takes_utf8() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or ""
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8"}


def tell(message: str) -> None:
    """Print a message of one or more lines to stderr, where no console is open."""
    message = visible(message)
    sys.stderr.write(f"{inert(message) if is_read(os.environ) else message}\n")


def is_of_stdout(error: Exception) -> bool:
    """Tell whether this is what was raised where stdout could not be written."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return isinstance(raw, _Stdout) and raw.failure is error


def finish_stdout() -> LambdabuildError | None:
    """Write what stdout still holds; return why it cannot be written, if so.

    Where whoever read it has gone, that is none.
    """
    try:
        sys.stdout.flush()
    except ReaderGoneError:
        give_up_stdout()
    except OSError as error:
        return unwritten(error)
    return None


def unwritten(error: OSError) -> LambdabuildError:
    """Return that stdout cannot be written, as words, and give it up."""
    give_up_stdout()
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror
    return LambdabuildError(f"cannot write to stdout: {reason}", exit_code=NOT_STARTED)


def give_up_stdout() -> None:
    """Let what is left to print go nowhere: Python would complain at its end, and exit with 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)
    os.close(nowhere)
