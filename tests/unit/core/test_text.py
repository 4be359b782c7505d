"""What a repository's authors wrote is shown, and obeyed by nobody who shows it."""

import contextlib
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st

from lambdabuild.cli.app import app
from lambdabuild.cli.usage.errors import usage_error
from lambdabuild.config.file import parse_config
from lambdabuild.config.options import Config
from lambdabuild.core.build import Plan, Skipped
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.core.text import in_json, inert, one_line, to_json, visible
from lambdabuild.output.github import annotations, refusal, refusal_summary, summary
from lambdabuild.output.report import faults, report_value
from lambdabuild.output.streams import print_columns, print_error, print_json, print_line
from lambdabuild.output.terminal.board import Board
from lambdabuild.output.terminal.console import Console, ConsoleHandler
from lambdabuild.output.terminal.look import Look
from lambdabuild.system.process import Command, shell_line
from tests.harmless import assert_harmless
from tests.unit.values import PROJECT, artifact, batch, record, relative, step

SIGNS = [
    *("::", "::error::a", "::stop-commands::t", "##[", "##[group]a", "##vso[task.complete]", "#", "["),
    *("\n", "\r", "\r\n", " ", "\t", "\u00a0", "\u3000", "\u00ad", "\x0b", "\x1c", "\x85", "\u2028"),
    *("\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x08", "\x7f", "\x00", "\u202e", "\u2066"),
    *("\udcff", "a", "é", "`", "%", "\\", '"', "🙂"),
]  # fmt: skip
hostile = st.lists(st.sampled_from(SIGNS), max_size=6).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot use x\n\tdeclared here", "cannot use x\n\tdeclared here"),
        ("größe 🙂 日本", "größe 🙂 日本"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("a\r\nb\rc", "a\nb\\rc"),
        ("caf\udce9", r"caf\udce9"),
        ("\x9b2J\x85\u202e", r"\x9b2J\x85\u202e"),
    ],
)
def test_controls_can_be_seen_and_the_rest_is_as_it_was(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error::a", r"\::error::a"),
        ("a\n  ::error::a", "a\n  \\::error::a"),
        ("example.com/a::b: no", "example.com/a::b: no"),
        ("api/a.go:1:2: a ##[set-output name=a]b", r"api/a.go:1:2: a #\#[set-output name=a]b"),
        ("###[group]", r"##\#[group]"),
        ("##vso[task.complete]", r"#\#vso[task.complete]"),
        ("## heading", "## heading"),
    ],
)
def test_what_would_be_a_command_gets_a_backslash(line: str, shown: str) -> None:
    assert inert(line) == shown


def test_a_name_is_on_one_line() -> None:
    assert one_line("a\nb\tc\r\n") == r"a\nb\tc\r\n"


def told_on_a_console(name: str, message: str, *, color: bool) -> str:
    """Return all that a console ever tells of functions, files and errors."""
    stream = io.StringIO()
    console = Console(Look(terminal=False, color=color, verbose=True, read=True), stream)
    made, broken = step(f"a{name}"), step(name)
    error = Diagnostic(f"m/{name}", message, f"{PROJECT}/{name}.go", 1, 2, hint=message)
    failed = StepResult(broken, Status.FAILED, errors=(error,))
    results = (StepResult(made, Status.BUILT, size=9, seconds=1.0), failed)
    removed = artifact()._replace(path=f"{PROJECT}/{name}")
    report = Report(False, 1.0, "go1.26", 2, results, (removed,))
    plan = Plan((made, broken), (batch(made, broken),))
    console.building(plan)
    console.explain(plan, {made.key: message})
    console.report(report, relative)
    console.skipped([Skipped(name, message, hint=message)])
    console.say(message)
    console.say_once(name)
    console.warn(message, f"name {name}")
    console.error(LambdabuildError(message, hint=message), str)
    ConsoleHandler(console).emit(record(30, "stderr: %s", message))
    board = Board(console)
    board.watching(2)
    board.changed([name], [name])
    board.results(report, results, [name, f"a{name}"], relative)
    board.stuck(LambdabuildError(message, hint=message))
    return stream.getvalue()


@given(hostile, hostile, st.booleans())
@example("x\n::set-output name=pwn::yes", "a\r::error::raw\n::stop-commands::t", True)
def test_of_what_people_are_told_no_line_is_a_command(name: str, text: str, color: bool) -> None:
    told = told_on_a_console(name, text, color=color)
    assert_harmless(told)
    # Names and warnings are on one line, whatever is in them.
    count = told_on_a_console("n", text, color=color).count("\n")
    assert told.count("\n") == count


@given(hostile, hostile)
def test_the_only_commands_are_lambdabuild_s_own(name: str, message: str) -> None:
    error = Diagnostic("m", message, f"{PROJECT}/{name}.go", 1, 2)
    failed = StepResult(step(name), Status.FAILED, errors=(error,))
    report = Report(False, 1.0, "go1.26", 2, (failed,))
    refused = refusal(LambdabuildError(message, at=[name], file=f"{PROJECT}/{name}"), relative)
    told = [*annotations(report.results, relative, [message]), refused]
    assert [line.partition(" ")[0].partition("::")[0] for line in told] == [""] * 3
    for line, kind in zip(told, ("::error ", "::warning::", "::error "), strict=True):
        assert line.startswith(kind)
        assert_harmless(line.removeprefix("::"))
    for text in (summary(report, relative, warnings=[message], title=name),
                 refusal_summary(LambdabuildError(message, at=[name]))):  # fmt: skip
        assert re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text) == []


def printed(print_it: Callable[[], object]) -> str:
    stream = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        patch.setenv("GITHUB_ACTIONS", "true")
        print_it()
    return stream.getvalue()


@given(hostile, hostile)
def test_of_what_is_printed_no_line_is_a_command(name: str, text: str) -> None:
    command = Command((name, text), f"/{text}", {"A": name})
    for print_it in (
        lambda: print_line(f"{name}: {text}"),
        lambda: print_line(text),
        lambda: print_line(shell_line(command)),
        lambda: print_columns((name, "b"), [(text, name)]),
        lambda: print_json({name: text, "list": [text]}),
        lambda: print_error(text),
    ):
        assert_harmless(printed(print_it))


def test_where_no_log_is_read_text_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"):
        monkeypatch.delenv(variable, raising=False)
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        print_line("::a ##[b]")
    assert stream.getvalue() == "::a ##[b]\n"


@given(hostile, hostile)
def test_json_has_the_same_value_with_nothing_unseen(key: str, text: str) -> None:
    value: dict[str, Any] = {key: [text, {text: None}]}
    for ascii_only in (False, True):
        told = to_json(value, ascii_only=ascii_only)
        assert json.loads(told) == value
        assert_harmless(told)
    assert in_json("[]") == "[]"


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text('a\u00e9"\\\n', max_size=3),
    lambda below: (
        st.lists(below, max_size=3)
        | st.lists(below, max_size=2).map(tuple)
        | st.dictionaries(st.text("ab", max_size=2), below, max_size=3)
    ),
)


@given(_json, st.integers(0, 4), st.booleans())
def test_json_for_people_is_laid_out_as_python_does(
    value: Any, indent: int, ascii_only: bool
) -> None:
    told = to_json(value, indent=indent, ascii_only=ascii_only)
    assert told == json.dumps(value, indent=indent, ensure_ascii=ascii_only) + "\n"


@given(hostile)
def test_a_report_s_json_is_that_of_the_values(name: str) -> None:
    failed = StepResult(step(name), Status.FAILED, errors=(Diagnostic("m", name),))
    report = Report(False, 1.0, name, 2, (failed,))
    value = report_value(report, relative)
    assert json.loads(to_json(value)) == value
    assert faults(report.results)[0].lines(relative)[0].count("\n") == 0


@given(hostile.map(json.dumps))
def test_what_is_wrong_in_a_configuration_is_told_without_obeying_it(text: str) -> None:
    for toml in (f"[functions.{text}]\nbad = 1", f"runtime = {text}", f"{text} = 1",
                 f"max_size = {text}", f"[env]\n{text} = 1", f"architecture = {text}"):  # fmt: skip
        try:
            assert isinstance(parse_config(toml, "lambdabuild.toml"), Config)
        except LambdabuildError as error:
            stream = io.StringIO()
            Console(Look(terminal=False, color=False, read=True), stream).error(error, str)
            assert_harmless(stream.getvalue())


@pytest.mark.parametrize(
    "arguments", [["x\n::error::a"], ["list", "--\n::a::"], ["all", "-j", "##[a]"]]
)
def test_a_usage_error_does_not_repeat_a_command(arguments: list[str]) -> None:
    with pytest.raises(typer.TyperException) as raised:
        app(arguments, standalone_mode=False)
    stream = io.StringIO()
    Console(Look(terminal=False, color=False, read=True), stream).error(
        usage_error(raised.value), str
    )
    assert stream.getvalue().startswith("error: ")
    assert_harmless(stream.getvalue())
