"""Everything at DEBUG goes to `.lambdabuild/logs/lambdabuild.log`."""

import logging
from pathlib import Path

NAME = "lambdabuild"
_LIMIT = 5_000_000
"""Bytes of one log file; five are kept."""


def log_to_file(directory: Path) -> None:
    """Send the project's log records to a file in `directory`, shared between processes; once."""
    log = logging.getLogger(NAME)
    if any(isinstance(handler, _OpenedLate) for handler in log.handlers):
        return
    log.setLevel(logging.DEBUG)
    log.addHandler(_OpenedLate(directory))
    log.propagate = False


class _OpenedLate(logging.Handler):
    """Open the file with the first record: where nothing is to do, there is none."""

    def __init__(self, directory: Path) -> None:
        super().__init__(logging.DEBUG)
        self._directory = directory
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._file is None:
            # Here, because it takes longer to import than the rest of lambdabuild.
            from concurrent_log_handler import ConcurrentRotatingFileHandler  # noqa: PLC0415

            self._file = ConcurrentRotatingFileHandler(
                str(self._directory / "lambdabuild.log"),
                maxBytes=_LIMIT,
                backupCount=5,
                encoding="utf-8",
                lock_file_directory=str(self._directory),
            )
            self._file.setFormatter(
                logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
            )
        self._file.emit(record)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


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
