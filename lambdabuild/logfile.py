"""Everything at DEBUG goes to `.lambdabuild/logs/lambdabuild.log`."""

import logging
from pathlib import Path

NAME = "lambdabuild"
_LIMIT = 5_000_000
"""Bytes of one log file; five are kept."""


def hush() -> None:
    """Have nothing shown of what is logged where nobody opens a log: Python would print it."""
    logging.getLogger(NAME).addHandler(logging.NullHandler())


def log_to_file(directory: Path) -> None:
    """Send the project's log records to a file in `directory`, shared between processes; once."""
    log = logging.getLogger(NAME)
    if any(isinstance(handler, _OpenedLate) for handler in log.handlers):
        return
    log.setLevel(logging.DEBUG)
    log.addHandler(_OpenedLate(directory))
    log.propagate = False


class _OpenedLate(logging.Handler):
    """Keep records until the file is opened: where nothing is to do, that need not happen."""

    def __init__(self, directory: Path) -> None:
        super().__init__(logging.DEBUG)
        self._directory = directory
        self._file: logging.Handler | None = None
        self._kept: list[logging.LogRecord] = []

    def open(self) -> None:
        """Open the file, which takes longer to import than the rest of lambdabuild."""
        from concurrent_log_handler import ConcurrentRotatingFileHandler  # noqa: PLC0415

        file = ConcurrentRotatingFileHandler(
            str(self._directory / "lambdabuild.log"),
            maxBytes=_LIMIT,
            backupCount=5,
            encoding="utf-8",
            lock_file_directory=str(self._directory),
        )
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

    def emit(self, record: logging.LogRecord) -> None:
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
    """Write what of a name is no text as Python shows it: UTF-8 does not take it."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).encode("utf-8", "backslashreplace").decode()


def open_log() -> None:
    """Open the file that `log_to_file` named, and write what was kept for it."""
    for handler in logging.getLogger(NAME).handlers:
        if isinstance(handler, _OpenedLate):
            handler.open()


def log_to(handler: logging.Handler) -> None:
    """Send the project's log records to `handler` as well, for `--verbose`."""
    log = logging.getLogger(NAME)
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    log.propagate = False


def close_log() -> None:
    """Write out and detach every handler."""
    log = logging.getLogger(NAME)
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
