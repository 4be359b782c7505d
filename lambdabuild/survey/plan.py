"""Decide what is built, in which order, and what cannot be: from values to a value."""

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from lambdabuild.config.options import BuildSettings
from lambdabuild.config.settings import Settings
from lambdabuild.core.artifact import TEMPORARY, Asset
from lambdabuild.core.build import Batch, Function, Plan, Step
from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.gopackage import Diagnostic, Package
from lambdabuild.core.target import CCompiler, Flags, Target
from lambdabuild.core.text import one_line

PackageOf = Mapping[tuple[str, Target], tuple[Package, Mapping[str, Package]]]
"""By a function's name and a target: its package there, and the graph the package is in."""
AssetsOf = Mapping[str, tuple[tuple[Asset, ...], tuple[Diagnostic, ...]]]
"""By a function's name: the assets that its globs mean, and what is wrong with them."""
CompilerOf = Mapping[tuple[str, Target], CCompiler]
"""By a function's name and a target: what compiles its C, where cgo is on."""

_OWN = {"manifest.json", ".lambdabuild"}
"""Names that no function may have, in any case: lambdabuild writes them, where `out` is `.`."""

_MISSING = re.compile(r"no required module provides package ([^\s;]+)")


def make_plan(
    functions: Sequence[Function],
    settings: Settings,
    loaded: PackageOf,
    assets: AssetsOf = MappingProxyType({}),
    compilers: CompilerOf = MappingProxyType({}),
    *,
    out: str,
) -> Plan:
    """Return the plan that builds `functions` below the absolute directory `out`.

    Functions that share a load, a target and flags go into one batch. Those that cannot be
    loaded are set aside with their errors: one of them would stop the whole `go build`. So are
    those with something wrong about their assets.
    """
    steps: list[Step] = []
    groups: dict[tuple[str, Target, Flags], list[Step]] = defaultdict(list)
    graphs: dict[tuple[str, Target, Flags], Mapping[str, Package]] = {}
    broken: dict[tuple[str, Target, Flags], frozenset[str]] = {}
    place = None if settings.in_place else out
    for function in functions:
        chosen = settings.of(function.name)
        for target in chosen.targets:
            if (function.name, target) not in loaded:
                continue
            package, graph = loaded[function.name, target]
            packed, problems = assets.get(function.name, ((), ()))
            flags = chosen.flags
            if compiler := compilers.get((function.name, target)):
                flags = flags._replace(compiler=compiler)
            artifact, beside = places(function, target, chosen, out=place)
            group = (function.load_directory, target, flags)
            if group not in broken:
                broken[group] = frozenset(path for path, item in graph.items() if item.errors)
            step = Step(
                function=function,
                target=target,
                runtime=chosen.runtime if target.architecture and not settings.host else None,
                flags=flags,
                artifact=artifact,
                load_errors=(*_load_errors(package, graph, broken[group]), *problems),
                zip=f"{beside}.zip" if chosen.zip else None,
                sbom=f"{beside}.sbom.json" if chosen.sbom else None,
                assets=packed,
                layer_libraries=chosen.layer_libraries,
            )
            steps.append(step)
            if not step.load_errors:
                groups[group].append(step)
                graphs[group] = graph
    batches = [Batch(*key, tuple(group), graphs[key]) for key, group in groups.items()]
    # The largest first: what it compiles for all, the others find in Go's cache.
    batches.sort(key=lambda batch: -len(batch.steps))
    numbered = (batch._replace(number=number) for number, batch in enumerate(batches))
    return Plan(tuple(steps), tuple(numbered))


def places(
    function: Function, target: Target, chosen: BuildSettings, *, out: str | None
) -> tuple[str, str]:
    """Return where the executable goes, and what the paths of the zip and the SBOM begin with.

    `out` is absolute, and None for in place, beside the function.
    """
    several = len(chosen.targets) > 1
    home = function.directory if out is None else f"{out}{os.sep}{function.name}"
    artifact = os.sep.join((home, target.label, "bootstrap") if several else (home, "bootstrap"))
    if out is None:
        return artifact, artifact
    return artifact, f"{home}-{target.label}" if several else home


def refuse_collisions(functions: Iterable[Function], settings: Settings, *, out: str) -> None:
    """Check that no two functions would write to one path, nor one to a path of lambdabuild's own.

    A function `users` for two architectures and one called `users-arm64` would both be packed
    into `users-arm64.zip`. In place, one in `api/users/bootstrap` stands where that of `api/users`
    is to be.
    """
    taken: dict[str, str] = {}
    place = None if settings.in_place else out
    for function in functions:
        chosen = settings.of(function.name)
        written = {function.directory if place is None else f"{place}{os.sep}{function.name}"}
        for target in chosen.targets:
            artifact, beside = places(function, target, chosen, out=place)
            written.add(artifact)
            if chosen.zip or chosen.sbom:
                written |= {f"{beside}.zip", f"{beside}.sbom.json"}
        name = function.name.casefold()
        if place is not None and (name in _OWN or name.endswith(TEMPORARY)):
            raise LambdabuildError(
                f"the function `{one_line(function.name)}` would take the place of "
                f"`{os.path.join(place, function.name)}`, which "
                "lambdabuild writes itself",
                hint="give it another name in lambdabuild.toml: a `directory` under [functions]",
            )
        for path in sorted(written):
            other = taken.setdefault(path.casefold(), function.name)
            if other != function.name:
                raise LambdabuildError(
                    f"the functions `{one_line(other)}` and `{one_line(function.name)}` would both write `{path}`",
                    hint="give one of them another name in lambdabuild.toml: a `directory` under "
                    "[functions]",
                )


def _load_errors(
    package: Package, graph: Mapping[str, Package], broken: Collection[str]
) -> tuple[Diagnostic, ...]:
    """Return the errors of those of the broken packages that a package is or imports."""
    if not broken:
        return ()
    found = reached(graph, package.import_path, broken)
    return tuple(_of_own_module(error, graph) for path in found for error in graph[path].errors)


def _of_own_module(error: Diagnostic, graph: Mapping[str, Package]) -> Diagnostic:
    """Return the error of a missing package as it is in a module that is here.

    Go advises `go get`, which can find no package of the module that it runs in.
    """
    match = _MISSING.search(error.message)
    if match is None:
        return error
    missing = match[1]
    here = (item for item in graph.values() if item.module is not None and item.module.main)
    own = {item.import_path: item.module.path for item in here if item.module is not None}
    for module in dict.fromkeys(own.values()):
        if missing.startswith(f"{module}/"):
            known = [p for p, of in own.items() if of == module and graph[p].name != "main"]
            return error._replace(
                message=f"there is no package {missing}: the module has no directory "
                f"`{missing.removeprefix(f'{module}/')}` with Go files",
                hint=did_you_mean(missing, known) or "correct the import, or add the package",
            )
    return error


def order_of(graph: Mapping[str, Package], start: str) -> list[str]:
    """Return the packages that `start` is or imports, nearest first."""
    seen = {start}
    order = [start]
    for path in order:
        package = graph.get(path)
        for imported in package.imports if package is not None else ():
            if imported not in seen:
                seen.add(imported)
                order.append(imported)
    return order


def reached(graph: Mapping[str, Package], start: str, targets: Collection[str]) -> tuple[str, ...]:
    """Return those of `targets` that the package `start` is or imports, nearest first."""
    return tuple(path for path in order_of(graph, start) if path in targets)


def batches_in_order(batches: Iterable[Batch]) -> tuple[list[Batch], list[Batch]]:
    """Split into those that run alone, one after another, and those that may then run together.

    Concurrent `go build` processes compile a shared package once each, so the first of every
    target and set of flags goes ahead and leaves the compiled packages in Go's cache.
    """
    first: dict[tuple[Target, Flags], Batch] = {}
    rest = []
    for batch in batches:
        key = (batch.target, batch.flags)
        if key in first:
            rest.append(batch)
        else:
            first[key] = batch
    return list(first.values()), rest
