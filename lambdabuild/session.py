"""One invocation: where it runs, with which settings, and what it finds there."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lambdabuild import naming
from lambdabuild.asking import Go
from lambdabuild.config import FILE_NAME, Config, Settings
from lambdabuild.console import Console
from lambdabuild.discover import Discovery, discover
from lambdabuild.errors import LambdabuildError, did_you_mean
from lambdabuild.interrupts import Interrupts
from lambdabuild.model import Function, Skipped
from lambdabuild.process import Runner
from lambdabuild.timeline import Timeline
from lambdabuild.tree import enclosing


class Session(NamedTuple):
    """One invocation: where it runs, with which settings, and what it talks through."""

    project: str
    """The directory of `lambdabuild.toml`, else the working directory; absolute."""
    working: str
    settings: Settings
    environment: Mapping[str, str]
    run: Runner
    console: Console
    interrupts: Interrupts
    timeline: Timeline
    """What the run spends its time on."""

    def relative(self, path: str) -> str:
        """Return a path as people and JSON get it: from the working directory."""
        return os.path.relpath(path, self.working)

    def shown(self, skipped: Sequence[Skipped]) -> tuple[Skipped, ...]:
        """Return what was passed over with directories as people and JSON get them."""
        return tuple(
            item._replace(directory=self.relative(os.path.join(self.project, item.directory)))
            for item in skipped
        )

    @property
    def out(self) -> str:
        return os.path.normpath(os.path.join(self.project, self.settings.config.out))

    @property
    def layout(self) -> str:
        """Where the outputs are, as the state remembers it."""
        return "" if self.settings.in_place else os.path.relpath(self.out, self.project)


def read_config(working: str, explicit: str | None) -> tuple[str, Config]:
    """Return the project directory and the configuration that holds in `working`.

    Raises:
        LambdabuildError: the file cannot be read, or what it says is wrong.

    """
    if explicit is None:
        project = enclosing(working, FILE_NAME)
        if project is None:
            return working, Config()
        path = os.path.join(project, FILE_NAME)
    else:
        path = os.path.normpath(os.path.join(working, explicit))
        project = os.path.dirname(path)
    shown = os.path.relpath(path, working)
    try:
        text = Path(path).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise LambdabuildError(f"this is not UTF-8: {error.reason}", at=[shown]) from error
    except OSError as error:
        raise LambdabuildError(
            f"cannot read the configuration `{shown}`: {error.strerror}",
            hint="`lambdabuild init` writes one",
        ) from error
    from lambdabuild.configfile import parse_config  # noqa: PLC0415 - not where there is none

    return project, parse_config(text, shown)


def find_functions(
    session: Session, go: Go, names: Sequence[str], *, thorough: bool = False
) -> tuple[Discovery, list[Function]]:
    """Return all that was found, and the functions that `names` means."""
    discovery = discover(
        session.run,
        go,
        session.settings,
        project=session.project,
        working=session.working,
        environment=session.environment,
        names=names,
        thorough=thorough,
    )
    _refuse_unknown_tables(session.settings, discovery)
    functions = list(discovery.functions)
    if names:
        functions = naming.select(
            names,
            functions,
            relative={f.directory: session.relative(f.directory) for f in functions},
            working=session.working,
            excluded=discovery.excluded,
        )
    return discovery, functions


def _refuse_unknown_tables(settings: Settings, discovery: Discovery) -> None:
    known = {function.name for function in discovery.functions} | set(discovery.excluded)
    known |= discovery.unasked
    tables = settings.config.functions
    directories = {item.directory for item in discovery.skipped}
    for name, table in tables.items():
        # A table for a function that is passed over may stay: the reason is given elsewhere.
        skipped = table.directory in directories or any(
            name == directory.replace(os.sep, "-").partition("-")[2] for directory in directories
        )
        if name not in known and not skipped:
            raise LambdabuildError(
                f"there is no function `{name}`",
                at=[f'{settings.config.source}, table `[functions."{name}"]`'],
                hint=did_you_mean(name, known) or "`lambdabuild list` shows all there are",
            )
