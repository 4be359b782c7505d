"""Open a session: from flags, configuration and environment to where everything happens."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping

from lambdabuild.cli.boundary import in_words
from lambdabuild.cli.options import Options
from lambdabuild.config.options import FILE_NAME, OPTIONS, BuildSettings, Config
from lambdabuild.config.reading import read_config
from lambdabuild.config.settings import Settings
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.golang.tree import enclosing, releasing
from lambdabuild.output.streams import ReaderGoneError
from lambdabuild.output.terminal.console import Console, ConsoleHandler
from lambdabuild.output.terminal.look import choose_look
from lambdabuild.survey.session import Session, Tools
from lambdabuild.system import logfile
from lambdabuild.system.process import Runner
from lambdabuild.system.signals import Interrupts
from lambdabuild.system.timeline import Timeline

_UNTRUSTED = "LAMBDABUILD_UNTRUSTED"
"""Like `--untrusted`, for all of a CI job."""


@contextlib.contextmanager
def opened(
    options: Options, refused: Callable[[LambdabuildError], None] | None = None
) -> Iterator[Session]:
    """Open what a command needs, and close it however the command ends.

    Where the configuration is wrong, `refused` gets the error, and the session has the defaults.
    """
    environment = dict(os.environ)
    general = options.general
    look = choose_look(
        general.color, environment, sys.stderr, quiet=general.quiet, verbose=general.verbose
    )
    try:
        working = os.getcwd()
    except OSError as error:
        raise LambdabuildError(
            f"there is no working directory: {error.strerror}", hint="change to one that is there"
        ) from error
    # What is not understood is on the safe side.
    off = {"", "0", "false", "no", "off"}
    untrusted = general.untrusted or environment.get(_UNTRUSTED, "").strip().lower() not in off
    try:
        project, settings = settle(working, options, environment, untrusted=untrusted)
    except LambdabuildError as error:
        if refused is None:
            raise
        refused(error)
        project = enclosing(working, FILE_NAME, os.path.lexists) or working
        settings = Settings()
    interrupts, console = Interrupts(), Console(look)
    run = Runner(environment, interrupts.held_off, releasing)
    tools = Tools(environment, run, console, interrupts, Timeline())
    logfile.log_to(ConsoleHandler(console))
    with interrupts.caught():
        try:
            yield Session(settings.paths(project, working), settings, tools)
        except (LambdabuildError, ReaderGoneError):
            raise
        except Exception as error:
            raise in_words(error, project) from error
        finally:
            run.close()
            console.built()
            logfile.close_log()


def settle(
    working: str, options: Options, environment: Mapping[str, str], *, untrusted: bool
) -> tuple[str, Settings]:
    """Return the project directory and its settings."""
    project, config = read_config(working, options.general.config, untrusted=untrusted)

    def here(path: str) -> str:
        # Paths on the command line are relative to where it was typed.
        return os.path.relpath(os.path.join(working, path), project)

    exported = {o.name: environment.get(o.variable) for o in OPTIONS if o.variable}
    chosen = {name: value for name, value in exported.items() if value} | dict(options.chosen)
    also_exclude = tuple(_glob(glob, working, project) for glob in chosen.pop("exclude", ()))
    if "roots" in chosen:
        chosen["roots"] = tuple(map(here, chosen["roots"]))
    if "out" in chosen:
        chosen["out"] = here(chosen["out"])
    excluded = tuple(_glob(glob, project, project) for glob in config.exclude)
    given = {name: value for name, value in chosen.items() if name in Config._fields}
    return project, Settings(
        config._replace(exclude=excluded, **given),
        {name: value for name, value in chosen.items() if name in BuildSettings._fields},
        also_exclude,
        tuple(given),
        untrusted=untrusted,
    )


def _glob(glob: str, base: str, project: str) -> str:
    """Return a glob relative to the project, if it is of directories and not of names.

    Then it has a separator, or begins with a dot.
    """
    if not glob or (os.sep not in glob and not glob.startswith(".")):
        return glob
    path = os.path.normpath(os.path.join(base, glob))
    if os.path.isabs(glob) and os.path.commonpath([path, project]) != project:
        # Through a symbolic link, as the shell's PWD may have it.
        path = os.path.realpath(path)
    return os.path.relpath(path, project)
