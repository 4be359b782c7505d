"""Whatever ends a run becomes words and an exit code; a traceback is for the log."""

import errno
import os
import threading
from pathlib import Path

import pytest

from lambdabuild.cli.boundary import guarded, in_words, note_thread
from lambdabuild.core.errors import Interrupted, LambdabuildError
from lambdabuild.output.streams import print_error


def shown(error: LambdabuildError) -> None:
    print_error(f"error: {error}")


def system(number: int, path: str | bytes | None = None) -> OSError:
    return OSError(number, os.strerror(number), path)


ALLOWED = "the user that runs lambdabuild has to be allowed to use it"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (system(errno.EACCES, "/a/b"),
         f"cannot use `/a/b`: Permission denied\n  hint: {ALLOWED}"),
        (system(errno.ENOSPC, b"/a/\xff"),
         "cannot use `/a/\udcff`: No space left on device\n  hint: free some space on that disk"),
        (system(errno.EMFILE),
         "the system refuses: Too many open files\n"
         "  hint: too many files are open: `ulimit -n` is the limit"),
        (TimeoutError(), "the system refuses: TimeoutError"),
        (MemoryError(),
         "memory ran out\n  hint: `ulimit -a` shows the limits, and `-j 1` needs less"),
        (RecursionError("maximum"), "something is nested too deeply to be followed"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
         "something is no text in its encoding: 'utf-8' codec can't decode byte 0xff in position 0: "
         "invalid start byte"),
        (KeyError("x"),
         "lambdabuild failed: KeyError: 'x'\n"
         "  hint: this is a fault in lambdabuild: please report it"),
        (AssertionError(),
         "lambdabuild failed: AssertionError\n"
         "  hint: this is a fault in lambdabuild: please report it"),
    ],
)  # fmt: skip
def test_what_nobody_foresaw_is_told_in_words(
    error: Exception, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert str(in_words(error)) == told
    left: list[str] = []

    def run() -> None:
        raise error

    assert guarded(run, shown, lambda error: left.append(str(error))) == 2
    assert left == [told]
    harmless = told.replace("\udcff", r"\udcff")
    assert capsys.readouterr() == ("", f"error: {harmless}\n")


def test_with_a_project_its_log_has_the_traceback(tmp_path: Path) -> None:
    log = tmp_path / ".lambdabuild/logs/lambdabuild.log"
    assert str(in_words(RecursionError(), str(tmp_path))).endswith(f"  hint: `{log}` has more")
    assert "RecursionError" in log.read_text("utf-8")


def test_where_there_can_be_no_log_the_error_is_told_all_the_same(tmp_path: Path) -> None:
    (tmp_path / ".lambdabuild").write_text("no directory\n")
    assert in_words(RecursionError(), str(tmp_path)).hint is None


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (LambdabuildError("no", exit_code=1), 1),
        (SystemExit(3), 3),
        (SystemExit(None), 0),
        (Interrupted(), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_end_has_its_exit_code(ending: BaseException, code: int) -> None:
    def run() -> None:
        raise ending

    assert guarded(run, shown, lambda _: None) == code


@pytest.mark.parametrize(("value", "code"), [(None, 0), (3, 3)])
def test_what_typer_exits_with_is_the_exit_code(value: int | None, code: int) -> None:
    assert guarded(lambda: value, shown, lambda _: None) == code


def test_what_ends_a_thread_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading, "excepthook", note_thread)
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    assert capfd.readouterr() == ("", "")


def test_an_error_while_one_is_told_is_told_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> None:
        raise LambdabuildError("first")

    def leave(_: LambdabuildError) -> None:
        raise RecursionError

    assert guarded(run, shown, leave) == 2
    assert capsys.readouterr().err == (
        "error: first\nerror: something is nested too deeply to be followed\n"
    )
