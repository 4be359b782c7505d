"""The one place where whatever ends a run becomes a message and an exit code."""

import errno
import os
import threading
from collections.abc import Callable

import typer

from lambdabuild.core import errors
from lambdabuild.core.errors import Interrupted, LambdabuildError
from lambdabuild.output import streams


def guarded(run: Callable[[], object], leave: Callable[[LambdabuildError], None]) -> int:
    """Return the exit code of what `run` does; tell people why it ended, and `leave` it for others.

    What nobody foresaw is told in a few words as well: a traceback is for the log.
    """
    try:
        code = _code_of(run, leave)
    except Exception as error:  # noqa: BLE001 - the boundary
        # It arose where an error was told of.
        streams.tell(f"error: {_told(error)[0]}")
        code = errors.NOT_STARTED
    problem = streams.finish_stdout()
    if problem is None:
        return code
    streams.tell(f"error: {problem}")
    return code or problem.exit_code


def note_thread(ended: threading.ExceptHookArgs) -> None:
    """Leave what ended a thread to the log, where Python would print a traceback."""
    import logging

    log = logging.getLogger("lambdabuild")
    if log.handlers and ended.exc_value is not None:
        log.error("a thread ended by what nobody foresaw", exc_info=ended.exc_value)


def _code_of(run: Callable[[], object], leave: Callable[[LambdabuildError], None]) -> int:
    code: object
    try:
        code = run()
    except SystemExit as exit_:
        code = exit_.code
    except LambdabuildError as error:
        code = _ended(error, leave)
    except typer.TyperException as error:
        from lambdabuild.cli import refusals

        leave(refusals.usage_error(error))
        code = error.exit_code
    except (Interrupted, KeyboardInterrupt):
        streams.tell("interrupted; nothing is half written")
        code = errors.INTERRUPTED
    except streams.ReaderGoneError:
        streams.give_up_stdout()
        code = 0
    except Exception as error:  # noqa: BLE001 - the boundary
        code = _ended(in_words(error), leave)
    # `typer.Exit` comes back as a value.
    return code if isinstance(code, int) else 0


def _ended(error: LambdabuildError, leave: Callable[[LambdabuildError], None]) -> int:
    streams.tell(f"error: {error}")
    leave(error)
    return error.exit_code


def in_words(error: Exception, project: str | None = None) -> LambdabuildError:
    """Return as words what nobody turned into words where it arose.

    With a project, its log is given the traceback, and the hint names the file.
    """
    if isinstance(error, OSError) and streams.is_of_stdout(error):
        return streams.unwritten(error)
    message, hint = _told(error)
    hints = [hint] if hint else []
    if project is not None and (file := _logged(error, project)) is not None:
        hints.append(f"`{file}` has more")
    return LambdabuildError(message, hint="; ".join(hints) or None)


def _told(error: Exception) -> tuple[str, str | None]:
    """Return what happened, and what helps."""
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or type(error).__name__
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
        what = f"cannot use `{path}`" if path else "the system refuses"
        return f"{what}: {reason}", _remedy(error.errno, path or "")
    if isinstance(error, MemoryError):
        return "memory ran out", "`ulimit -a` shows the limits, and `-j 1` needs less"
    if isinstance(error, RecursionError):
        return "something is nested too deeply to be followed", None
    if isinstance(error, UnicodeError):
        return f"something is no text in its encoding: {error}", None
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"lambdabuild failed: {said}", "this is a fault in lambdabuild: please report it"


def _remedy(number: int | None, path: str) -> str | None:
    if number in {errno.EACCES, errno.EPERM}:
        return "the user that runs lambdabuild has to be allowed to use it"
    from lambdabuild.state.store import remedy_of

    return remedy_of(number, path)


def _logged(error: Exception, project: str) -> str | None:
    from lambdabuild.state.store import Home
    from lambdabuild.system import logfile

    home = Home(project)
    try:
        home.create()
        return str(logfile.log_traceback(home.logs, error))
    except (OSError, LambdabuildError):
        return None
