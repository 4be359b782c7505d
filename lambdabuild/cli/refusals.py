"""Report for machines why a run could not start: JSON, a report file, GitHub's annotations."""

import contextlib
import os
import sys
from collections.abc import Mapping

from lambdabuild.cli.usage import Asked
from lambdabuild.config.options import FILE_NAME
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.text import to_json
from lambdabuild.golang.tree import enclosing
from lambdabuild.output import annotating, events, github
from lambdabuild.output.report import refusal_value
from lambdabuild.output.streams import ReaderGoneError, print_json, tell
from lambdabuild.system.places import check_file


def leave(
    error: LambdabuildError, asked: Asked, started: str | None, environment: Mapping[str, str]
) -> None:
    """Leave `error` wherever machines look for the result of what was asked for.

    `started` is the directory that lambdabuild was started in, if there is one.
    """
    working = _working(asked, started)

    def relative(path: str) -> str:
        return os.path.relpath(path, working)

    # Whatever cannot be written: the error itself was told.
    with contextlib.suppress(OSError, ReaderGoneError):
        if asked.json and asked.command == "watch":
            print_json(events.stuck(error, relative), indent=None)
        elif asked.json:
            print_json(refusal_value(error, relative))
        sys.stdout.flush()
    if asked.report is not None and not error.reported:
        path = os.path.normpath(os.path.join(working, asked.report))
        problem = _written(path, working, to_json(refusal_value(error, relative)))
        said = f"cannot write the report `{asked.report}`: {problem}"
        # That may be the error itself.
        if problem is not None and said != error.message:
            tell(f"warning: {said}")
    if annotating.runs_there(environment):
        shown = annotating.from_top(environment, working)
        # A command, which `tell` would keep the runner from.
        sys.stderr.write(f"{github.refusal(error, shown)}\n")
        problem = annotating.summarize(environment, github.refusal_summary(error))
        if problem is not None:
            tell(f"warning: {problem}")


def _working(asked: Asked, started: str | None) -> str:
    """Return the directory that paths are relative to, whether the command went there or not."""
    wanted = os.path.join(started or os.sep, *asked.directories)
    return os.path.normpath(wanted) if os.path.isdir(wanted) else started or os.sep


def _written(path: str, working: str, text: str) -> str | None:
    """Write a file; return why it cannot be written, if so."""
    try:
        check_file(path, enclosing(working, FILE_NAME, os.path.lexists) or working)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        return error.strerror
    except LambdabuildError as error:
        return error.message
    return None
