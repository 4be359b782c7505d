"""Run a command line; the one place where errors become messages and exit codes."""

import gc

# What imports and `go list` make stays: collecting garbage meanwhile takes a twentieth of a run, so
# this comes first. 2,000 functions are more than 100,000 objects, and one look takes 40 ms.
gc.set_threshold(200_000, 20, 20)

import contextlib
import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from lambdabuild import __version__
from lambdabuild.cli.boundary import guarded, note_thread
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.output import streams

_COMPLETION = "_LAMBDABUILD_COMPLETE"
"""In the environment, it asks for completion; its value names the shell."""


def main() -> NoReturn:
    """Run the command line of this process, and end it."""
    streams.set_up()
    threading.excepthook = note_thread
    started = None
    with contextlib.suppress(OSError):
        started = os.getcwd()
    arguments = sys.argv[1:]

    def show(error: LambdabuildError) -> None:
        from lambdabuild.cli.usage import grammar, refusals

        refusals.show(error, refusals.read(arguments, grammar.load()), started, os.environ)

    def leave(error: LambdabuildError) -> None:
        from lambdabuild.cli.usage import grammar, refusals

        refusals.leave(error, refusals.read(arguments, grammar.load()), started, os.environ)

    if _COMPLETION in os.environ:
        from lambdabuild.cli.usage.completion import answer

        answer(os.environ[_COMPLETION], os.environ)
        sys.exit()
    code = guarded(lambda: _run(arguments), show, leave)
    # Taking Python down takes it a tenth of a run with nothing to do; and a request to a store that
    # stalls would abort the process if it returned meanwhile. Stdout was flushed, logs were closed.
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def _run(arguments: Sequence[str]) -> object:
    """Run a command line; return its exit code, or None."""
    if arguments in (["--version"], ["-V"], ["version"]):
        streams.print_line(f"lambdabuild {__version__}")
        return None
    from lambdabuild.cli.usage import plain

    if (command := plain.read(arguments)) is not None:
        command.run()
        return None
    from lambdabuild.cli import app

    return app.group()(standalone_mode=False)
