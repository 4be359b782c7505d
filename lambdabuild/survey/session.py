"""One invocation: where it runs, with which settings, and what it finds there."""

import os
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.config.options import FILE_NAME, Config
from lambdabuild.config.settings import Settings
from lambdabuild.core import naming
from lambdabuild.core.build import Function, Skipped
from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.paths import Paths
from lambdabuild.core.text import one_line
from lambdabuild.golang.tree import enclosing, sources_with_main
from lambdabuild.output.console import Console
from lambdabuild.survey.functions import Discovery, discover
from lambdabuild.survey.golist import Go
from lambdabuild.system import files
from lambdabuild.system.process import Runner
from lambdabuild.system.signals import Interrupts
from lambdabuild.system.timeline import Timeline


class Tools(NamedTuple):
    """What a run works and talks through."""

    environment: Mapping[str, str]
    run: Runner
    console: Console
    interrupts: Interrupts
    timeline: Timeline
    """What the run spends its time on."""


class Session(NamedTuple):
    """One invocation: where it runs, with which settings, and what it works through."""

    paths: Paths
    settings: Settings
    tools: Tools


def shown(skipped: Sequence[Skipped], paths: Paths) -> tuple[Skipped, ...]:
    """Return what was passed over with directories as people and JSON get them."""
    return tuple(
        item._replace(directory=paths.relative(os.path.join(paths.project, item.directory)))
        for item in skipped
    )


def read_config(
    working: str, explicit: str | None, *, untrusted: bool = False
) -> tuple[str, Config]:
    """Return the project directory and the configuration that holds in `working`."""
    if explicit is None:
        # One that cannot be read is not taken for none.
        project = enclosing(working, FILE_NAME, os.path.lexists)
        if project is None:
            config = Config()
            if untrusted:
                _check_untrusted(config, "", working, None)
            return working, config
        path = os.path.join(project, FILE_NAME)
    else:
        path = os.path.normpath(os.path.join(working, explicit))
        project = os.path.dirname(path)
    shown = os.path.relpath(path, working)
    try:
        text = files.whole(path).decode()
    except UnicodeDecodeError as error:
        raise LambdabuildError(
            f"this is not UTF-8: {error.reason}",
            at=[shown],
            hint="save it in UTF-8",
            file=path,
            line=error.object.count(b"\n", 0, error.start) + 1,
        ) from error
    except OSError as error:
        hint = "`lambdabuild init` writes one" if isinstance(error, FileNotFoundError) else None
        if os.path.islink(path):
            hint = f"it is a link to `{os.readlink(path)}`: mend or remove it"
        raise LambdabuildError(
            f"cannot read the configuration `{shown}`: {error.strerror}", hint=hint
        ) from error
    from lambdabuild.config.file import parse_config

    config = parse_config(text, shown, path)
    if untrusted:
        _check_untrusted(config, text, project, path)
    return project, config


def _check_untrusted(config: Config, text: str, project: str, path: str | None) -> None:
    from lambdabuild.config import untrusted

    try:
        untrusted.check(config, text, project, os.path.realpath)
    except LambdabuildError as error:
        error.file = path
        raise


def find_functions(
    session: Session, go: Go, names: Sequence[str], *, thorough: bool = False
) -> tuple[Discovery, list[Function]]:
    """Return all that was found, and the functions that `names` means."""
    discovery = discover(
        session.tools.run,
        go,
        session.settings,
        project=session.paths.project,
        working=session.paths.working,
        environment=session.tools.environment,
        names=names,
        thorough=thorough,
    )
    _refuse_unknown_tables(session, discovery)
    functions = list(discovery.functions)
    if not names:
        _warn_of_idle(session, discovery)
        return discovery, functions
    meant = naming.select(
        names,
        functions,
        relative={f.directory: session.paths.relative(f.directory) for f in functions},
        working=session.paths.working,
        excluded=discovery.left_out,
        there=_there(session.paths.working, names),
    )
    for word, name in meant.inside.items():
        session.tools.console.say_once(f"`{word}` is in the function `{name}`")
    return discovery, meant.functions


def _there(working: str, words: Sequence[str]) -> dict[str, naming.There]:
    """Return the words that name something on disk, with what that is."""
    found = {}
    for word in words:
        path = os.path.join(working, word)
        if word and "\0" not in word and os.path.lexists(path):
            inside = os.path.isdir(path)
            home = path if inside else os.path.dirname(path)
            program = bool(sources_with_main(home))
            found[word] = naming.There(os.path.realpath(path), inside, program)
    return found


def _warn_of_idle(session: Session, discovery: Discovery) -> None:
    """Warn of globs that exclude nothing, unless they may be meant for what is not looked at."""
    for glob, hint in discovery.idle:
        if glob in session.settings.also_exclude:
            session.tools.console.warn_once(f"`--exclude {glob}` matches no function", hint)
        elif "roots" not in session.settings.given:
            session.tools.console.warn_once(f"`{glob}` in `exclude` matches no function", hint)


def _refuse_unknown_tables(session: Session, discovery: Discovery) -> None:
    settings = session.settings
    known = {function.name for function in discovery.functions} | set(discovery.excluded)
    known |= discovery.unasked
    tables = settings.config.functions
    directories = {item.directory for item in discovery.skipped}
    for name, table in tables.items():
        # A table for a function that is passed over may stay: the reason is given elsewhere.
        skipped = table.get("directory") in directories or any(
            name == directory.replace(os.sep, "-").partition("-")[2] for directory in directories
        )
        if name not in known and not skipped:
            file, line = _table_of(session, name)
            raise LambdabuildError(
                f"there is no function `{one_line(name)}`",
                file=file,
                line=line,
                at=[f'{settings.config.source}, table `[functions."{one_line(name)}"]`'],
                hint=did_you_mean(name, known) or _all_of(known),
            )


def _all_of(known: Collection[str]) -> str:
    """Name the functions there are: no command does that as long as the configuration is wrong."""
    shown = ", ".join(f"`{one_line(name)}`" for name in sorted(known)[:5])
    shown += f" and {len(known) - 5} more" if len(known) > 5 else ""  # noqa: PLR2004 - as many as fit a line
    return f"correct the name or take the table away; there are {shown or 'no functions'}"


def _table_of(session: Session, name: str) -> tuple[str, int | None]:
    """Return where the configuration has the table of a function: the file, and the line."""
    from lambdabuild.core.positions import of_key

    file = os.path.normpath(
        os.path.join(session.paths.working, str(session.settings.config.source))
    )
    try:
        place = of_key(files.whole(file).decode(), ["functions", name])
    except (OSError, ValueError):
        place = None
    return file, place.line if place else None
