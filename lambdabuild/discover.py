"""Ask `go list` which functions there are, under each target and set of tags in use."""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lambdabuild import gotool, naming, tree
from lambdabuild.config import BuildSettings, Settings
from lambdabuild.errors import LambdabuildError
from lambdabuild.goparse import parse_packages
from lambdabuild.model import (
    TARGETS,
    Diagnostic,
    Flags,
    Function,
    GoEnvironment,
    Package,
    Skipped,
    Target,
)
from lambdabuild.process import Run, in_parallel
from lambdabuild.toolchain import ask_environment

log = logging.getLogger(__name__)

_AT_ONCE = 4
"""How many `go list` processes run at a time; each uses several processors by itself."""
_PACKAGE_MAIN = re.compile(rb"^\s*package\s+main\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Variant:
    """What decides which files and packages Go sees."""

    target: Target
    tags: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]

    @property
    def flags(self) -> Flags:
        return Flags(tags=self.tags, environment=self.environment)


def variants_of(settings: BuildSettings) -> list[Variant]:
    """Return one variant for each target of `settings`."""
    flags = settings.flags
    return [Variant(target, flags.tags, flags.environment) for target in settings.targets]


Graph = Mapping[str, Package]
"""Every package of one load, by import path."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What there is to build."""

    functions: tuple[Function, ...]
    """By name, excluded ones left out."""
    graphs: Mapping[tuple[str, Variant], Graph]
    """The packages that `go list` told, by the directory it ran in and the variant."""
    environments: Mapping[str, GoEnvironment]
    """`go env`, by the directory it ran in."""
    skipped: tuple[Skipped, ...]
    excluded: Mapping[str, str] = field(default_factory=dict)
    """The globs that exclude functions, by the function's name."""

    def package(self, function: Function, variant: Variant) -> Package | None:
        """Return the function's package under `variant`; None if it has no files there."""
        return self.graphs[function.load_directory, variant].get(function.package)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where `go list` runs, and for which patterns."""

    directory: str
    patterns: tuple[str, ...]


def discover(
    run: Run,
    go: str,
    settings: Settings,
    *,
    project: str,
    working: str,
    environment: Mapping[str, str],
    thorough: bool = False,
) -> Discovery:
    """Return every function below the roots of `settings`, and what was passed over.

    `thorough` looks also into directories that Go ignores, for `list --skipped`.

    Raises:
        LambdabuildError: a root is missing, is in no module, or its modules cannot be loaded;
            two functions have one name.

    """
    roots = [os.path.normpath(os.path.join(project, root)) for root in settings.config.roots]
    _require_roots(run, go, settings, roots, project=project, environment=environment)
    trees = {root: tree.walk(root, everything=thorough) for root in dict.fromkeys(roots)}
    places, environments = _places(run, go, trees, environment)
    if not places:
        shown = ", ".join(f"`{root}`" for root in settings.config.roots)
        raise LambdabuildError(
            f"no go.mod was found in, above or below {shown}",
            at=[project],
            hint="run `go mod init example.com/your/module` at the top of the repository",
        )
    variants = list(dict.fromkeys(v for s in settings.variants() for v in variants_of(s)))
    graphs, unlisted = _list_all(run, go, places, variants, environments)
    return _assemble(
        settings, trees, graphs, unlisted, environments,
        run=run, go=go, project=project, working=working,
    )  # fmt: skip


def _require_roots(
    run: Run,
    go: str,
    settings: Settings,
    roots: Sequence[str],
    *,
    project: str,
    environment: Mapping[str, str],
) -> None:
    missing = next((root for root in roots if not os.path.isdir(root)), None)
    if missing is None:
        return
    elsewhere = main_packages_below(run, go, settings, project, environment)
    if elsewhere:
        hint = (
            f"main packages were found in {_and_so_on(elsewhere)}; name their directory with "
            f"`--root {elsewhere[0].partition(os.sep)[0]}`, or as `roots` in lambdabuild.toml"
        )
    else:
        hint = "no main package was found here at all; run lambdabuild at the top of the repository"
    raise LambdabuildError(
        f"the root `{os.path.relpath(missing, project)}` is missing", at=[project], hint=hint
    )


def _and_so_on(items: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(f"`{item}`" for item in items[:most])
    return shown + (f" and {len(items) - most} more" if len(items) > most else "")


def main_packages_below(
    run: Run, go: str, settings: Settings, directory: str, environment: Mapping[str, str]
) -> list[str]:
    """Return the directories of main packages below `directory`, relative to it."""
    trees = {directory: tree.walk(directory)}
    variant = variants_of(settings.variants()[0])[0]
    found = set()
    try:
        places, environments = _places(run, go, trees, environment)
        graphs, _ = _list_all(run, go, places, [variant], environments)
    except LambdabuildError as error:
        log.debug("looking for main packages: %s", error)
        return []
    for graph in graphs.values():
        for package in graph.values():
            if not package.only_dependency and package.name == "main" and _has_main(package):
                found.add(os.path.relpath(package.directory, directory))
    return sorted(found)


def _places(
    run: Run, go: str, trees: Mapping[str, tree.Tree], environment: Mapping[str, str]
) -> tuple[list[_Place], dict[str, GoEnvironment]]:
    """Return where to run `go list`: once a workspace, and once a module that is in none."""
    modules = _modules(trees)
    loads: dict[str, str] = {}
    for directory, module in modules.items():
        workspace = None
        if environment.get("GOWORK") != "off":
            workspace = tree.enclosing(directory, "go.work")
        loads[directory] = workspace or module
    distinct = list(dict.fromkeys(loads.values()))
    told = in_parallel(run, lambda load: ask_environment(run, go, load), distinct, _AT_ONCE)
    environments = dict(zip(distinct, told, strict=True))
    patterns: dict[str, list[str]] = defaultdict(list)
    for directory, load in loads.items():
        # GOWORK may name a file elsewhere: then that is the workspace, whatever is nearest.
        workspace = environments[load].workspace
        place = os.path.dirname(workspace) if workspace is not None else modules[directory]
        patterns[place].append(_pattern(directory, place))
    for load in patterns:
        if load not in environments:
            environments[load] = ask_environment(run, go, load)
    return [_Place(load, tuple(sorted(set(p)))) for load, p in patterns.items()], environments


def _modules(trees: Mapping[str, tree.Tree]) -> dict[str, str]:
    """Return where to look, each with the directory of the module it is in.

    A pattern does not enter a module below: each has to be named.
    """
    modules: dict[str, str] = {}
    for root, found in trees.items():
        outer = tree.enclosing(root, "go.mod")
        if outer is not None:
            modules.setdefault(root, outer)
        for module in found.modules:
            modules.setdefault(module, module)
    return modules


def _pattern(directory: str, load: str) -> str:
    relative = os.path.relpath(directory, load)
    if relative == ".":
        return "./..."
    return f"{relative}/..." if relative.startswith("..") else f"./{relative}/..."


def _list_all(
    run: Run,
    go: str,
    places: Sequence[_Place],
    variants: Sequence[Variant],
    environments: Mapping[str, GoEnvironment],
) -> tuple[dict[tuple[str, Variant], Graph], list[tuple[str, Diagnostic]]]:
    """Return all graphs, and the patterns that Go does not list, each with its reason."""
    wanted = [(place, variant) for place in places for variant in variants]

    def load(item: tuple[_Place, Variant]) -> list[Package]:
        place, variant = item
        goflags = environments[place.directory].flags
        return list_packages(run, go, place.directory, place.patterns, variant, goflags)

    listed = in_parallel(run, load, wanted, _AT_ONCE)
    graphs: dict[tuple[str, Variant], Graph] = {}
    unlisted: dict[str, Diagnostic] = {}
    for (place, variant), packages in zip(wanted, listed, strict=True):
        graphs[place.directory, variant] = {package.import_path: package for package in packages}
        for package in packages:
            if package.import_path in place.patterns and package.errors:
                where = os.path.join(place.directory, package.import_path.removesuffix("/..."))
                unlisted[os.path.normpath(where)] = package.errors[0]
    return graphs, list(unlisted.items())


def list_packages(
    run: Run,
    go: str,
    directory: str,
    patterns: Sequence[str],
    variant: Variant,
    goflags: str,
    *,
    dependencies: bool = True,
) -> list[Package]:
    """Return what `go list` tells of `patterns`, run in `directory`.

    Raises:
        LambdabuildError: the module or the workspace itself cannot be loaded.

    """
    command = gotool.list_command(
        go,
        directory,
        patterns,
        target=variant.target,
        flags=variant.flags,
        goflags=goflags,
        dependencies=dependencies,
    )
    done = run(command)
    if done.code != 0:
        raise LambdabuildError(
            f"Go cannot load the module: {done.error.strip() or f'exit code {done.code}'}",
            at=[directory],
            hint=_load_remedy(done.error),
        )
    return parse_packages(done.output, directory)


def _load_remedy(message: str) -> str | None:
    if "GOTOOLCHAIN=local" in message:
        return "install that Go, or let Go fetch it: `export GOTOOLCHAIN=auto`"
    if "go.work" in message:
        return "`go work sync` and `go work edit` mend a go.work file"
    if "unsupported GOOS/GOARCH" in message:
        return "`go tool dist list` names the targets that Go has"
    if "go.mod" in message or "go.sum" in message:
        return "`go mod tidy` mends a go.mod file"
    return None


@dataclass(slots=True)
class _Candidate:
    """A directory with something that is, or may be, a main package."""

    directory: str
    package: str
    load: str
    loaded: dict[Variant, Package] = field(default_factory=dict)


def _assemble(
    settings: Settings,
    trees: Mapping[str, tree.Tree],
    graphs: Mapping[tuple[str, Variant], Graph],
    unlisted: Iterable[tuple[str, Diagnostic]],
    environments: Mapping[str, GoEnvironment],
    *,
    run: Run,
    go: str,
    project: str,
    working: str,
) -> Discovery:
    roots = list(trees)
    named = {
        os.path.normpath(os.path.join(project, table.directory)): name
        for name, table in settings.config.functions.items()
        if table.directory is not None
    }
    skipped: list[Skipped] = []
    functions: list[Function] = []
    excluded: dict[str, str] = {}
    listed: set[str] = set()
    sources = [directory for found in trees.values() for directory in found.sources]
    candidates = _candidates(graphs, sources, listed)
    for candidate in candidates:
        name = naming.function_name(
            candidate.directory, _root_of(candidate.directory, roots), named
        )
        here = os.path.relpath(candidate.directory, project)
        function = Function(name, candidate.package, candidate.directory, candidate.load)
        wanted = variants_of(settings.of(name))
        if pattern := naming.excluded_by(name, here, settings.exclude):
            excluded[name] = pattern
            reason: str | None = f"the glob `{pattern}` excludes it"
        else:
            reason = _reason_to_skip(candidate, wanted)
        if reason is None:
            functions.append(function)
        else:
            hint = None
            if name not in excluded and not any(v in candidate.loaded for v in wanted):
                hint = _constraint_hint(name, next(iter(candidate.loaded)).target)
            skipped.append(Skipped(here, reason, candidate.package, hint))
    unseen = [directory for directory in sources if directory not in listed]
    skipped += [
        _not_in_workspace(directory, why, project)
        for directory, why in unlisted
        if any(_is_below(d, directory) and _sources_with_main(d) for d in unseen)
    ]
    # A directory in a module that is not in the workspace is told of once, with its module.
    outside = [directory for directory, _ in unlisted]
    unseen = [d for d in unseen if not any(_is_below(d, module) for module in outside)]
    skipped += _constrained(
        unseen, settings, environments, run=run, go=go, project=project, named=named, roots=roots
    )
    for found in trees.values():
        skipped += [
            Skipped(os.path.relpath(directory, project), reason)
            for directory, reason in found.passed_over.items()
            if _sources_with_main(directory)
        ]
    naming.refuse_collisions(
        functions, {f.directory: os.path.relpath(f.directory, working) for f in functions}
    )
    return Discovery(
        functions=tuple(sorted(functions, key=lambda function: function.name)),
        graphs=graphs,
        environments=environments,
        skipped=tuple(sorted(skipped, key=lambda item: item.directory)),
        excluded=excluded,
    )


def _candidates(
    graphs: Mapping[tuple[str, Variant], Graph], sources: Sequence[str], listed: set[str]
) -> Iterable[_Candidate]:
    """Collect the main packages of all graphs by directory; add what Go listed to `listed`."""
    candidates: dict[str, _Candidate] = {}
    for (load, variant), graph in graphs.items():
        imported = {path for package in graph.values() for path in package.imports}
        for package in graph.values():
            if package.only_dependency or package.standard:
                continue
            directory = package.directory or _directory_of(package, sources)
            if directory is None:
                continue
            listed.add(directory)
            if not _may_be_main(package, imported):
                continue
            candidate = candidates.setdefault(
                directory, _Candidate(directory, package.import_path, load)
            )
            candidate.loaded[variant] = package
    return candidates.values()


def _directory_of(package: Package, sources: Sequence[str]) -> str | None:
    """Return where a package is that Go gives no directory, for its path is none it accepts."""
    inside = [d for d in sources if package.import_path.endswith(f"/{os.path.basename(d)}")]
    if len(inside) > 1:
        parts = package.import_path.split("/")
        inside.sort(key=lambda d: -_common_end(parts, d.split(os.sep)))
    return inside[0] if inside else None


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _may_be_main(package: Package, imported: set[str]) -> bool:
    if package.name == "main":
        return True
    if not package.errors:
        return False
    # Broken before its name could be read, or of two names: unless something imports it, it has
    # to be taken for a function, or its fault would go unseen.
    unknown = package.name == "" or " main (" in package.errors[0].message
    return unknown and package.import_path not in imported


def _reason_to_skip(candidate: _Candidate, wanted: Sequence[Variant]) -> str | None:
    loaded = [candidate.loaded[variant] for variant in wanted if variant in candidate.loaded]
    if not loaded:
        targets = ", ".join(dict.fromkeys(str(variant.target) for variant in wanted))
        return f"build constraints exclude all its Go files for {targets}"
    for package in loaded:
        if package.errors:
            return None
        if not package.go_files:
            return "it has only test files"
        if not _has_main(package):
            return "it has no `func main`"
    return None


def _has_main(package: Package) -> bool:
    return any(_file_declares_main(package.directory, name) for name in package.go_files)


def _file_declares_main(directory: str, name: str) -> bool:
    try:
        with open(os.path.join(directory, name), "rb") as file:
            return naming.declares_main(file.read())
    except OSError:
        # It went away since `go list` saw it; `go build` will say what is missing.
        return True


def _sources_with_main(directory: str) -> list[str]:
    """Return the Go files in `directory` that make a program, whatever their constraints."""
    found = []
    for name in sorted(os.listdir(directory)):
        if name.endswith(".go") and not name.endswith("_test.go"):
            try:
                with open(os.path.join(directory, name), "rb") as file:
                    source = file.read()
            except OSError:
                continue
            if _PACKAGE_MAIN.search(source) and naming.declares_main(source):
                found.append(name)
    return found


def _root_of(directory: str, roots: Sequence[str]) -> str:
    return next(root for root in roots if _is_below(directory, root))


def _is_below(directory: str, root: str) -> bool:
    return directory == root or directory.startswith(root.rstrip(os.sep) + os.sep)


def _constraint_hint(name: str, target: Target) -> str:
    architecture = target.architecture or target.goarch
    return (
        f'it builds for {target}: set `architecture = "{architecture}"` under '
        f'[functions."{name}"] in lambdabuild.toml, or exclude it'
    )


def _constrained(
    directories: Sequence[str],
    settings: Settings,
    environments: Mapping[str, GoEnvironment],
    *,
    run: Run,
    go: str,
    project: str,
    named: Mapping[str, str],
    roots: Sequence[str],
) -> list[Skipped]:
    """Tell of the programs that no variant in use has files for.

    A pattern leaves them out in silence. One that another of Lambda's architectures would build
    was surely meant to be built: it gets a hint, and so a warning.
    """
    programs = [directory for directory in directories if _sources_with_main(directory)]
    if not programs:
        return []
    default = variants_of(settings.variants()[0])
    targets = ", ".join(str(variant.target) for variant in default)
    reason = f"build constraints exclude all its Go files for {targets}"
    by_load: dict[str, list[str]] = defaultdict(list)
    for directory in programs:
        loads = [load for load in environments if _is_below(directory, load)]
        if loads:
            by_load[max(loads, key=len)].append(directory)
    found: dict[str, tuple[str, Target | None]] = {}
    others = [target for target in TARGETS.values() if target not in settings.variants()[0].targets]
    for load, inside in by_load.items():
        for target in others or list(TARGETS.values()):
            variant = Variant(target, default[0].tags, default[0].environment)
            flags = environments[load].flags
            for package in list_packages(
                run, go, load, [_pattern(d, load).removesuffix("/...") for d in inside],
                variant, flags, dependencies=False,
            ):  # fmt: skip
                builds = bool(package.go_files) and package.name == "main"
                known = found.get(package.directory, (package.import_path, None))
                found[package.directory] = (known[0], target if builds else known[1])
    skipped = []
    for directory in programs:
        package_path, other = found.get(directory, (None, None))
        name = naming.function_name(directory, _root_of(directory, roots), named)
        hint = _constraint_hint(name, other) if other else None
        skipped.append(Skipped(os.path.relpath(directory, project), reason, package_path, hint))
    return skipped


def _not_in_workspace(directory: str, why: Diagnostic, project: str) -> Skipped:
    here = os.path.relpath(directory, project)
    if "go.work" in why.message:
        return Skipped(
            here,
            "its module is not in go.work",
            hint=f"`go work use {here}` adds it; GOWORK=off builds every module by itself",
        )
    return Skipped(here, why.message, hint="`go list` does not accept this directory")
