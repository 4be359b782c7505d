"""Tell of programs that Go leaves out in silence, and of those that were surely meant."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence

from lambdabuild import naming
from lambdabuild.asking import Go, Variant
from lambdabuild.config import Settings
from lambdabuild.loading import pattern_of, variants_of
from lambdabuild.model import (
    TARGETS,
    Diagnostic,
    GoEnvironment,
    Skipped,
    Target,
)
from lambdabuild.sources import sources_with_main


def constraint_hint(name: str, target: Target) -> str:
    architecture = target.architecture or target.goarch
    return (
        f'it builds for {target}: set `architecture = "{architecture}"` under '
        f'[functions."{name}"] in lambdabuild.toml, or exclude it'
    )


def constrained(
    directories: Sequence[str],
    settings: Settings,
    environments: Mapping[str, GoEnvironment],
    *,
    go: Go,
    project: str,
    named: Mapping[str, str],
    roots: Sequence[str],
) -> list[Skipped]:
    """Tell of the programs that no variant in use has files for.

    A pattern leaves them out in silence. One that another of Lambda's architectures would build
    was surely meant to be built: it gets a hint, and so a warning.
    """
    programs = [directory for directory in directories if sources_with_main(directory)]
    if not programs:
        return []
    default = variants_of(settings.variants()[0])
    targets = ", ".join(str(variant.target) for variant in default)
    reason = f"build constraints exclude all its Go files for {targets}"
    by_load: dict[str, list[str]] = defaultdict(list)
    for directory in programs:
        loads = [load for load in environments if is_below(directory, load)]
        if loads:
            by_load[max(loads, key=len)].append(directory)
    found: dict[str, tuple[str, Target | None]] = {}
    others = [target for target in TARGETS.values() if target not in settings.variants()[0].targets]
    for load, inside in by_load.items():
        for target in others or list(TARGETS.values()):
            variant = Variant(target, default[0].tags, default[0].environment)
            patterns = [pattern_of(d, load).removesuffix("/...") for d in inside]
            for package in go.packages(load, patterns, variant, dependencies=False):
                builds = bool(package.go_files) and package.name == "main"
                known = found.get(package.directory, (package.import_path, None))
                found[package.directory] = (known[0], target if builds else known[1])
    skipped = []
    for directory in programs:
        package_path, other = found.get(directory, (None, None))
        name = naming.function_name(directory, root_of(directory, roots), named)
        hint = constraint_hint(name, other) if other else None
        skipped.append(Skipped(os.path.relpath(directory, project), reason, package_path, hint))
    return skipped


def not_in_workspace(directory: str, why: Diagnostic, project: str) -> Skipped:
    here = os.path.relpath(directory, project)
    if "go.work" in why.message:
        return Skipped(
            here,
            "its module is not in go.work",
            hint=f"`go work use {here}` adds it; GOWORK=off builds every module by itself",
        )
    return Skipped(here, why.message, hint="`go list` does not accept this directory")


def root_of(directory: str, roots: Sequence[str]) -> str:
    return next(root for root in roots if is_below(directory, root))


def is_below(directory: str, root: str) -> bool:
    return directory == root or directory.startswith(root.rstrip(os.sep) + os.sep)
