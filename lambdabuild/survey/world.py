"""Tell what the answers of `go env` and `go list` rest on, as far as it can be looked at."""

import json
import os
from collections.abc import Collection, Iterable, Sequence

from lambdabuild.core.gopackage import Foreign, GoEnvironment, Package
from lambdabuild.golang import commands, tree
from lambdabuild.golang.source import embed_directories, parse_directives
from lambdabuild.state.stamps import CONTENT, TAKEN_IN, TOOL, WHOLE, Level, World
from lambdabuild.state.state import Findings
from lambdabuild.system import directories, files


def world_of(findings: Findings, go: str, project: str) -> World:
    """Return all that the findings rest on, as far as it can be looked at."""
    world = World()
    for found in findings.trees.values():
        for directory in found.directories:
            world.enter(directory, Level.TREE)
    for key, environment in findings.environments.items():
        _enter_toolchain(world, environment, go)
        profile = commands.profile_path(environment.flags, _asked_in(key))
        if profile is not None:
            world.files[profile] = CONTENT
    everything = [package for listed in findings.packages.values() for package in listed]
    modules = _modules(world, findings, everything)
    for module in sorted(modules):
        _enter_module(world, module)
    tops = {*modules, project}
    missing = []
    for directory in [*findings.trees, project]:
        _enter_upwards(world, directory, tops)
    for package in everything:
        if package.local:
            _enter_package(world, package, tops)
        elif package.errors and not package.directory:
            missing.append(package)
    _enter_missing(world, missing, modules)
    _enter_foreign(world, findings.foreign.values())
    _enter_made(world, findings, everything)
    return world


def _enter_foreign(world: World, found: Iterable[Foreign]) -> None:
    for foreign in found:
        for directory, level in foreign.searched:
            world.search(directory, level)
        for path in foreign.files:
            world.files.setdefault(path, TAKEN_IN)
        for path in (*foreign.libraries, *foreign.absent):
            world.files.setdefault(path, CONTENT)


def _modules(world: World, findings: Findings, everything: Iterable[Package]) -> set[str]:
    """Return the directories of all modules that are no fixed version."""
    modules = {module for found in findings.trees.values() for module in found.modules}
    # Where nothing could be loaded yet, at least the modules that the roots are in.
    above = (tree.enclosing(root, "go.mod") for root in findings.trees)
    modules |= {directory for directory in above if directory is not None}
    modules |= {_asked_in(key) for key in findings.environments}
    for environment in findings.environments.values():
        if environment.workspace is not None:
            world.files[environment.workspace] = world.files[f"{environment.workspace}.sum"] = WHOLE
            modules |= _directories_in(environment.workspace)
    for package in everything:
        if package.local and package.module is not None and package.module.directory:
            modules.add(package.module.directory)
    for module in list(modules):
        modules |= _directories_in(os.path.join(module, "go.mod"))
    return modules


def _asked_in(key: str) -> str:
    """Return the directory from the key of a `go env` answer."""
    return str(json.loads(key)[1])


def _enter_toolchain(world: World, environment: GoEnvironment, go: str) -> None:
    world.files[os.path.realpath(go)] = TOOL
    for directory, names, kind in (
        (environment.tools, ("compile", "link"), TOOL),
        (environment.root, ("VERSION", "go.env"), WHOLE),
    ):
        if directory:
            world.files |= {os.path.join(directory, name): kind for name in names}


def _directories_in(path: str) -> set[str]:
    """Return the directories that a go.work or go.mod names."""
    named = parse_directives(_text(path))
    directory = os.path.dirname(path)
    return {os.path.normpath(os.path.join(directory, d)) for d in (*named.use, *named.replace)}


def _enter_module(world: World, directory: str) -> None:
    for name in ("go.mod", "go.sum", "vendor/modules.txt"):
        world.files[os.path.join(directory, name)] = WHOLE
    # A go.work anywhere above would make another workspace of it.
    for above in tree.upwards(directory):
        world.files.setdefault(os.path.join(above, "go.work"), WHOLE)


def _enter_upwards(world: World, directory: str, tops: Collection[str]) -> None:
    """Look at the directories above as well: a go.mod there would cut the module in two."""
    while directory not in tops:
        parent = os.path.dirname(directory)
        if parent == directory:
            return
        world.enter(parent, Level.PACKAGE)
        directory = parent


def _enter_package(world: World, package: Package, tops: Collection[str]) -> None:
    world.enter(package.directory, Level.PACKAGE)
    _enter_upwards(world, package.directory, tops)
    for name in package.embed_files:
        world.files[os.path.join(package.directory, name)] = CONTENT
    for name in embed_directories(package.embed_patterns):
        top = os.path.normpath(os.path.join(package.directory, name))
        if not os.path.lexists(top):
            # Nothing matches yet: whatever comes there is a new entry of what is above.
            world.enter(tree.nearest_directory(top), Level.EVERYTHING)
        for directory, _, _ in directories.walk(top):
            world.enter(directory, Level.EVERYTHING)


def _enter_missing(world: World, missing: Sequence[Package], modules: Iterable[str]) -> None:
    """Look where packages would be that are imported and not there."""
    if not missing:
        return
    for directory in modules:
        path = parse_directives(_text(os.path.join(directory, "go.mod"))).module
        for package in missing:
            if path is not None and package.import_path.startswith(f"{path}/"):
                place = os.path.join(directory, package.import_path.removeprefix(f"{path}/"))
                world.enter(tree.nearest_directory(place), Level.TREE)


def _enter_made(world: World, findings: Findings, everything: Sequence[Package]) -> None:
    """Look where dependencies of a repository without a go.mod would be, were they there."""
    for directory in findings.made or {}:
        from lambdabuild.survey.eawsy.unmodular import places_before

        for place in places_before(directory, findings.gopath, everything):
            world.search(tree.nearest_directory(place), Level.TREE)


def _text(path: str) -> str:
    try:
        return files.text(path)
    except OSError:
        return ""
