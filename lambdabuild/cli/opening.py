"""Open a session: from flags, configuration and environment to where everything happens."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import typer

from lambdabuild.cli.boundary import in_words
from lambdabuild.cli.options import Globals, Output, Selection
from lambdabuild.config.settings import FILE_NAME, Settings
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.golang.pipes import releasing
from lambdabuild.golang.tree import enclosing
from lambdabuild.output.console import Console, ConsoleHandler, Remarks, choose_look
from lambdabuild.output.streams import ReaderGoneError
from lambdabuild.survey.session import Session, read_config
from lambdabuild.system import logfile
from lambdabuild.system.process import Runner
from lambdabuild.system.signals import Interrupts
from lambdabuild.system.timeline import Timeline

_UNTRUSTED = "LAMBDABUILD_UNTRUSTED"
"""Means what `--untrusted` does, for whole jobs."""


@contextlib.contextmanager
def opened(
    flags: Globals,
    selection: Selection | None = None,
    output: Output | None = None,
    refused: Callable[[LambdabuildError], None] | None = None,
) -> Iterator[Session]:
    """Open what a command needs, and close it however the command ends.

    Where the configuration is wrong, `refused` is told, and the session has none.

    Raises:
        LambdabuildError: the configuration is wrong and `refused` is None, or there is no directory
            to work in.

    """
    environment = dict(os.environ)
    look = choose_look(
        flags.color, environment, sys.stderr, quiet=flags.quiet, verbose=flags.verbose
    )
    try:
        working = os.getcwd()
    except OSError as error:
        raise LambdabuildError(
            f"there is no working directory: {error.strerror}", hint="change to one that is there"
        ) from error
    flags = flags._replace(untrusted=flags.untrusted or _is_on(environment.get(_UNTRUSTED)))
    try:
        project, settings = settle(working, flags, selection, output)
    except LambdabuildError as error:
        if refused is None:
            raise
        refused(error)
        project = enclosing(working, FILE_NAME, os.path.lexists) or working
        settings = Settings()
    interrupts = Interrupts()
    session = Session(
        project=project,
        working=working,
        settings=settings,
        environment=environment,
        run=Runner(environment, interrupts.held_off, releasing),
        console=Console(look),
        interrupts=interrupts,
        timeline=Timeline(),
    )
    talk = ConsoleHandler if look.verbose else Remarks
    logfile.log_to(talk(session.console))
    with session.interrupts.caught():
        try:
            yield session
        except (LambdabuildError, ReaderGoneError, typer.Exit, typer.TyperException):
            raise
        except Exception as error:
            raise in_words(error, project) from error
        finally:
            session.run.close()
            session.console.built()
            logfile.close_log()


def settle(
    working: str, flags: Globals, selection: Selection | None, output: Output | None
) -> tuple[str, Settings]:
    """Return the project directory and the settings that hold in it."""
    project, config = read_config(working, flags.config, untrusted=flags.untrusted)

    def here(path: str) -> str:
        # What the command line names is relative to where it was typed.
        return os.path.relpath(os.path.join(working, path), project)

    settings = selection.settings if selection else Settings()
    if config.exclude or settings.also_exclude:
        config = config._replace(
            exclude=tuple(_glob(glob, project, project) for glob in config.exclude)
        )
        typed = tuple(_glob(glob, working, project) for glob in settings.also_exclude)
        settings = replace(settings, also_exclude=typed)
    given = []
    if selection and selection.roots:
        given.append("roots")
        config = config._replace(roots=tuple(here(root) for root in selection.roots))
    if output:
        if output.out is not None:
            given.append("out")
            config = config._replace(out=here(output.out))
        settings = replace(
            settings,
            in_place=output.in_place,
            flags=settings.flags._replace(
                ldflags=output.ldflags,
                gcflags=output.gcflags or None,
                zip=output.zip,
                sbom=output.sbom,
            ),
        )
    return project, replace(settings, config=config, given=tuple(given), untrusted=flags.untrusted)


def _is_on(text: str | None) -> bool:
    # What nobody understands is on the safe side.
    return (text or "").strip().lower() not in {"", "0", "false", "no", "off"}


def _glob(glob: str, base: str, project: str) -> str:
    """Return a glob as it is matched: names as they are, directories from the project's.

    A directory is told from a name by a separator in it, or a dot at its beginning.
    """
    if not glob or (os.sep not in glob and not glob.startswith(".")):
        return glob
    path = os.path.normpath(os.path.join(base, glob))
    if os.path.isabs(glob) and os.path.commonpath([path, project]) != project:
        # By way of a symbolic link, as the shell's PWD may have it.
        path = os.path.realpath(path)
    return os.path.relpath(path, project)
