"""Ask `go list` which functions there are, under each target and set of tags in use."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from lambdabuild import naming, tree
from lambdabuild.asking import Go, Variant
from lambdabuild.config import Settings
from lambdabuild.errors import LambdabuildError
from lambdabuild.fingerprint import name_of
from lambdabuild.loading import Graph, find_places, list_all, variants_of
from lambdabuild.model import (
    Diagnostic,
    Function,
    GoEnvironment,
    Package,
    Skipped,
)
from lambdabuild.oversights import constrained, constraint_hint, is_below, not_in_workspace, root_of
from lambdabuild.process import Run
from lambdabuild.sources import sources_with_main

log = logging.getLogger(__name__)


class Discovery(NamedTuple):
    """What there is to build."""

    functions: tuple[Function, ...]
    """By name, excluded ones left out."""
    graphs: Mapping[tuple[str, Variant], Graph]
    """The packages that `go list` told, by the directory it ran in and the variant."""
    environments: Mapping[str, GoEnvironment]
    """`go env`, by the directory it ran in."""
    skipped: tuple[Skipped, ...]
    excluded: Mapping[str, str] = MappingProxyType({})
    """The globs that exclude functions, by the function's name."""

    def package(self, function: Function, variant: Variant) -> Package | None:
        """Return the function's package under `variant`; None if it has no files there."""
        return self.graphs[function.load_directory, variant].get(function.package)


def discover(
    run: Run,
    go: Go,
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
    trees = {
        root: tree.walk(root, everything=True) if thorough else go.tree(root)
        for root in dict.fromkeys(roots)
    }
    places, environments = find_places(run, go, trees, environment)
    if not places:
        shown = ", ".join(f"`{root}`" for root in settings.config.roots)
        raise LambdabuildError(
            f"no go.mod was found in, above or below {shown}",
            at=[project],
            hint="run `go mod init example.com/your/module` at the top of the repository",
        )
    variants = list(dict.fromkeys(v for s in settings.variants() for v in variants_of(s)))
    graphs, unlisted = list_all(run, go, places, variants)
    return _assemble(
        settings, trees, graphs, unlisted, environments,
        go=go, project=project, working=working,
    )  # fmt: skip


def _require_roots(
    run: Run,
    go: Go,
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
    run: Run, go: Go, settings: Settings, directory: str, environment: Mapping[str, str]
) -> list[str]:
    """Return the directories of main packages below `directory`, relative to it."""
    trees = {directory: tree.walk(directory)}
    variant = variants_of(settings.variants()[0])[0]
    found = set()
    try:
        places, _ = find_places(run, go, trees, environment)
        graphs, _ = list_all(run, go, places, [variant])
    except LambdabuildError as error:
        log.debug("looking for main packages: %s", error)
        return []
    for graph in graphs.values():
        for package in graph.values():
            if not package.only_dependency and package.name == "main" and package.declares_main:
                found.add(os.path.relpath(package.directory, directory))
    return sorted(found)


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
    go: Go,
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
        name = naming.function_name(candidate.directory, root_of(candidate.directory, roots), named)
        here = name_of(candidate.directory, project)
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
                hint = constraint_hint(name, next(iter(candidate.loaded)).target)
            skipped.append(Skipped(here, reason, candidate.package, hint))
    unseen = [directory for directory in sources if directory not in listed]
    skipped += [
        not_in_workspace(directory, why, project)
        for directory, why in unlisted
        if any(is_below(d, directory) and sources_with_main(d) for d in unseen)
    ]
    # A directory in a module that is not in the workspace is told of once, with its module.
    outside = [directory for directory, _ in unlisted]
    unseen = [d for d in unseen if not any(is_below(d, module) for module in outside)]
    skipped += constrained(
        unseen, settings, environments, go=go, project=project, named=named, roots=roots
    )
    for found in trees.values():
        skipped += [
            Skipped(os.path.relpath(directory, project), reason)
            for directory, reason in found.passed_over.items()
            if sources_with_main(directory)
        ]
    naming.refuse_collisions(
        functions, {f.directory: name_of(f.directory, working) for f in functions}
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
            if package.only_dependency:
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
        if not package.declares_main:
            return "it has no `func main`"
    return None
