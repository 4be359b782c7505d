"""Call a function from the command line: read the event, print the log and the response."""

import contextlib
import difflib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lambdabuild.core.errors import FAILED, LambdabuildError
from lambdabuild.core.text import one_line, to_json, visible
from lambdabuild.invoke import Answer, Invocation, invoke
from lambdabuild.local.events.batches import report
from lambdabuild.local.events.filling import parse_change
from lambdabuild.local.events.wanted import Wanted
from lambdabuild.local.functions import PAYLOAD_LIMIT, NotBuiltError, Outcome
from lambdabuild.local.recording.calls import Calls, Recorded
from lambdabuild.output.terminal.style import GREEN, RED, Part
from lambdabuild.survey.session import Session
from lambdabuild.system import files

_STDIN = 0
_MOST_LINES = 60
"""Of a difference."""
_LONGEST = 3600.0
"""Seconds; Lambda has 900 at most, and a debugger may stop for longer."""
BUILD_FAILED = "BuildFailed"
"""How a running `serve` calls what does not build."""


class Given(NamedTuple):
    """The flags that say what a function is called with."""

    data: str | None = None
    data_file: str | None = None
    event: str | None = None
    inside: Sequence[str] = ()
    body: str | None = None
    records: int | None = None
    changes: Sequence[str] = ()


def wanted_of(given: Given, working: str) -> Wanted:
    """Return the event that flags ask for; files and stdin are read."""
    sources = {
        "--data": given.data,
        "--data-file": given.data_file,
        "--event": given.event,
    }
    named = [flag for flag, value in sources.items() if value is not None]
    if len(named) > 1:
        raise LambdabuildError(
            f"{named[0]} and {named[1]} cannot both say what the event is", hint="leave one out"
        )
    event, inside = given.event, tuple(given.inside)
    read: bytes | None = None
    origin = "--data"
    if (file := _file_of(given)) is not None:
        read, event = _read(file, working), None
        origin = "stdin" if file == "-" else f"`{file}`"
    elif given.data is not None:
        read = given.data.encode("utf-8", "surrogateescape")
    elif event and "," in event and not os.path.lexists(os.path.join(working, event)):
        event, *others = (part.strip().removeprefix("in ").strip() for part in event.split(","))
        inside = (*others, *inside)
    return Wanted(
        read,
        origin,
        event,
        inside,
        _body(given.body, working),
        given.records,
        tuple(map(parse_change, given.changes)),
    )


def _file_of(given: Given) -> str | None:
    """Return the file that has the whole event; `-` is stdin."""
    if given.data_file is not None:
        return given.data_file
    if "-" in (given.data, given.event):
        return "-"
    # Neither is JSON.
    return given.data[1:] if given.data is not None and given.data.startswith("@") else None


def _body(text: str | None, working: str) -> bytes | None:
    if text is None:
        return None
    if text == "-":
        return _read(text, working)
    if text[:1] == "@":
        return _read(text[1:], working)
    return text.encode("utf-8", "surrogateescape")


def _read(word: str, working: str) -> bytes:
    try:
        if word == "-":
            return files.stream(_STDIN, PAYLOAD_LIMIT)
        return files.named(os.path.join(working, word), PAYLOAD_LIMIT)
    except OSError as error:
        what = "stdin" if word == "-" else f"`{one_line(word)}`"
        raise LambdabuildError(f"cannot read {what}: {error.strerror}") from error


def seconds_of(text: str | None) -> float | None:
    """Return what `--timeout` says."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST:
        raise LambdabuildError(
            f"`--timeout` is a number of seconds, up to {_LONGEST:.0f}, not `{one_line(text)}`"
        )
    return seconds


class Arguments(NamedTuple):
    """The command line of `lambdabuild invoke`."""

    name: str | None
    given: Given = Given()
    timeout: str | None = None
    env_file: str | None = None
    replay: str | None = None
    credentials: bool = True
    logs: bool = True


def run(session: Session, arguments: Arguments) -> int:
    """Do what a command line says; return the exit code."""
    name, given = arguments.name, arguments.given
    wanted = wanted_of(given, session.paths.working)
    replayed: Recorded | None = None
    context = ""
    if arguments.replay is not None:
        if wanted.data is not None or wanted.event is not None:
            raise LambdabuildError(
                "--replay sends the event of another call, so there is none to choose",
                hint="leave out --data, --data-file and --event; --set changes it",
            )
        replayed = recorded_of(session, arguments.replay, name)
        name, context = replayed.function, replayed.client_context
        wanted = wanted._replace(data=replayed.payload, origin=f"call {replayed.id}")
    if name is None:
        taken = given.event
        raise LambdabuildError(
            "`lambdabuild invoke` needs NAME",
            hint=f"`{one_line(taken)}` is taken for the event: write NAME before --event"
            if taken
            else "`lambdabuild list` shows the functions",
        )
    invocation = Invocation(
        name,
        wanted,
        seconds_of(arguments.timeout),
        arguments.env_file,
        arguments.credentials,
        context,
    )
    return call(session, invocation, replayed, logs=arguments.logs)


def call(
    session: Session, invocation: Invocation, replayed: Recorded | None = None, *, logs: bool = True
) -> int:
    """Call a function, print its response on stdout and its log on stderr; return the exit code."""
    console = session.tools.console

    def show(line: bytes) -> None:
        if logs:
            console.log(line.decode("utf-8", "backslashreplace").rstrip("\n"))

    try:
        answer = invoke(session, invocation, show)
    except NotBuiltError as error:
        _say_not_built(str(error))
        return FAILED
    outcome = answer.outcome
    if outcome.error_type == BUILD_FAILED:
        _say_not_built(_message_of(outcome))
        return FAILED
    print_response(outcome.payload)
    for line in report(answer.payload, outcome.payload) if not outcome.failed else ():
        console.tell([Part(line, RED)])
    if replayed is not None:
        _compare(session, replayed, answer)
    return FAILED if outcome.failed else 0


def _say_not_built(text: str) -> None:
    sys.stderr.write(f"{visible(text)}\n")


def _message_of(outcome: Outcome) -> str:
    try:
        return str(json.loads(outcome.payload)["errorMessage"])
    except (ValueError, LookupError, TypeError):
        return outcome.payload.decode("utf-8", "replace")


def print_response(payload: bytes) -> None:
    """Print a response as it is, with a newline at its end; JSON is indented on a terminal."""
    if not payload:
        return
    if sys.stdout.isatty():
        text = payload.decode("utf-8", "backslashreplace")
        try:
            sys.stdout.write(to_json(json.loads(text)))
        except (ValueError, RecursionError):
            sys.stdout.write(f"{visible(text).rstrip(chr(10))}\n")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(payload if payload.endswith(b"\n") else payload + b"\n")
    sys.stdout.buffer.flush()


def recorded_of(session: Session, word: str, function: str | None) -> Recorded:
    """Return the call that `--replay` means."""
    found = Calls(session.paths.project).find(word, function)
    if function is not None and found.function != function:
        raise LambdabuildError(
            f"call {found.id} was of `{found.function}`, not of `{one_line(function)}`",
            hint="leave NAME out, or say `--replay last`",
        )
    return found


def _compare(session: Session, before: Recorded, answer: Answer) -> None:
    """Say how the response differs from the recorded one."""
    console = session.tools.console
    if answer.outcome.payload == before.outcome.payload:
        console.say(f"the response is that of call {before.id}")
        return
    console.say(f"the response differs from that of call {before.id}:")
    lines = list(_difference(before.outcome.payload, answer.outcome.payload))
    for line in lines[:_MOST_LINES]:
        console.tell([Part(line, {"-": RED, "+": GREEN}.get(line[:1], ""))])
    if len(lines) > _MOST_LINES:
        console.say(f"and {len(lines) - _MOST_LINES} more lines")


def _difference(before: bytes, after: bytes) -> Iterator[str]:
    for line in difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=1):
        if not line.startswith(("---", "+++", "@@")):
            yield line


def _lines(payload: bytes) -> list[str]:
    text = payload.decode("utf-8", "backslashreplace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text.splitlines()
    if isinstance(value, dict) and isinstance(value.get("body"), str):
        # What an HTTP response says is JSON in JSON.
        with contextlib.suppress(ValueError, RecursionError):
            value = {**value, "body": json.loads(value["body"])}
    return to_json(value).splitlines()
