"""Write a first `lambdabuild.toml` for what a repository has, once it was tried."""

import contextlib
import os
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath

from lambdabuild.config.file import parse_config
from lambdabuild.config.options import FILE_NAME
from lambdabuild.config.starter import Written, choose_roots, in_toml, starter_config
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.naming import is_below
from lambdabuild.core.record import replaced
from lambdabuild.core.target import Architecture
from lambdabuild.core.text import counted
from lambdabuild.deployment.declared import Declared
from lambdabuild.deployment.differences import agreed_architecture, agreements
from lambdabuild.deployment.matching import Source, match
from lambdabuild.state.state import Findings, State
from lambdabuild.state.store import DIRECTORY, SCHEMA, Home
from lambdabuild.state.tracked import first_tracked
from lambdabuild.survey.discovery.functions import Discovery, discover, main_packages_below
from lambdabuild.survey.evidence import place_of_agreement, with_evidence
from lambdabuild.survey.golist import Go, start_go
from lambdabuild.survey.session import Session

_GITIGNORE = ".gitignore"
_OUTS = ("dist", "build", "lambda-dist", ".dist")
_NAME = re.compile(r"[A-Za-z0-9][\w.+~-]*")
_SCHEMA = f"./{DIRECTORY}/{SCHEMA}"
"""From the file: no network is asked, and it is that of the version that runs."""
_OF_NO_FUNCTION = frozenset({"bootstrap", "main", "handler", ""})


def refuse_existing() -> None:
    """Refuse to write where there is a configuration, before it is read."""
    # A link to nothing counts: its target is not to be created.
    if os.path.lexists(FILE_NAME):
        raise LambdabuildError(
            f"there is a `{FILE_NAME}` here already", hint="edit it, or move it away"
        )


def initialize(session: Session, *, gitignore: bool) -> None:
    """Write `lambdabuild.toml` in the working directory; with `gitignore`, what git is to ignore.

    Raises:
        LambdabuildError: there is one already, or none that would find a function.

    """
    state = State()
    session = with_evidence(session, state, time.time_ns())
    go = start_go(session.tools.run, session.tools.environment, Findings())
    found, written = _roots(session, go)
    written |= _agreed(session, state)
    out = _out(session)
    if out is not None:
        written["out"] = Written(out, "`dist` is tracked by git")
    tables = _tables(session, found, state)
    text = starter_config(len(found.functions), written, tables, _SCHEMA)
    tried = _tried(session, go, text)
    if len(tried.functions) != len(found.functions):
        text = starter_config(len(found.functions), written, schema=_SCHEMA)
        tried = _tried(session, go, text)
    home = Home(session.paths.working, session.tools.environment)
    home.create()
    home.keep_schema()
    try:
        with open(FILE_NAME, "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise LambdabuildError(f"cannot write `{FILE_NAME}`: {error.strerror}") from error
    console = session.tools.console
    console.say(
        f"wrote {FILE_NAME} for {counted(len(tried.functions), 'function')}; `lambdabuild list` shows them"
    )
    for directory, failure in found.failures.items():
        place = session.paths.relative(directory)
        console.warn(f"`{place}` cannot be loaded: {failure.message}", failure.hint)
    _ignore(session, [f"/{out or _OUTS[0]}/", f"/{DIRECTORY}/"], write=gitignore)


def _roots(session: Session, go: Go) -> tuple[Discovery, dict[str, Written]]:
    """Return what there is, and what in a configuration finds it."""
    found = discover(session, go)
    if found.functions:
        if not found.search.everywhere:
            return found, {
                "roots": Written([session.paths.relative(r) for r in found.search.roots])
            }
        top = os.path.commonpath([function.directory for function in found.functions])
        project = session.paths.project
        for root in dict.fromkeys([top, os.path.dirname(top) if top != project else project]):
            named = {
                "roots": Written([os.path.relpath(root, project)]),
                "entrypoints": Written("lambda", "other main packages are no functions"),
            }
            names = {f.name for f in _tried(session, go, starter_config(1, named)).functions}
            if names == {function.name for function in found.functions}:
                return found, named
        # Below any root they would have longer names.
        return found, {}
    tools = session.tools
    mains = main_packages_below(
        tools.run, go, session.settings, session.paths.project, tools.environment
    )
    if not mains:
        for failure in found.failures.values():
            raise failure
        raise LambdabuildError(
            "no main package was found here",
            at=[session.paths.project],
            hint="run `lambdabuild init` at the top of the repository that has the functions",
        )
    roots = {"roots": Written(choose_roots([d.replace(os.sep, "/") for d in mains]))}
    return _tried(session, go, starter_config(len(mains), roots)), roots


def _tried(session: Session, go: Go, text: str) -> Discovery:
    """Return what a configuration finds."""
    config = parse_config(text, FILE_NAME)
    return discover(session.under(replaced(session.settings, config=config)), go)


def _agreed(session: Session, state: State) -> dict[str, Written]:
    """Return what all deployment files say, with the place of the first that does."""
    return {
        key: Written(agreed.value, place_of_agreement(session.paths, agreed))
        for key, agreed in agreements(state.evidence.deployment).items()
    }


def _tables(session: Session, found: Discovery, state: State) -> list[str]:
    """Return the tables of functions that are deployed by another name, or on another architecture."""
    deployment = state.evidence.deployment
    sources = [Source(function.name, function.directory) for function in found.functions]
    of_function: dict[str, list[Declared]] = defaultdict(list)
    names = match(deployment.functions, sources, {})
    for declared, name in zip(deployment.functions, names, strict=True):
        if name is not None:
            of_function[name].append(declared)
    several = isinstance(agreed_architecture(deployment), list)
    taken = {source.name for source in sources}
    tables = []
    for source in sources:
        of_it = of_function[source.name]
        deployed = {name for item in of_it if (name := _artifact_name(item, source))}
        architectures = {item.deployed_architecture for item in of_it} & set(Architecture)
        name, *others = deployed or {source.name}
        lines = []
        if not others and name != source.name and name not in taken:
            place = os.path.relpath(source.directory, session.paths.project)
            lines.append(f"directory = {in_toml(place)}")
        else:
            name = source.name
        if several and len(architectures) == 1:
            lines.append(f"architecture = {in_toml(next(iter(architectures)))}")
        if lines:
            tables.append("\n".join([f"[functions.{in_toml(name)}]", *lines, ""]))
    return tables


def _artifact_name(declared: Declared, source: Source) -> str | None:
    """Return what the deployed file is called, if that is not where the source is."""
    code = declared.code
    if code is None or is_below(source.directory, code) or is_below(code, source.directory):
        return None
    path = PurePath(code)
    name = path.name.removesuffix(".zip")
    name = path.parent.name if name in _OF_NO_FUNCTION else name
    # Whatever else a deployment file may hold is no name to be proposed.
    return name if _NAME.fullmatch(name) else None


def _out(session: Session) -> str | None:
    """Return where to put executables if git tracks files of the repository's own in `dist`."""
    first, *rest = _OUTS
    project = session.paths.project
    # Without a repository, nothing is tracked.
    with contextlib.suppress(LambdabuildError):
        if first_tracked(session.tools.run, project, [first]) is None:
            return None
        free = (out for out in rest if not os.path.lexists(os.path.join(project, out)))
        return next(free, rest[-1])
    return None


def _ignore(session: Session, lines: Sequence[str], *, write: bool) -> None:
    """Have git ignore what lambdabuild writes, or say how."""
    path = os.path.join(session.paths.project, _GITIGNORE)
    missing = [line for line in lines if line.strip("/") not in _ignored(path)]
    if not missing:
        return
    shown = " and ".join(f"`{line}`" for line in missing)
    if not write:
        session.tools.console.say(
            f"add {shown} to {_GITIGNORE}, as `lambdabuild init --gitignore` does"
        )
        return
    if os.path.islink(path):
        raise LambdabuildError(f"{_GITIGNORE} is a link, and nothing was written to it", at=[path])
    try:
        with open(path, "a+", encoding="utf-8") as file:
            file.seek(0)
            text = file.read()
            file.write(
                "".join(
                    ["\n" if text and not text.endswith("\n") else "", *(f"{m}\n" for m in missing)]
                )
            )
    except (OSError, ValueError) as error:
        raise LambdabuildError(f"cannot write {_GITIGNORE}: {error}") from error
    session.tools.console.say(f"wrote {shown} to {_GITIGNORE}")


def _ignored(path: str) -> set[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return {line.strip().strip("/") for line in file}
    except OSError:
        return set()
