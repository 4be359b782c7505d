"""Turn whatever ends a run into a message and an exit code, in one place."""

import contextlib
import errno
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from lambdabuild.core import errors
from lambdabuild.core.errors import Interrupted, LambdabuildError
from lambdabuild.output import streams

Tell = Callable[[LambdabuildError], None]
"""Report an error to somebody."""


def guarded(run: Callable[[], object], show: Tell, leave: Tell) -> int:
    """Return the exit code of `run`; `show` people why it ended, and `leave` it for machines.

    Unexpected errors get a few words as well: a traceback is for the log.
    """
    try:
        code = _code_of(run, show, leave)
    except Exception as error:  # noqa: BLE001 - the boundary
        # It arose while an error was reported.
        streams.print_error(f"error: {_message_and_hint(error)[0]}")
        code = errors.NOT_STARTED
    problem = streams.finish_stdout()
    if problem is None:
        return code
    streams.print_error(f"error: {problem}")
    return code or problem.exit_code


def note_thread(ended: threading.ExceptHookArgs) -> None:
    """Log what ended a thread, where Python would print a traceback."""
    import logging

    log = logging.getLogger("lambdabuild")
    if log.handlers and ended.exc_value is not None:
        log.error("a thread ended by what nobody foresaw", exc_info=ended.exc_value)


def _code_of(run: Callable[[], object], show: Tell, leave: Tell) -> int:
    code: object
    try:
        code = run()
    except SystemExit as exit_:
        code = exit_.code
    except (Interrupted, KeyboardInterrupt):
        streams.print_error("interrupted; nothing is half written")
        return errors.INTERRUPTED
    except streams.ReaderGoneError:
        streams.give_up_stdout()
        return 0
    except Exception as error:  # noqa: BLE001 - the boundary
        if _is_of_typer(error):
            return _code_of_misuse(error, show, leave)
        failure = error if isinstance(error, LambdabuildError) else in_words(error)
        show(failure)
        leave(failure)
        return failure.exit_code
    # `typer.Exit` comes back as a value.
    return code if isinstance(code, int) else 0


def _is_of_typer(error: Exception) -> bool:
    """Return whether typer refuses the command line, where it was imported."""
    typer = sys.modules.get("typer")
    return typer is not None and isinstance(error, typer.TyperException)


def _code_of_misuse(error: Any, show: Tell, leave: Tell) -> int:
    from lambdabuild.cli.usage import errors as usage

    refused = usage.usage_error(error)
    if (wanted := usage.asked_for_help(error)) is not None:
        streams.print_error(wanted.rstrip("\n"))
    else:
        show(refused)
    leave(refused)
    code: int = error.exit_code
    return code


def in_words(error: Exception, project: str | None = None) -> LambdabuildError:
    """Return an unexpected error as a message.

    With a project, log the traceback there; the hint names the file.
    """
    if isinstance(error, OSError) and streams.is_of_stdout(error):
        return streams.unwritten(error)
    message, hint = _message_and_hint(error)
    hints = [hint] if hint else []
    if project is not None:
        from lambdabuild.state.store import Home
        from lambdabuild.system.logfile import log_traceback

        home = Home(project)
        with contextlib.suppress(OSError, LambdabuildError):
            home.create()
            hints.append(f"`{log_traceback(home.logs, error)}` has more")
    return LambdabuildError(message, hint="; ".join(hints) or None)


def _message_and_hint(error: Exception) -> tuple[str, str | None]:
    if isinstance(error, OSError):
        from lambdabuild.state.store import remedy_of

        reason = error.strerror or str(error) or type(error).__name__
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
        what = f"cannot use `{path}`" if path else "the system refuses"
        remedy = remedy_of(error.errno, path or "")
        if error.errno in {errno.EACCES, errno.EPERM}:
            remedy = "the user that runs lambdabuild has to be allowed to use it"
        return f"{what}: {reason}", remedy
    if isinstance(error, MemoryError):
        return "memory ran out", "`ulimit -a` shows the limits, and `-j 1` needs less"
    if isinstance(error, RecursionError):
        return "something is nested too deeply to be followed", None
    if isinstance(error, UnicodeError):
        return f"something is no text in its encoding: {error}", None
    message = ": ".join(filter(None, (type(error).__name__, str(error))))
    return f"lambdabuild failed: {message}", "this is a fault in lambdabuild: please report it"
