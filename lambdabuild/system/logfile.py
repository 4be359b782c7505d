"""Log to `.lambdabuild/logs/lambdabuild.log`, at DEBUG."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from lambdabuild.core.text import visible

NAME = "lambdabuild"
FILE_NAME = "lambdabuild.log"
_LIMIT = 5_000_000
"""Bytes of one log file; five are kept."""


def log_to_file(directory: Path, warn: Callable[[str], None] = lambda _: None) -> None:
    """Send the project's log records to a file in `directory` that processes share.

    Where it cannot be written, `warn` is called once, and there is no log.
    """
    log = logging.getLogger(NAME)
    if any(isinstance(handler, _OpenedLate) for handler in log.handlers):
        return
    log.setLevel(logging.DEBUG)
    log.addHandler(_OpenedLate(directory, warn))
    log.propagate = False


def log_traceback(directory: Path, error: Exception) -> Path:
    """Write the traceback of an error to the log file in `directory`; return the file."""
    problems: list[str] = []
    close_log()
    log_to_file(directory, problems.append)
    logging.getLogger(NAME).error("ended by what nobody foresaw", exc_info=error)
    close_log()
    if problems:
        raise OSError(problems[0])
    return directory / FILE_NAME


class _OpenedLate(logging.Handler):
    """Keep records until the file is opened, which a run with nothing to do can leave out."""

    def __init__(self, directory: Path, warn: Callable[[str], None]) -> None:
        super().__init__(logging.DEBUG)
        self._directory = directory
        self._warn = warn
        self._file: logging.Handler | None = None
        self._kept: list[logging.LogRecord] = []
        self._lost = False

    def open(self) -> None:
        """Open the file, with a library that takes longer to import than the rest of lambdabuild."""
        from concurrent_log_handler import ConcurrentRotatingFileHandler

        try:
            file = ConcurrentRotatingFileHandler(
                str(self._directory / FILE_NAME),
                maxBytes=_LIMIT,
                backupCount=5,
                encoding="utf-8",
                lock_file_directory=str(self._directory),
            )
        except OSError as error:
            self._failed(error)
            return
        file.handleError = lambda _: self._failed(sys.exception())  # type: ignore[assignment, method-assign]
        file.setFormatter(_Escaping("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
        self.acquire()
        try:
            if self._file is None:
                self._file = file
            else:
                file.close()
            for record in self._kept:
                self._file.emit(record)
            self._kept.clear()
        finally:
            self.release()

    def _failed(self, error: BaseException | None) -> None:
        """Go on without a log, and warn once."""
        self._kept.clear()
        if not self._lost:
            self._lost = True
            reason = getattr(error, "strerror", None) or str(error)
            self._warn(f"there is no log: cannot write to `{self._directory}`: {reason}")

    def emit(self, record: logging.LogRecord) -> None:
        if self._lost:
            return
        if self._file is not None:
            self._file.emit(record)
            return
        self._kept.append(record)
        if record.levelno >= logging.WARNING:
            self.open()

    def close(self) -> None:
        if self._kept:
            self.open()
        if self._file is not None:
            self._file.close()
        super().close()


class _Escaping(logging.Formatter):
    """Escape invisible characters: people look at logs in terminals."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def open_log() -> None:
    """Open the file of `log_to_file`, and write the records that were kept for it."""
    for handler in logging.getLogger(NAME).handlers:
        if isinstance(handler, _OpenedLate):
            handler.open()


def log_to(handler: logging.Handler) -> None:
    """Send the project's log records to `handler` as well, from its level on."""
    log = logging.getLogger(NAME)
    log.setLevel(handler.level)
    log.addHandler(handler)
    log.propagate = False


def close_log() -> None:
    """Flush and detach every handler."""
    log = logging.getLogger(NAME)
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
