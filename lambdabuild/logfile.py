"""Everything at DEBUG goes to `.lambdabuild/logs/lambdabuild.log`."""

import logging
from pathlib import Path

NAME = "lambdabuild"
_LIMIT = 5_000_000
"""Bytes of one log file; five are kept."""


def log_to_file(directory: Path) -> None:
    """Send the project's log records to a file in `directory`, shared between processes."""
    # Here, because it takes longer to import than the rest of lambdabuild.
    from concurrent_log_handler import ConcurrentRotatingFileHandler  # noqa: PLC0415

    handler = ConcurrentRotatingFileHandler(
        str(directory / "lambdabuild.log"),
        maxBytes=_LIMIT,
        backupCount=5,
        encoding="utf-8",
        lock_file_directory=str(directory),
    )
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    )
    log = logging.getLogger(NAME)
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    log.propagate = False


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
