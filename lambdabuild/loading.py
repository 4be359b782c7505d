"""Find the modules and workspaces below the roots, and let `go list` load their packages."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lambdabuild import gotool, tree
from lambdabuild.config import BuildSettings
from lambdabuild.errors import LambdabuildError
from lambdabuild.goparse import parse_packages
from lambdabuild.model import (
    Diagnostic,
    Flags,
    GoEnvironment,
    Package,
    Target,
)
from lambdabuild.process import Run, in_parallel
from lambdabuild.toolchain import ask_environment

_AT_ONCE = 4
"""How many `go list` processes run at a time; each uses several processors by itself."""


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
class Place:
    """Where `go list` runs, and for which patterns."""

    directory: str
    patterns: tuple[str, ...]


def find_places(
    run: Run, go: str, trees: Mapping[str, tree.Tree], environment: Mapping[str, str]
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
    told = in_parallel(run, lambda load: ask_environment(run, go, load), distinct, _AT_ONCE)
    environments = dict(zip(distinct, told, strict=True))
    patterns: dict[str, list[str]] = defaultdict(list)
    for directory, load in loads.items():
        # GOWORK may name a file elsewhere: then that is the workspace, whatever is nearest.
        workspace = environments[load].workspace
        place = os.path.dirname(workspace) if workspace is not None else modules[directory]
        patterns[place].append(pattern_of(directory, place))
    for load in patterns:
        if load not in environments:
            environments[load] = ask_environment(run, go, load)
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


def list_all(
    run: Run,
    go: str,
    places: Sequence[Place],
    variants: Sequence[Variant],
    environments: Mapping[str, GoEnvironment],
) -> tuple[dict[tuple[str, Variant], Graph], list[tuple[str, Diagnostic]]]:
    """Return all graphs, and the patterns that Go does not list, each with its reason."""
    wanted = [(place, variant) for place in places for variant in variants]

    def load(item: tuple[Place, Variant]) -> list[Package]:
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
