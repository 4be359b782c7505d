"""What people are told by a server, in plain lines between the logs of functions."""

import io
import math

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.local.serving.talk import Talk
from lambdabuild.output.terminal.console import Console
from lambdabuild.output.terminal.look import Look
from tests.unit.values import PROJECT, relative, step

BROKEN = Diagnostic("m/auth", "undefined: token", f"{PROJECT}/auth/auth.go", 9, 2)


def result(name: str, status: Status) -> StepResult:
    errors = (BROKEN,) if status is Status.FAILED else ()
    return StepResult(step(name), status, errors=errors)


class Said:
    def __init__(self) -> None:
        self._stream = io.StringIO()
        console = Console(Look(terminal=False, color=False), self._stream)
        self.talk = Talk(console, lambda: console.say("serving"))

    def results(self, *results: StepResult) -> list[str]:
        report = Report(ok=True, seconds=0.84, go="go1.26.8", jobs=2, results=results)
        self.talk.results(report, results, (), relative)
        return self.lines

    @property
    def lines(self) -> list[str]:
        """The lines since this was asked last."""
        text = self._stream.getvalue()
        self._stream.seek(0)
        self._stream.truncate()
        return text.splitlines()


@pytest.fixture
def said() -> Said:
    return Said()


def test_first_of_all_is_where_the_server_is(said: Said) -> None:
    said.talk.watching(3)
    assert said.lines == ["serving"]


def test_a_change_names_what_was_called_and_is_built_from_it(said: Said) -> None:
    said.talk.changed(["internal/auth/auth.go"], ["users-get", "users-list"])
    said.talk.changed(["README.go"], [])
    assert said.lines == [
        "internal/auth/auth.go changed: users-get, users-list",
        "README.go changed: nothing that was called is built from it",
    ]


def test_what_was_built_is_one_line_however_it_came_about(said: Said) -> None:
    built = [result("a", Status.BUILT), result("b", Status.RESTORED), result("c", Status.UNCHANGED)]
    assert said.results(*built, result("d", Status.UP_TO_DATE)) == ["built a, b, c in 0.84 s"]
    assert said.results() == []


def test_what_fails_is_shown_and_once_mended_that_is_told(said: Said) -> None:
    lines = said.results(result("a", Status.FAILED), result("b", Status.FAILED))
    assert lines[0].startswith("auth/auth.go:9:2: error: undefined: token")
    assert said.results(result("a", Status.UP_TO_DATE)) == ["a builds again"]
    assert said.results(result("b", Status.BUILT)) == ["built b in 0.84 s", "b builds again"]
    assert said.results(result("b", Status.BUILT)) == ["built b in 0.84 s"]


def test_why_nothing_can_be_built_is_an_error(said: Said) -> None:
    said.talk.stuck(LambdabuildError("`outt` is no option", hint="take it away"))
    assert said.lines == ["error: `outt` is no option", "  hint: take it away"]


def test_keys_that_do_something_are_listed(said: Said) -> None:
    said.talk.press("h")
    assert [line.split()[0] for line in said.lines] == ["r", "f", "q"]
    said.talk.asked("r")
    said.talk.asked("f")
    assert said.lines == ["rebuilding what was called", "trying again"]


def test_nothing_is_ever_drawn(said: Said) -> None:
    assert said.talk.next_draw() == math.inf
    said.talk.draw(at_once=True)
    assert said.lines == []
