"""What a board tells of a watch, and when it does."""

import io
import re
from collections.abc import Sequence

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.output.terminal.board import Board
from lambdabuild.output.terminal.console import Console
from lambdabuild.output.terminal.look import Look
from tests.unit.values import ARM64, PROJECT, artifact, relative, step

NAMES = ("auth", "carts", "users-get")
BROKEN = Diagnostic("m/auth", "undefined: token", f"{PROJECT}/auth/auth.go", 9, 2)


def result(name: str, status: Status, seconds: float | None = 0.3) -> StepResult:
    errors = (BROKEN,) if status is Status.FAILED else ()
    return StepResult(
        step(name), status, reason="auth/auth.go changed", seconds=seconds, errors=errors
    )


def report(*results: StepResult, **changes: object) -> Report:
    made = Report(ok=True, seconds=0.84, go="go1.26.8", jobs=2, results=results)
    return made._replace(**changes)  # type: ignore[arg-type]


class Watched:
    """A board on a console, and what is written there."""

    def __init__(self, look: Look, *, bell: bool = False) -> None:
        self.stream = io.StringIO()
        self.seconds = 0.0
        self.lent = False
        self.console = Console(look, self.stream)
        self.console.lent = lambda: self.lent
        self.board = Board(
            self.console, bell=bell, clock=lambda: "12:03:04", now=lambda: self.seconds
        )
        self.board.open(interactive=look.terminal)

    def begin(self, *failed: str) -> None:
        first = report(*(
            result(name, Status.FAILED if name in failed else Status.UP_TO_DATE) for name in NAMES
        ))  # fmt: skip
        self.board.first(first, relative)
        self.board.results(first, first.results, NAMES, relative)
        self.board.watching(len(NAMES))

    def results(self, made: Report, names: Sequence[str] = NAMES) -> None:
        self.board.results(made, made.results, names, relative)

    @property
    def said(self) -> list[str]:
        """The lines since this was asked last; of a board, those printed above it."""
        text = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        if "\x1b" not in text:
            return text.splitlines()
        # What is printed above ends its line before the first line of the board is written again.
        pieces = re.findall(
            r"\r(?:\x1b\[\d+A)?((?:(?!\x1b\[K|\x1b\[J).)*)\x1b\[K\r\n(?=watching)", text
        )
        return [re.sub(r"\x1b\[[\d;]*m", "", piece) for piece in pieces]


@pytest.fixture
def plain() -> Watched:
    watched = Watched(Look(terminal=False, color=False))
    watched.begin()
    assert watched.said == ["up to date 3 of 3 in 0.84 s", "watching 3 functions; Ctrl-C stops"]
    return watched


@pytest.fixture
def terminal() -> Watched:
    watched = Watched(Look(terminal=True, color=False))
    watched.begin()
    assert watched.said == []
    return watched


def test_off_a_terminal_each_function_is_a_line(plain: Watched) -> None:
    plain.board.changed(["auth/auth.go"], ["auth", "carts"])
    plain.results(report(result("auth", Status.BUILT), result("carts", Status.UNCHANGED, 0.0)))
    assert plain.said == [
        "changed: auth/auth.go; affected: auth, carts",
        "built auth in 0.30 s (auth/auth.go changed)",
        # Its own package was compiled before; what took time are those that it imports.
        "unchanged carts in 0.84 s (auth/auth.go changed)",
    ]
    plain.board.changed(["README.md"], [])
    plain.results(report())
    assert plain.said == ["changed: README.md; affected: nothing"]


def test_off_a_terminal_what_fails_is_told_and_that_it_builds_again(plain: Watched) -> None:
    plain.results(report(result("auth", Status.FAILED), result("carts", Status.FAILED)))
    assert plain.said == [
        "auth/auth.go:9:2: error: undefined: token",
        "  `auth`, `carts` did not build: in package m/auth",
    ]
    plain.results(report(result("auth", Status.BUILT)))
    assert plain.said == ["built auth in 0.30 s (auth/auth.go changed)", "auth builds again"]
    plain.results(report(result("carts", Status.UP_TO_DATE, None)))
    assert plain.said == [
        "up to date carts (auth/auth.go changed)",
        "carts builds again; all 3 functions build",
    ]


def test_on_a_terminal_a_change_is_one_line_with_the_time(terminal: Watched) -> None:
    terminal.board.changed(["auth/auth.go"], ["auth", "carts"])
    assert terminal.said == []
    terminal.results(report(result("auth", Status.BUILT), result("carts", Status.BUILT)))
    assert terminal.said == [
        "12:03:04 auth/auth.go changed: rebuilt 2 in 0.84 s (auth, carts)",
    ]
    terminal.board.changed(["a.go", "b.go"], ["auth", "carts", "users-get"])
    terminal.results(
        report(
            result("auth", Status.UNCHANGED),
            result("carts", Status.FAILED),
            result("users-get", Status.BUILT),
        )
    )
    assert terminal.said == [
        "12:03:04 a.go, b.go changed: "
        "rebuilt 1 in 0.84 s (users-get), unchanged 1 (auth), failed 1 (carts)",
    ]
    terminal.board.changed(["README.md"], [])
    terminal.results(report())
    assert terminal.said == ["12:03:04 README.md changed: no function is affected"]


def test_what_is_built_without_a_change_of_a_file_is_told_with_the_reason(
    terminal: Watched,
) -> None:
    terminal.results(report(result("auth", Status.BUILT)))
    assert terminal.said == ["12:03:04 auth/auth.go changed: rebuilt 1 in 0.84 s (auth)"]


def test_keys_that_build_are_told_with_what_came_of_it(terminal: Watched) -> None:
    terminal.board.asked("r")
    terminal.results(report(*(result(name, Status.UNCHANGED) for name in NAMES)))
    assert terminal.said == [
        "12:03:04 rebuild of all: unchanged 3 in 0.84 s (auth, carts, users-get)"
    ]
    terminal.board.asked("f")
    terminal.results(report())
    assert terminal.said == ["12:03:04 another try: nothing to build"]


def test_a_build_that_a_further_change_stopped_is_told_with_the_next(terminal: Watched) -> None:
    terminal.board.changed(["a.go"], ["auth"])
    stopped = report(result("auth", Status.CANCELLED))
    terminal.board.results(stopped, [], NAMES, relative)
    assert terminal.said == []
    terminal.board.changed(["b.go"], ["auth"])
    terminal.results(report(result("auth", Status.BUILT)))
    assert terminal.said == ["12:03:04 a.go, b.go changed: rebuilt 1 in 0.84 s (auth)"]


def test_errors_stay_on_the_board_until_they_are_repaired(terminal: Watched) -> None:
    terminal.results(report(result("auth", Status.FAILED), result("carts", Status.BUILT)))
    shown = terminal.stream.getvalue()
    error = (
        "auth/auth.go:9:2: error: undefined: token\x1b[K\r\n"
        "  `auth` did not build: in package m/auth\x1b[K\r\n"
    )
    assert error in shown
    assert "watching 3 functions, 1 failed; " in shown
    assert terminal.said == [
        "12:03:04 auth/auth.go changed: rebuilt 1 in 0.84 s (carts), failed 1 (auth)"
    ]
    terminal.seconds = 100.0
    terminal.board.draw()
    assert error in terminal.stream.getvalue()
    terminal.results(report(result("auth", Status.BUILT)))
    assert terminal.said[-2:] == [
        "12:03:04 auth/auth.go changed: rebuilt 1 in 0.84 s (auth)",
        "12:03:04 auth builds again; all 3 functions build",
    ]
    terminal.board.draw(at_once=True)
    assert "undefined" not in terminal.stream.getvalue()


def test_a_function_fails_as_long_as_one_of_its_targets_does(terminal: Watched) -> None:
    other = StepResult(step("auth", target=ARM64), Status.BUILT, seconds=0.2)
    terminal.results(report(result("auth", Status.FAILED), other))
    assert "  auth       failed " in terminal.stream.getvalue()
    terminal.results(report(result("auth", Status.BUILT)))
    assert terminal.said[-1] == "12:03:04 auth builds again; all 3 functions build"


def test_who_quits_still_sees_what_fails(terminal: Watched) -> None:
    terminal.results(report(result("auth", Status.FAILED)))
    terminal.board.close()
    assert terminal.stream.getvalue().endswith(
        "\x1b[?25hauth/auth.go:9:2: error: undefined: token\n"
        "  `auth` did not build: in package m/auth\n"
    )


def test_what_stops_every_build_stays_on_the_board_too(terminal: Watched) -> None:
    terminal.board.stuck(LambdabuildError("no go.mod was found", hint="`go mod init`"))
    assert (
        "error: no go.mod was found\x1b[K\r\n  hint: `go mod init`\x1b[K\r\n"
        in terminal.stream.getvalue()
    )
    terminal.board.changed(["go.mod"], [])
    terminal.results(report())
    assert terminal.said[-2:] == [
        "12:03:04 go.mod changed: no function is affected",
        "12:03:04 all 3 functions build",
    ]


def test_a_function_that_is_removed_fails_no_more(plain: Watched) -> None:
    plain.results(report(result("auth", Status.FAILED)))
    assert len(plain.said) == 2
    plain.results(report(removed=(artifact("auth"),)), NAMES[1:])
    assert plain.said == [
        "removed dist/auth/bootstrap, which nothing builds any more",
        "all 2 functions build",
    ]


def test_the_bell_rings_when_something_fails_and_when_it_is_repaired() -> None:
    for bell in (True, False):
        watched = Watched(Look(terminal=True, color=False), bell=bell)
        watched.begin()
        heard = []
        for status in (Status.BUILT, Status.FAILED, Status.BUILT, Status.BUILT):
            watched.results(report(result("auth", status)))
            heard.append("\a" in watched.stream.getvalue())
            assert watched.said
        assert heard == [False, bell, bell, False]


def test_h_shows_and_hides_what_the_keys_do(terminal: Watched) -> None:
    terminal.board.press("h")
    assert "  Enter  print a blank line" in terminal.stream.getvalue()
    assert terminal.said == []
    terminal.board.press("h")
    assert "  Enter  print a blank line" not in terminal.stream.getvalue()


def test_enter_prints_a_blank_line(terminal: Watched) -> None:
    for key in "\r\n":
        terminal.board.press(key)
        assert terminal.said == [""]


def test_a_terminal_whose_size_goes_on_to_change_is_drawn_once(terminal: Watched) -> None:
    for terminal.seconds in (10.0, 10.1, 10.2):
        terminal.board.draw(resized=True)
    assert terminal.board.next_draw() == pytest.approx(10.35)
    assert terminal.stream.getvalue() == ""
    terminal.seconds = 10.4
    terminal.board.draw()
    assert "watching 3 functions" in terminal.stream.getvalue()


def test_a_terminal_that_is_lent_has_no_board(terminal: Watched) -> None:
    terminal.console.unboard()
    terminal.lent = True
    assert terminal.said == []
    terminal.seconds = 100.0
    terminal.board.draw(at_once=True)
    terminal.board.press("h")
    terminal.results(report(result("auth", Status.BUILT)))
    assert terminal.said[-1] == "12:03:04 auth/auth.go changed: rebuilt 1 in 0.84 s (auth)"
    terminal.results(report(result("auth", Status.FAILED)))
    assert terminal.stream.getvalue().splitlines()[-2:] == [
        "12:03:04 auth/auth.go:9:2: error: undefined: token",
        "  `auth` did not build: in package m/auth",
    ]
    terminal.board.stuck(LambdabuildError("no go.mod was found"))
    assert terminal.said[-1] == "12:03:04 error: no go.mod was found"
    terminal.lent = False
    terminal.board.draw()
    assert "watching 3 functions" in terminal.stream.getvalue()
