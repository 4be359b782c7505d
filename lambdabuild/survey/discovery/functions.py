"""List the functions with `go list`, under each target and set of tags in use."""

import os
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from lambdabuild.config.settings import Settings
from lambdabuild.core import naming
from lambdabuild.core.build import Function, Skipped
from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.gopackage import GoEnvironment, Package
from lambdabuild.core.paths import name_of
from lambdabuild.core.text import counted, one_line, some
from lambdabuild.golang import tree
from lambdabuild.golang.tree import sources_with_main
from lambdabuild.survey.discovery.assembly import Assembly
from lambdabuild.survey.discovery.entrypoints import DEFAULT_ROOT, Search, search_of, without_lambda
from lambdabuild.survey.discovery.modules import Graph, find_places, list_all, variants_of
from lambdabuild.survey.discovery.names import Names
from lambdabuild.survey.golist import Go, Variant
from lambdabuild.survey.session import Session
from lambdabuild.system import files
from lambdabuild.system.process import Run


class Discovery(NamedTuple):
    """What there is to build."""

    functions: tuple[Function, ...]
    """By name, excluded ones left out."""
    graphs: Mapping[tuple[str, Variant], Graph]
    """The packages that `go list` reported, by the directory it ran in and the variant."""
    environments: Mapping[str, GoEnvironment]
    """`go env`, by the directory it ran in."""
    skipped: tuple[Skipped, ...]
    excluded: tuple[naming.Excluded, ...] = ()
    unasked: frozenset[str] = frozenset()
    """Possible names of functions that were not requested, so not listed by Go."""
    unreadable: tuple[str, ...] = ()
    """Directories that cannot be read; absolute."""
    failures: Mapping[str, LambdabuildError] = MappingProxyType({})
    """Why modules and workspaces cannot be loaded, by the directory."""
    idle: tuple[tuple[str, str], ...] = ()
    """The globs that exclude nothing, each with what was probably meant."""
    search: Search = Search(())
    others: int = 0
    """How many main packages are left out, as they do not import the Lambda library."""

    @property
    def goflags(self) -> dict[str, str]:
        """GOFLAGS, with what `go env -w` wrote, by where `go` runs."""
        return {directory: found.flags for directory, found in self.environments.items()}

    def package(self, function: Function, variant: Variant) -> Package | None:
        """Return the function's package under `variant`; None if it has no files there."""
        return self.graphs[function.load_directory, variant].get(function.package)


def discover(
    session: Session, go: Go, names: Sequence[str] = (), *, thorough: bool = False
) -> Discovery:
    """Return every function below the roots of the settings, and what was passed over.

    With `names`, modules that have no such function are not looked into. `thorough` looks also
    into directories that Go ignores, for `list --skipped`.
    """
    settings, project, working = session.settings, session.paths.project, session.paths.working
    run, environment = session.tools.run, session.tools.environment
    search = search_of(settings.config, project, go)
    _require_roots(session, go, search.roots)
    trees = {
        root: tree.walk(root, everything=True) if thorough else go.tree(root)
        for root in search.roots
    }
    if go.findings.made is None or go.findings.made:
        from lambdabuild.survey.eawsy.unmodular import gopath_of, modules_made

        gopath = gopath_of(go.settings)
        if go.findings.made is None or go.findings.gopath != gopath:
            go.findings.made = modules_made(trees, project, gopath)
            go.findings.gopath = gopath
    named = Names(settings, trees, project, working)

    def choose(loads: Mapping[str, Sequence[str]]) -> Collection[str]:
        if search.everywhere and search.only_lambda:
            return loads.keys() - without_lambda(go, loads)
        return loads if thorough or search.everywhere else named.requested(loads, names)

    places, environments = find_places(run, go, trees, environment, choose)
    if not places:
        raise LambdabuildError(
            f"no go.mod was found in, above or below {shown_roots(session, search)}",
            at=[project],
            hint="run `go mod init example.com/your/module` at the top of the repository"
            if any(found.sources for found in trees.values())
            else "no Go file is there; run lambdabuild at the top of the repository that has the "
            "functions, or name their directory with --root",
        )
    variants = list(dict.fromkeys(v for s in settings.variants() for v in variants_of(s)))
    listing = list_all(run, go, places, variants)
    if listing.failures and len(listing.failures) == len(places):
        raise next(iter(listing.failures.values()))
    assembly = Assembly(settings, go, search, named, trees, project)
    assembly.put_together(places, listing)
    naming.refuse_collisions(
        assembly.functions, {f.directory: name_of(f.directory, working) for f in assembly.functions}
    )
    return Discovery(
        functions=tuple(sorted(assembly.functions, key=lambda function: function.name)),
        graphs=listing.graphs,
        environments=environments,
        skipped=tuple(sorted(assembly.skipped, key=lambda item: item.directory)),
        excluded=tuple(assembly.excluded),
        unasked=frozenset(assembly.unasked),
        unreadable=tuple(d for found in trees.values() for d in found.unreadable),
        failures=listing.failures,
        idle=named.idle(assembly.functions, assembly.skipped) if not names else (),
        search=search,
        others=assembly.others,
    )


def shown_roots(session: Session, search: Search) -> str:
    """Return the roots of a search as people read them."""
    return ", ".join(f"`{session.paths.relative(root)}`" for root in search.roots)


def refuse_whole_machine(roots: Iterable[str], project: str) -> None:
    """Refuse `/` as a root, before anything below it is looked at."""
    if os.sep in map(os.path.normpath, roots):
        raise LambdabuildError(
            f"`{os.sep}` is all of the machine, and no root of functions",
            at=[project],
            hint='name a directory, such as `roots = ["api"]`, or `--root api`',
        )


def _require_roots(session: Session, go: Go, roots: Sequence[str]) -> None:
    project, tools = session.paths.project, session.tools
    refuse_whole_machine(roots, project)
    missing = next((root for root in roots if not _is_directory(root, project)), None)
    if missing is None:
        return
    given = "roots" in session.settings.given
    hint = "leave `--root` out" if given else "take `roots` out of lambdabuild.toml"
    hint += ", and the whole project is searched"
    elsewhere = main_packages_below(tools.run, go, session.settings, project, tools.environment)
    if elsewhere:
        hint += f"; main packages were found in {some(elsewhere)}"
    if session.settings.config.source is None:
        hint += "; `lambdabuild init` writes what finds them"
    raise LambdabuildError(
        f"the root `{os.path.relpath(missing, project)}` is missing", at=[project], hint=hint
    )


def _is_directory(root: str, project: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(root).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise LambdabuildError(
            f"cannot look at the root `{os.path.relpath(root, project)}`: {error.strerror}",
            at=[project],
            hint="the user that runs lambdabuild has to be able to read it",
        ) from error


def main_packages_below(
    run: Run, go: Go, settings: Settings, directory: str, environment: Mapping[str, str]
) -> list[str]:
    """Return the directories of main packages below `directory`, relative to it."""
    trees = {directory: tree.walk(directory)}
    variant = variants_of(settings.variants()[0])[0]
    places, _ = find_places(run, go, trees, environment)
    found = set()
    for graph in list_all(run, go, places, [variant]).graphs.values():
        for package in graph.values():
            if not package.only_dependency and package.name == "main" and package.declares_main:
                found.add(os.path.relpath(package.directory, directory))
    return sorted(found)


def find_functions(
    session: Session, go: Go, names: Sequence[str], *, thorough: bool = False
) -> tuple[Discovery, list[Function]]:
    """Return all that was found, and the functions that `names` means."""
    discovery = discover(session, go, names, thorough=thorough)
    _refuse_unknown_tables(session, discovery)
    functions = list(discovery.functions)
    if discovery.search.everywhere and functions and not names:
        session.tools.console.say_once(_found_anywhere(session, discovery))
    if not names:
        for glob, hint in discovery.idle:
            if glob in session.settings.also_exclude:
                session.tools.console.warn_once(f"`--exclude {glob}` matches no function", hint)
            elif "roots" not in session.settings.given:
                # With other roots, it may be meant for what is not looked at.
                session.tools.console.warn_once(f"`{glob}` in `exclude` matches no function", hint)
        return discovery, functions
    meant = meant_by(session, discovery, names)
    for word, name in meant.inside.items():
        session.tools.console.say_once(f"`{word}` is in the function `{name}`")
    return discovery, meant.functions


def meant_by(session: Session, discovery: Discovery, names: Sequence[str]) -> naming.Meant:
    """Return the functions that words of the command line select."""
    functions = discovery.functions
    return naming.select(
        names,
        functions,
        relative={f.directory: session.paths.relative(f.directory) for f in functions},
        working=session.paths.working,
        excluded=discovery.excluded,
        there=_there(session.paths.working, names),
    )


def _found_anywhere(session: Session, discovery: Discovery) -> str:
    """Return what was found where nobody said where to look."""
    project, functions = session.paths.project, discovery.functions
    api = os.path.join(project, DEFAULT_ROOT)
    why = f"no {'main package in ' if os.path.isdir(api) else ''}{session.paths.relative(api)}/"
    kind = "Lambda function" if discovery.search.only_lambda else "main package"
    text = f"{why}: {counted(len(functions), kind)}"
    if functions:
        common = os.path.commonpath([function.directory for function in functions])
        text += f" under {session.paths.relative(common)}" if common != project else ""
    if discovery.others:
        others = counted(discovery.others, "other main package")
        text += f"; {others} left out (list --skipped)"
    return text


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


def _refuse_unknown_tables(session: Session, discovery: Discovery) -> None:
    settings = session.settings
    known = {function.name for function in discovery.functions} | discovery.unasked
    known |= {item.function.name for item in discovery.excluded}
    tables = settings.config.functions
    directories = {item.directory for item in discovery.skipped}
    for name, table in tables.items():
        # A table for a function that is passed over may stay: the reason is given elsewhere.
        skipped = table.get("directory") in directories or any(
            name == directory.replace(os.sep, "-").partition("-")[2] for directory in directories
        )
        if name not in known and not skipped:
            file, place = _table_of(session, name)
            source = settings.config.source
            if other := _of_one_directory(tables, name):
                raise LambdabuildError(
                    f"`{one_line(name)}` and `{one_line(other)}` are in one directory: "
                    f"`{table['directory']}`",
                    file=file,
                    **place,
                    at=[f'{source}, table `[functions."{one_line(n)}"]`' for n in (name, other)],
                    hint="a function has one name and one table; take one of them away",
                )
            # No command lists the functions as long as the configuration is wrong.
            there = some(sorted(known)) or "no functions"
            all_of = f"correct the name or take the table away; there are {there}"
            raise LambdabuildError(
                f"there is no function `{one_line(name)}`",
                file=file,
                **place,
                at=[f'{source}, table `[functions."{one_line(name)}"]`'],
                hint=did_you_mean(name, known) or all_of,
            )


def _of_one_directory(tables: Mapping[str, Mapping[str, Any]], name: str) -> str | None:
    """Return the function whose table has the same directory as that of `name`, if one has."""
    directory = tables[name].get("directory")
    others = (n for n, t in tables.items() if n != name and t.get("directory") == directory)
    return next(others, None) if directory is not None else None


def _table_of(session: Session, name: str) -> tuple[str, dict[str, Any]]:
    """Return where the configuration has the table of a function: the file, line and column."""
    from lambdabuild.config.positions import of_key

    file = os.path.normpath(
        os.path.join(session.paths.working, str(session.settings.config.source))
    )
    try:
        place = of_key(files.whole(file).decode(), ["functions", name])
    except (OSError, ValueError):
        place = None
    return file, place._asdict() if place else {}
