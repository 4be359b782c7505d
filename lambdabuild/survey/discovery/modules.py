"""Find the modules and workspaces below the roots, and let `go list` load their packages.

What cannot be loaded costs its own functions alone: they are known from the walk over the roots.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from lambdabuild.config.options import BuildSettings
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic, GoEnvironment, Package
from lambdabuild.core.naming import is_below
from lambdabuild.golang import tree
from lambdabuild.golang.source import parse_directives
from lambdabuild.golang.tree import sources_with_main
from lambdabuild.survey.golist import Go, Variant, is_left_out
from lambdabuild.system import files
from lambdabuild.system.process import Run, in_parallel

_AT_ONCE = 4
"""How many `go list` processes run at a time; each uses several processors by itself."""

T = TypeVar("T")


def variants_of(settings: BuildSettings) -> list[Variant]:
    """Return one variant for each target of `settings`."""
    flags = settings.flags
    return [
        Variant(target, flags.tags, flags.environment, flags.cgo) for target in settings.targets
    ]


Graph = dict[str, Package]
"""Every package of one load, by import path."""
ASSEMBLY = (".s", ".S", ".sx")


class Place(NamedTuple):
    """Where `go list` runs, and for which patterns."""

    directory: str
    patterns: tuple[str, ...]
    """Empty where nothing there is requested."""
    sources: tuple[str, ...] = ()
    """The directories with Go files that the patterns mean; absolute."""
    failure: LambdabuildError | None = None
    """Why `go` does not even run there."""


class Listing(NamedTuple):
    """What `go list` reported of all places."""

    graphs: dict[tuple[str, Variant], Graph]
    unlisted: list[tuple[str, Diagnostic]]
    """The directories that Go does not list, each with its reason."""
    failures: dict[str, LambdabuildError]
    """Why a place cannot be loaded, by its directory; its programs are packages with that error."""


Choose = Callable[[Mapping[str, Sequence[str]]], Collection[str]]
"""Takes the directories with Go files of each load; returns the loads that are selected."""


def find_places(
    run: Run,
    go: Go,
    trees: Mapping[str, tree.Tree],
    environment: Mapping[str, str],
    choose: Choose | None = None,
) -> tuple[list[Place], dict[str, GoEnvironment]]:
    """Return where to run `go list`: once a workspace, and once a module that is in none.

    Where nothing is selected, `go` is not even started: it may be that it fails there.
    """
    modules = _modules(trees, go.findings.made or {})
    owned = _owned(trees, modules)
    loads = dict(modules)
    if environment.get("GOWORK") != "off":
        loads = {d: tree.enclosing(d, "go.work") or module for d, module in modules.items()}
    unselected: list[Place] = []
    # A GOWORK that names a file is the workspace of all of them.
    if choose is not None and environment.get("GOWORK", "off") == "off":
        groups: dict[str, list[str]] = defaultdict(list)
        for directory, load in loads.items():
            groups[load] += owned[directory]
        selected = choose(groups) if len(groups) > 1 else groups
        unselected = [
            Place(load, (), tuple(s)) for load, s in groups.items() if load not in selected
        ]
        loads = {directory: load for directory, load in loads.items() if load in selected}
    inside, answers = _group_by_place(run, go, loads, modules)
    unreadable = [directory for found in trees.values() for directory in found.unreadable]
    places = []
    for place, directories in inside.items():
        failure = answers[place]
        patterns = {
            pattern for d in directories for pattern in _patterns(d, place, owned[d], unreadable)
        }
        places.append(
            Place(
                place,
                tuple(sorted(patterns)),
                tuple(source for directory in directories for source in owned[directory]),
                failure if isinstance(failure, LambdabuildError) else None,
            )
        )
    environments = {d: found for d, found in answers.items() if isinstance(found, GoEnvironment)}
    return [*places, *unselected], environments


def _group_by_place(
    run: Run, go: Go, loads: Mapping[str, str], modules: Mapping[str, str]
) -> tuple[dict[str, list[str]], dict[str, GoEnvironment | LambdabuildError]]:
    """Return which directories belong to each place, and what `go env` says there."""
    distinct = list(dict.fromkeys(loads.values()))
    found = in_parallel(run, lambda load: _tried(go.environment, load), distinct, _workers(go))
    answers = dict(zip(distinct, found, strict=True))
    inside: dict[str, list[str]] = defaultdict(list)
    for directory, load in loads.items():
        answer = answers[load]
        place = load
        if isinstance(answer, GoEnvironment):
            # GOWORK may name a file elsewhere: then that is the workspace, whatever is nearest.
            workspace = answer.workspace
            place = os.path.dirname(workspace) if workspace is not None else modules[directory]
        inside[place].append(directory)
    for place in inside:
        if place not in answers:
            answers[place] = _tried(go.environment, place)
    return inside, answers


def _tried(ask: Callable[[str], T], item: str) -> T | LambdabuildError:
    """Return the answer, or why there is none."""
    try:
        return ask(item)
    except LambdabuildError as error:
        return error


def _modules(trees: Mapping[str, tree.Tree], made: Iterable[str]) -> dict[str, str]:
    """Return where to look, each with the directory of the module it is in.

    Those that are `made` have no go.mod of their own, and are below no other.

    A pattern does not enter a module below: each has to be named.
    """
    modules: dict[str, str] = {}
    for root, found in trees.items():
        outer = tree.enclosing(root, "go.mod")
        outer = outer or next((module for module in made if is_below(root, module)), None)
        if outer is not None:
            modules.setdefault(root, outer)
        for module in found.modules:
            modules.setdefault(module, module)
    return modules


def _owned(trees: Mapping[str, tree.Tree], modules: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the directories with Go files, by the nearest root or module that they are in."""
    owned: dict[str, list[str]] = {directory: [] for directory in modules}
    for source in dict.fromkeys(s for found in trees.values() for s in found.sources):
        top = next((above for above in tree.upwards(source) if above in owned), None)
        if top is not None:
            owned[top].append(source)
    return owned


def _patterns(
    directory: str, load: str, sources: Iterable[str], unreadable: Iterable[str]
) -> list[str]:
    """Return the patterns for all packages below a root or a module's directory.

    Go ends its walk at the first directory that it cannot read, and leaves out all that follow:
    then each is named.
    """
    if any(is_below(other, directory) for other in unreadable):
        return [pattern_of(source, load).removesuffix("/...") for source in sources]
    return [pattern_of(directory, load)]


def pattern_of(directory: str, load: str) -> str:
    relative = os.path.relpath(directory, load)
    if relative == ".":
        return "./..."
    return f"{relative}/..." if relative.startswith("..") else f"./{relative}/..."


def _workers(go: Go) -> int:
    """Return how many to ask at a time: what is known needs no threads, which are slow to import."""
    return 1 if go.findings.packages else _AT_ONCE


def list_all(run: Run, go: Go, places: Sequence[Place], variants: Sequence[Variant]) -> Listing:
    """Return the packages that Go lists in the places, and what it does not list, with its reasons."""
    loads = [(place, variant) for place in places for variant in variants if place.patterns]

    def load(item: tuple[Place, Variant]) -> tuple[Package, ...] | LambdabuildError:
        place, variant = item
        if place.failure is not None:
            return place.failure
        return _tried(lambda where: go.packages(where, place.patterns, variant), place.directory)

    listed = in_parallel(run, load, loads, _workers(go))
    found = Listing({}, [], {})
    unlisted: dict[str, Diagnostic] = {}
    for (place, variant), answer in zip(loads, listed, strict=True):
        packages = answer if isinstance(answer, tuple) else _failed(place, answer)
        if isinstance(answer, LambdabuildError):
            # What would mend it is not all known.
            go.findings.incomplete = True
            found.failures[place.directory] = answer
        found.graphs[place.directory, variant] = _without_left_out(packages)
        for package in packages:
            if package.import_path in place.patterns and package.errors:
                where = os.path.join(place.directory, package.import_path.removesuffix("/..."))
                unlisted[os.path.normpath(where)] = package.errors[0]
    found.unlisted.extend(unlisted.items())
    return found


def may_take_in_more(
    graphs: Mapping[tuple[str, Variant], Graph], settings: Mapping[str, str]
) -> bool:
    """Return whether anything may be made of files that `go list` does not name.

    `settings` is what Go reads of the environment.
    """
    if any(name.startswith("CGO_") and name.endswith("FLAGS") for name in settings):
        return True
    return any(
        package.cgo or any(name.endswith(ASSEMBLY) for name in package.other_files)
        for (_, variant), graph in graphs.items()
        for package in graph.values()
        if package.local or variant.environment
    )


def _without_left_out(packages: Sequence[Package]) -> Graph:
    """Return the packages, but for those that were named and that a pattern would leave out."""
    graph = {package.import_path: package for package in packages}
    left = [p.import_path for p in packages if not p.only_dependency and is_left_out(p)]
    if left:
        imported = {path for package in packages for path in package.imports}
        for path in left:
            if path not in imported:
                del graph[path]
    return graph


def _failed(place: Place, error: LambdabuildError) -> tuple[Package, ...]:
    """Return the programs of a place that cannot be loaded, each with the reason."""
    found: dict[str, Package] = {}
    for source in place.sources:
        if sources_with_main(source):
            package = program_of(source, place.directory, (problem_of(error),), found)
            found[package.import_path] = package
    return tuple(found.values())


def problem_of(error: LambdabuildError) -> Diagnostic:
    """Return what is wrong with each program of a load that failed."""
    message = error.message
    if error.file and error.line:
        # The diagnostic has the position beside it.
        _, found, rest = message.partition(f"{os.path.basename(error.file)}:{error.line}:")
        message = rest.lstrip("0123456789:").strip() if found else message
    return Diagnostic(None, message, error.file, error.line, error.column, error.hint)


def program_of(
    directory: str, load: str, errors: Sequence[Diagnostic], taken: Container[str] = ()
) -> Package:
    """Return the main package in a directory that Go does not load, with the reasons.

    Its import path is none of those that are `taken`.
    """
    path = import_path_of(directory, load)
    if path in taken:
        # Two modules of one path: each is its own, wherever it is.
        path = os.path.relpath(directory, load)
    return Package(
        import_path=path, name="main", directory=directory, go_files=(), ignored_files=(),
        imports=(), module=None, only_dependency=False,
        errors=tuple(error._replace(package=path) for error in errors),
        declares_main=True, local=True,
    )  # fmt: skip


def import_path_of(directory: str, load: str) -> str:
    """Return the import path that a package in a directory would have, as go.mod says."""
    module = tree.enclosing(directory, "go.mod")
    try:
        name = parse_directives(files.text(os.path.join(module or "", "go.mod"))).module
    except OSError:
        name = None
    if module is None or name is None:
        return os.path.relpath(directory, load)
    inside = os.path.relpath(directory, module)
    return name if inside == "." else f"{name}/{inside.replace(os.sep, '/')}"
