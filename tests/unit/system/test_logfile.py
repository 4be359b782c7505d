"""The log file is opened when something has to be in it, and not before."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambdabuild.system import logfile


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logging.Logger]:
    logfile.close_log()  # a test of a run may have left one
    logfile.log_to_file(tmp_path)
    logfile.log_to_file(tmp_path)
    yield logging.getLogger(logfile.NAME)
    logfile.close_log()


def lines(directory: Path) -> list[str]:
    return [
        line.partition("lambdabuild: ")[2]
        for line in (directory / "lambdabuild.log").read_text("utf-8").splitlines()
    ]


@pytest.mark.usefixtures("log")
def test_without_a_record_there_is_no_file(tmp_path: Path) -> None:
    logfile.close_log()
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_is_written_at_the_end_in_order(log: logging.Logger, tmp_path: Path) -> None:
    log.debug("one")
    log.info("two")
    assert list(tmp_path.iterdir()) == []
    logfile.close_log()
    assert lines(tmp_path) == ["one", "two"]


def test_a_warning_is_written_at_once_with_all_before_it(
    log: logging.Logger, tmp_path: Path
) -> None:
    log.debug("one")
    log.warning("two")
    assert lines(tmp_path) == ["one", "two"]


def test_a_file_that_was_opened_takes_every_record(log: logging.Logger, tmp_path: Path) -> None:
    log.debug("one")
    logfile.open_log()
    logfile.open_log()
    log.debug("two")
    assert lines(tmp_path) == ["one", "two"]


def test_where_no_log_can_be_written_that_is_told_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "logs"
    place.write_text("no directory\n")
    told: list[str] = []
    logfile.log_to_file(place, told.append)
    log = logging.getLogger(logfile.NAME)
    for _ in range(2):
        log.warning("one")
    logfile.open_log()
    logfile.close_log()
    assert told == [f"there is no log: cannot write to `{place}`: Not a directory"]
    assert capfd.readouterr() == ("", "")
    with pytest.raises(OSError, match="there is no log"):
        logfile.log_traceback(place, ValueError("x"))


def test_a_traceback_is_for_the_log_with_what_cannot_be_seen(tmp_path: Path) -> None:
    try:
        raise ValueError("\x1b[2J")  # noqa: TRY301 - it is to have a traceback
    except ValueError as error:
        file = logfile.log_traceback(tmp_path, error)
    text = file.read_text("utf-8")
    assert "Traceback (most recent call last)" in text
    assert r"ValueError: \x1b[2J" in text
