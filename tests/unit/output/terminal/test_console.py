import io
import logging
from collections.abc import Mapping

import pytest

from lambdabuild.core.build import Batch, Event, Plan, Skipped
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.output.terminal.console import Console, ConsoleHandler
from lambdabuild.output.terminal.look import Look, choose_look
from tests.unit.values import ARM64, PROJECT, artifact, batch, record, relative, step

PLAIN = Look(terminal=False, color=False)
QUIET = PLAIN._replace(quiet=True)
COLOR = PLAIN._replace(color=True)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize(
    ("color", "environment", "stream", "terminal", "colored"),
    [
        ("auto", {}, Terminal(), True, True),
        ("auto", {"TERM": "xterm"}, Terminal(), True, True),
        ("auto", {"TERM": "dumb"}, Terminal(), False, False),
        ("auto", {"NO_COLOR": "1"}, Terminal(), True, False),
        ("auto", {"NO_COLOR": ""}, Terminal(), True, True),
        ("auto", {}, io.StringIO(), False, False),
        ("always", {}, io.StringIO(), False, True),
        ("always", {"NO_COLOR": "1"}, Terminal(), True, True),
        ("always", {"TERM": "dumb"}, Terminal(), False, True),
        ("never", {}, Terminal(), True, False),
    ],
)
def test_board_and_colour_are_for_terminals_unless_somebody_says_otherwise(
    color: str,
    environment: Mapping[str, str],
    stream: io.StringIO,
    terminal: bool,
    colored: bool,
) -> None:
    for quiet, verbose in ((False, False), (True, False), (False, True)):
        look = choose_look(color, environment, stream, quiet=quiet, verbose=verbose)
        assert look == Look(terminal, colored, quiet, verbose)


@pytest.mark.parametrize(
    ("told", "stream", "columns"),
    [
        ("120", Terminal(), 120),
        ("", Terminal(), None),
        ("0", Terminal(), None),
        ("wide", Terminal(), None),
        ("120", io.StringIO(), None),
    ],
)
def test_columns_in_the_environment_are_for_terminals(
    told: str, stream: io.StringIO, columns: int | None
) -> None:
    look = choose_look("auto", {"COLUMNS": told}, stream, quiet=False, verbose=False)
    assert look.columns == columns


def said(look: Look, *events: Event, plan: Plan | None = None) -> list[str]:
    """Return the lines that a person sees of a build."""
    stream = io.StringIO()
    console = Console(look, stream)
    if plan is not None:
        console.building(plan)
    for event in events:
        console.observe(event)
        console.observe(None)
    console.built()
    return stream.getvalue().splitlines()


USERS, CARTS = step("users-get"), step("carts")
TOGETHER = batch(USERS, CARTS)


def event(kind: str, tool: str, package: str, at: float = 0.0, of: Batch = TOGETHER) -> Event:
    return Event(of, kind, tool, package, at)


def test_without_a_terminal_every_link_is_a_line() -> None:
    plan = Plan((USERS, CARTS), (TOGETHER,))
    events = [
        event("start", "compile", "m/auth"),
        event("done", "compile", "m/auth"),
        event("start", "link", USERS.function.package),
        event("done", "link", USERS.function.package),
        event("start", "link", CARTS.function.package),
        event("failed", "link", CARTS.function.package),
    ]
    assert said(PLAIN, *events, plan=plan) == [
        "building 2 functions for linux/amd64",
        "linked users-get (1 of 2)",
        "could not link carts",
    ]
    assert said(QUIET, *events, plan=plan) == []


class Clock:
    """The time, which passes only where a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_of_very_many_functions_a_line_comes_every_two_seconds_and_failures_at_once() -> None:
    many = [step(f"f{number:02}") for number in range(51)]
    together, clock, stream = batch(*many), Clock(), io.StringIO()
    console = Console(PLAIN, stream, clock)
    console.building(Plan(tuple(many), (together,)))
    for number, one in enumerate(many):
        kind = "failed" if number == 3 else "done"
        console.observe(event(kind, "link", one.function.package, of=together))
        clock.now += 0.125
    assert stream.getvalue().splitlines() == [
        "building 51 functions for linux/amd64",
        "linked 1 of 51",
        "could not link f03",
        "linked 16 of 51",
        "linked 32 of 51",
        "linked 48 of 51",
    ]


def test_a_check_links_nothing_and_does_not_say_so() -> None:
    stream = io.StringIO()
    console = Console(PLAIN, stream)
    console.building(Plan((USERS, CARTS), (TOGETHER,)), links=False)
    console.observe(event("current", "link", CARTS.function.package))
    assert stream.getvalue() == "checking 2 functions for linux/amd64\n"


def test_a_function_of_several_targets_is_told_with_the_target() -> None:
    arm = step("users-get", target=ARM64)
    of_arm = batch(arm, number=1)
    plan = Plan((USERS, CARTS, arm), (TOGETHER, of_arm))
    events = [
        event("done", "link", USERS.function.package),
        event("done", "link", USERS.function.package, of=of_arm),
        event("done", "link", CARTS.function.package),
    ]
    assert said(PLAIN, *events, plan=plan) == [
        "building 2 functions for linux/amd64, linux/arm64",
        "linked users-get for linux/amd64 (1 of 3)",
        "linked users-get for linux/arm64 (2 of 3)",
        "linked carts (3 of 3)",
    ]


def test_one_function_is_said_in_the_singular() -> None:
    assert said(PLAIN, plan=Plan((CARTS,), (batch(CARTS),))) == [
        "building 1 function for linux/amd64"
    ]


def test_what_cannot_be_loaded_is_counted_and_nothing_is_said_of_nothing() -> None:
    broken = step("broken", errors=(BROKEN,))
    assert said(PLAIN, plan=Plan((broken,), ())) == ["1 function cannot be loaded"]
    assert said(PLAIN, plan=Plan((broken, CARTS), (batch(CARTS),))) == [
        "building 1 function for linux/amd64; 1 cannot be loaded"
    ]
    assert said(PLAIN, plan=Plan((), ())) == []


def test_an_event_outside_of_a_build_is_nothing_to_tell() -> None:
    assert said(PLAIN, event("done", "link", CARTS.function.package)) == []


BROKEN = Diagnostic("m/auth", "undefined: token", f"{PROJECT}/auth/auth.go", 9, 2)
REPORT = Report(
    ok=False,
    seconds=6.4,
    go="go1.26.8",
    jobs=2,
    results=(
        StepResult(USERS, Status.BUILT, size=8_908_960, previous_size=8_907_760,
                   compile_seconds=0.08, link_seconds=0.21, seconds=0.29),
        StepResult(CARTS, Status.FAILED, errors=(BROKEN,)),
        StepResult(step("orders"), Status.UP_TO_DATE, size=8_000_000, previous_size=8_000_000),
    ),
    removed=(artifact("gone"),),
)  # fmt: skip


def reported(look: Look) -> str:
    stream = io.StringIO()
    Console(look, stream).report(REPORT, relative)
    return stream.getvalue()


TABLE = """\
function   target       status    size   change  compile    link
users-get  linux/amd64  built   8.9 MB  +1.2 kB   0.08 s  0.21 s
"""
FAULTS = """\
auth/auth.go:9:2: error: undefined: token
  `carts` did not build: in package m/auth
"""
END = """\
removed dist/gone/bootstrap, which nothing builds any more
built 1, up to date 1, failed 1 of 3 in 6.4 s
"""


def test_a_report_is_a_table_the_faults_and_a_last_line() -> None:
    assert reported(PLAIN) == TABLE + FAULTS + END


def test_who_asked_for_quiet_sees_only_what_is_wrong() -> None:
    assert reported(QUIET) == FAULTS


def test_who_asked_for_everything_sees_also_what_was_up_to_date() -> None:
    assert reported(PLAIN._replace(verbose=True)) == (
        "function   target       status        size   change  compile    link\n"
        "users-get  linux/amd64  built       8.9 MB  +1.2 kB   0.08 s  0.21 s\n"
        "orders     linux/amd64  up to date  8.0 MB\n" + FAULTS + END
    )


def test_the_last_line_is_red_or_green() -> None:
    end = "built 1, up to date 1, failed 1 of 3 in 6.4 s\x1b[0m"
    assert reported(COLOR).splitlines()[-1] == f"\x1b[31;1m{end}"
    stream = io.StringIO()
    Console(COLOR, stream).report(REPORT._replace(ok=True, results=REPORT.results[2:]), relative)
    assert "\x1b[32;1mup to date 1 of 1 in 6.4 s\x1b[0m\n" in stream.getvalue()


def test_a_terminal_cuts_the_table_at_its_width_and_nobody_else_does() -> None:
    name = "a-" * 200 + "function"
    report = REPORT._replace(results=(StepResult(step(name), Status.BUILT, size=1_000),))
    terminal = Terminal()
    look = Look(terminal=True, color=False, columns=40)
    Console(look, terminal).report(report, relative)
    assert terminal.getvalue().splitlines()[:2] == [
        "function                          status",
        "a-a-a-a-a-a-a-a-…-a-a-a-function  built",
    ]


def test_a_complaint_is_the_last_line_even_for_who_asked_for_quiet() -> None:
    complaint = "3 warnings, and --strict is given"
    for look in (PLAIN, QUIET):
        stream = io.StringIO()
        Console(look, stream).report(REPORT._replace(complaint=complaint), relative)
        assert stream.getvalue().splitlines()[-1] == f"error: {complaint}"


def test_the_words_are_the_same_in_colour() -> None:
    colored = reported(COLOR)
    assert "\x1b[" in colored
    plain = "".join(part.partition("m")[2] if i else part
                    for i, part in enumerate(colored.split("\x1b[")))  # fmt: skip
    assert [line.rstrip() for line in plain.splitlines()] == (TABLE + FAULTS + END).splitlines()


def test_a_table_is_as_wide_as_its_longest_name_where_nobody_cuts_it() -> None:
    name = "a-" * 200 + "function"
    stream = io.StringIO()
    report = REPORT._replace(results=(StepResult(step(name), Status.BUILT, size=1_000),))
    Console(PLAIN, stream).report(report, relative)
    assert name in stream.getvalue().split()


def test_warnings_and_errors_are_told_with_their_hints_even_to_who_asked_for_quiet() -> None:
    for look in (PLAIN, QUIET):
        stream = io.StringIO()
        console = Console(look, stream)
        console.warn("`GOOS` is exported", "unset it")
        console.warn("so what")
        console.error(
            LambdabuildError("no go.mod was found", at=["/shop"], hint="`go mod init`"), str
        )
        console.skipped(
            [
                Skipped("api/cron", "its module is not in go.work", hint="`go work use api/cron`"),
                Skipped("api/testdata", "Go ignores it"),
            ]
        )
        assert stream.getvalue() == (
            "warning: `GOOS` is exported\n"
            "  hint: unset it\n"
            "warning: so what\n"
            "error: no go.mod was found\n"
            "  at: /shop\n"
            "  hint: `go mod init`\n"
            "warning: `api/cron` is not built: its module is not in go.work\n"
            "  hint: `go work use api/cron`\n"
        )


def test_a_build_goes_on_when_nobody_reads_any_more() -> None:
    console = Console(PLAIN, Closed())
    console.say("building 2 functions for linux/amd64")
    console.warn("nobody hears this")


def test_on_a_terminal_a_board_is_drawn_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    console = Console(Look(terminal=True, color=False), stream)
    console.building(Plan((USERS, CARTS), (TOGETHER,)))
    console.observe(event("start", "link", USERS.function.package))
    console.observe(None)
    console.say("in between")
    console.built()
    console.say("after")
    shown = stream.getvalue()
    assert shown.startswith("building 2 functions for linux/amd64\n")
    assert "0 of 2 linked, 0.00 s" in shown
    assert "linking users-get" in shown
    assert "in between\x1b[K\r\n" in shown
    assert shown.endswith("after\n")
    # The cursor comes back.
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1


def test_log_records_are_lines_for_who_asked_for_everything() -> None:
    stream = io.StringIO()
    handler = ConsoleHandler(Console(PLAIN._replace(verbose=True), stream))
    handler.handle(record(logging.DEBUG, "exit %d after %.3f s", 1, 0.25))
    handler.handle(record(logging.WARNING, "state is damaged"))
    assert stream.getvalue() == "debug: exit 1 after 0.250 s\nwarning: state is damaged\n"
