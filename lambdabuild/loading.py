"""Find the modules and workspaces below the roots, and let `go list` load their packages."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lambdabuild import tree
from lambdabuild.asking import Go, Variant
from lambdabuild.config import BuildSettings
from lambdabuild.model import Diagnostic, GoEnvironment, Package
from lambdabuild.process import Run, in_parallel

_AT_ONCE = 4
"""How many `go list` processes run at a time; each uses several processors by itself."""


def variants_of(settings: BuildSettings) -> list[Variant]:
    """Return one variant for each target of `settings`."""
    flags = settings.flags
    return [
        Variant(target, flags.tags, flags.environment, flags.cgo) for target in settings.targets
    ]


Graph = Mapping[str, Package]
"""Every package of one load, by import path."""


class Place(NamedTuple):
    """Where `go list` runs, and for which patterns."""

    directory: str
    patterns: tuple[str, ...]


def find_places(
    run: Run, go: Go, trees: Mapping[str, tree.Tree], environment: Mapping[str, str]
) -> tuple[list[Place], dict[str, GoEnvironment]]:
    """Return where to run `go list`: once a workspace, and once a module that is in none."""
    modules = _modules(trees)
    loads: dict[str, str] = {}
    for directory, module in modules.items():
        workspace = None
        if environment.get("GOWORK") != "off":
            workspace = tree.enclosing(directory, "go.work")
        loads[directory] = workspace or module
    distinct = list(dict.fromkeys(loads.values()))
    told = in_parallel(run, go.environment, distinct, _workers(go))
    environments = dict(zip(distinct, told, strict=True))
    patterns: dict[str, list[str]] = defaultdict(list)
    for directory, load in loads.items():
        # GOWORK may name a file elsewhere: then that is the workspace, whatever is nearest.
        workspace = environments[load].workspace
        place = os.path.dirname(workspace) if workspace is not None else modules[directory]
        patterns[place].append(pattern_of(directory, place))
    for load in patterns:
        if load not in environments:
            environments[load] = go.environment(load)
    return [Place(load, tuple(sorted(set(p)))) for load, p in patterns.items()], environments


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


def pattern_of(directory: str, load: str) -> str:
    relative = os.path.relpath(directory, load)
    if relative == ".":
        return "./..."
    return f"{relative}/..." if relative.startswith("..") else f"./{relative}/..."


def _workers(go: Go) -> int:
    """Return how many to ask at a time: what is known needs no threads, which are slow to import."""
    return 1 if go.findings.packages else _AT_ONCE


def list_all(
    run: Run, go: Go, places: Sequence[Place], variants: Sequence[Variant]
) -> tuple[dict[tuple[str, Variant], Graph], list[tuple[str, Diagnostic]]]:
    """Return all graphs, and the patterns that Go does not list, each with its reason."""
    wanted = [(place, variant) for place in places for variant in variants]

    def load(item: tuple[Place, Variant]) -> tuple[Package, ...]:
        place, variant = item
        return go.packages(place.directory, place.patterns, variant)

    listed = in_parallel(run, load, wanted, _workers(go))
    graphs: dict[tuple[str, Variant], Graph] = {}
    unlisted: dict[str, Diagnostic] = {}
    for (place, variant), packages in zip(wanted, listed, strict=True):
        graphs[place.directory, variant] = {package.import_path: package for package in packages}
        for package in packages:
            if package.import_path in place.patterns and package.errors:
                where = os.path.join(place.directory, package.import_path.removesuffix("/..."))
                unlisted[os.path.normpath(where)] = package.errors[0]
    return graphs, list(unlisted.items())
