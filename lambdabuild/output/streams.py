"""Print to stdout and stderr, whatever a text holds and whatever happens to the streams."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from lambdabuild.core.errors import NOT_STARTED, LambdabuildError
from lambdabuild.core.text import columns, inert, is_read, one_line, padded, to_json, visible

_STDIN, _STDOUT, _STDERR = range(3)


def set_up() -> None:
    r"""Let stdout and stderr show what they cannot encode as `\xe9` or `\udcff`.

    A file's name need not be text: then Python has lone surrogates for its bytes
    (https://peps.python.org/pep-0383/), which no encoding takes. Go prints paths in UTF-8: where
    the locale says otherwise, Python starts again in its UTF-8 mode.

    What cannot be written to stderr is dropped: no build fails for that.
    """
    _open_closed()
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606
    if sys.stdin is None:
        sys.stdin = open(_STDIN, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = _replaced(sys.stdout, _Stdout(_STDOUT, "w", closefd=False))
    sys.stderr = _replaced(sys.stderr, _Stderr(_STDERR, "w", closefd=False))


def _open_closed() -> None:
    """Open each standard stream that is closed, on what reads and writes nothing.

    Or the next files to be opened would take its place, here and in `go`. A write to that stdout
    fails: who asked for output has to learn that there is none.
    """
    for number, mode in ((_STDIN, os.O_RDONLY), (_STDOUT, os.O_RDONLY), (_STDERR, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            # It gets the lowest free number, which is this one. Children inherit it.
            with contextlib.suppress(OSError):
                os.set_inheritable(os.open(os.devnull, mode), True)


def _replaced(before: Any, raw: "_Raw") -> io.TextIOWrapper:
    """Return a stream like the one before, which is None where it was closed."""
    at_once = raw.isatty() or raw.fileno() == _STDERR or getattr(before, "write_through", False)
    encoding = getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=at_once
    )


class _Raw(io.FileIO):
    """Write to a descriptor, which whoever shares it may have made non-blocking."""

    def seekable(self) -> bool:
        return False

    def write(self, data: Any, /) -> int:
        while True:
            try:
                return os.write(self.fileno(), data)
            except BlockingIOError:
                import select

                select.select([], [self], [])


class ReaderGoneError(Exception):
    """The reader of stdout has closed it; typer would make an exit code of an OSError."""


class _Stdout(_Raw):
    """Remember why a write failed, to distinguish that from any other error."""

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
    """Drop everything once a write fails: the reader may go, a disk be full."""

    _failed = False

    def write(self, data: Any, /) -> int:
        try:
            if not self._failed:
                return super().write(data)
        except OSError:
            self._failed = True
        return len(data)


def print_line(line: str, label: str = "", style: str = "") -> None:
    """Print a line of text to stdout, after a label in a style of the terminal, if there is one."""
    label = one_line(label)
    if label and style:
        label = f"\x1b[{style}m{label}\x1b[0m"
    sys.stdout.write(f"{_harmless(label + one_line(line))}\n")


def print_error(message: str) -> None:
    """Print a message of one or more lines to stderr, where no console is open."""
    sys.stderr.write(f"{_harmless(visible(message))}\n")


def _harmless(text: str) -> str:
    return inert(text) if is_read(os.environ) else text


def print_columns(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> None:
    """Print a table to stdout; nothing if there are no lines."""
    if not lines:
        return
    table = [tuple(map(one_line, line)) for line in (head, *lines)]
    widths = [max(columns(line[number]) for line in table) for number in range(len(head))]
    for line in table:
        cells = (padded(cell, width) for cell, width in zip(line, widths, strict=True))
        print_line("  ".join(cells).rstrip())


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value to stdout: JSON is UTF-8, so in other encodings it is ASCII."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("_", "-")
    sys.stdout.write(to_json(value, indent=indent, ascii_only=encoding not in {"utf-8", "utf8"}))


def is_of_stdout(error: Exception) -> bool:
    """Tell whether writing to stdout raised this."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return isinstance(raw, _Stdout) and raw.failure is error


def finish_stdout() -> LambdabuildError | None:
    """Flush stdout; return why it cannot be written, unless its reader has closed it."""
    try:
        sys.stdout.flush()
    except ReaderGoneError:
        give_up_stdout()
    except OSError as error:
        return unwritten(error)
    return None


def unwritten(error: OSError) -> LambdabuildError:
    """Give up stdout; return the error that says why."""
    give_up_stdout()
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror
    return LambdabuildError(f"cannot write to stdout: {reason}", exit_code=NOT_STARTED)


def give_up_stdout() -> None:
    """Discard what is left to print: Python would complain at its end, and exit with 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)
    os.close(nowhere)
