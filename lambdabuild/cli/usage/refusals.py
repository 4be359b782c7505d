"""Report why a run could not start: on stderr, and for machines in JSON, a report, an annotation."""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.cli.usage.grammar import Command
from lambdabuild.config.options import FILE_NAME
from lambdabuild.config.parsing import COLORS
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.text import to_json
from lambdabuild.golang.tree import enclosing
from lambdabuild.output import annotating, events, github
from lambdabuild.output.report import refusal_value
from lambdabuild.output.streams import ReaderGoneError, print_error, print_json
from lambdabuild.output.terminal.console import Console
from lambdabuild.output.terminal.look import choose_look
from lambdabuild.system.links import check_file, write_whole

_VALUES = {"--report": "report", "--code-quality": "code_quality", "--color": "color"}
"""Flags of interest, and the field of each."""


class CommandLine(NamedTuple):
    """What can be read of a command line, which may be invalid."""

    command: str | None = None
    json: bool = False
    report: str | None = None
    code_quality: str | None = None
    directories: tuple[str, ...] = ()
    """Of -C, in order."""
    color: str | None = None

    def given(self, flag: str, value: str) -> "CommandLine":
        """Return the command line with a flag's value, if it is one of these."""
        if flag in _VALUES and value:
            return CommandLine(**self._asdict() | {_VALUES[flag]: value})
        if flag in {"-C", "--directory"} and value:
            return self._replace(directories=(*self.directories, value))
        return self


def read(arguments: Sequence[str], group: Command) -> CommandLine:
    """Read a command line that may be invalid."""
    general = _valued(group)
    commands = {name: _valued(command) for name, command in group.commands.items()}
    # Flags after an unknown command.
    unknown = frozenset[str]().union(*commands.values())
    line = CommandLine()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            line = line._replace(command=line.command or word)
            continue
        valued = commands.get(line.command, unknown) if line.command else general
        flag, equals, value = word.partition("=")
        if not word.startswith("--"):
            flag, value = _short(word, valued)
            equals = value
        if flag == "--json":
            line = line._replace(json=True)
        elif flag in valued:
            if not equals:
                value = rest.pop(0) if rest else ""
            line = line.given(flag, value)
    return line


def _short(word: str, valued: frozenset[str]) -> tuple[str, str]:
    """Return the flag with a value among flags of one letter, such as `-qC`, and the value."""
    for place, letter in enumerate(word[1:], start=2):
        if f"-{letter}" in valued:
            return f"-{letter}", word[place:]
    return word, ""


def _valued(command: Command) -> frozenset[str]:
    """Return the flags of a command that take a value."""
    return frozenset(
        flag for parameter in command.options if not parameter.is_flag for flag in parameter.opts
    )


def show(
    error: LambdabuildError, line: CommandLine, started: str | None, environment: Mapping[str, str]
) -> None:
    """Print `error` on stderr, as a console does that nobody opened."""
    color = line.color if line.color in COLORS else COLORS[0]
    look = choose_look(color, environment, sys.stderr, quiet=False, verbose=False)
    working = _working(line, started)
    Console(look, sys.stderr).error(error, lambda path: os.path.relpath(path, working))


def leave(
    error: LambdabuildError, line: CommandLine, started: str | None, environment: Mapping[str, str]
) -> None:
    """Write `error` wherever machines look for the result of a command line.

    `started` is the directory that lambdabuild was started in, if there is one.
    """
    working = _working(line, started)

    def relative(path: str) -> str:
        return os.path.relpath(path, working)

    # The error itself is on stderr already.
    with contextlib.suppress(OSError, ReaderGoneError):
        if line.json and line.command == "watch":
            print_json(events.stuck(error, relative), indent=None)
        elif line.json:
            print_json(refusal_value(error, relative))
        sys.stdout.flush()
    reports: list[tuple[str | None, str, Callable[[], str]]] = [
        (line.report, "report", lambda: to_json(refusal_value(error, relative))),
        (
            line.code_quality,
            "code-quality report",
            lambda: _code_quality(error, environment, working),
        ),
    ]
    for name, what, make in reports:
        if name is None or name in error.reported:
            continue
        problem = _write(os.path.normpath(os.path.join(working, name)), working, make())
        message = f"cannot write the {what} `{name}`: {problem}"
        # That may be the error itself.
        if problem is not None and message != error.message:
            print_error(f"warning: {message}")
    if annotating.runs_there(environment):
        shown = annotating.from_top(environment, working)
        # Not by `print_error`, which makes commands inert.
        sys.stderr.write(f"{github.refusal(error, shown)}\n")
        problem = annotating.summarize(environment, github.refusal_summary(error))
        if problem is not None:
            print_error(f"warning: {problem}")


def _working(line: CommandLine, started: str | None) -> str:
    """Return the directory of a command, whether or not it got as far as -C."""
    working = os.path.join(started or os.sep, *line.directories)
    return os.path.normpath(working) if os.path.isdir(working) else started or os.sep


def _code_quality(error: LambdabuildError, environment: Mapping[str, str], working: str) -> str:
    from lambdabuild.output.code_quality import code_quality_text, refusal_issue

    relative = annotating.from_repository(environment, working)
    return code_quality_text([refusal_issue(error, relative)])


def _write(path: str, working: str, text: str) -> str | None:
    """Write a file; return why that fails, if it does."""
    try:
        check_file(path, enclosing(working, FILE_NAME, os.path.lexists) or working)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        return error.strerror
    except LambdabuildError as error:
        return error.message
    return None
