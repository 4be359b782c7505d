"""Decide what is built, in which order, and what cannot be: from values to a value."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from lambdabuild.config import Settings
from lambdabuild.model import (
    Batch,
    Diagnostic,
    Flags,
    Function,
    Package,
    Plan,
    Step,
    Target,
)

PackageOf = Mapping[tuple[str, Target], tuple[Package, Mapping[str, Package]]]
"""By a function's name and a target: its package there, and the graph the package is in."""


def make_plan(
    functions: Sequence[Function],
    settings: Settings,
    loaded: PackageOf,
    *,
    out: str,
) -> Plan:
    """Return the plan that builds `functions` below the absolute directory `out`.

    Functions that share a load, a target and flags go into one batch. Those that cannot be
    loaded are set aside with their errors: one of them would stop the whole `go build`.
    """
    steps: list[Step] = []
    groups: dict[tuple[str, Target, Flags], list[Step]] = defaultdict(list)
    graphs: dict[tuple[str, Target, Flags], Mapping[str, Package]] = {}
    errors = _LoadErrors()
    for function in functions:
        chosen = settings.of(function.name)
        for target in chosen.targets:
            if (function.name, target) not in loaded:
                continue
            package, graph = loaded[function.name, target]
            step = Step(
                function=function,
                target=target,
                runtime=chosen.runtime if target.architecture else None,
                flags=chosen.flags,
                artifact=artifact_path(
                    function,
                    target,
                    several=len(chosen.targets) > 1,
                    out=None if settings.in_place else out,
                ),
                load_errors=errors.of(package, graph),
            )
            steps.append(step)
            if not step.load_errors:
                group = (function.load_directory, target, chosen.flags)
                groups[group].append(step)
                graphs[group] = graph
    batches = [
        Batch(directory, target, flags, tuple(group), graphs[directory, target, flags])
        for (directory, target, flags), group in groups.items()
    ]
    # The largest first: what it compiles for all, the others find in Go's cache.
    batches.sort(key=lambda batch: -len(batch.steps))
    return Plan(tuple(steps), tuple(batches))


def artifact_path(function: Function, target: Target, *, several: bool, out: str | None) -> str:
    """Return where the executable goes; `out` is None for in place, beside the function."""
    home = function.directory if out is None else os.path.join(out, function.name)
    return os.path.join(home, *([target.label] if several else []), "bootstrap")


class _LoadErrors:
    """Look up which load errors lie in a package's closure; cheap where there are none."""

    def __init__(self) -> None:
        self._broken: dict[int, frozenset[str]] = {}

    def of(self, package: Package, graph: Mapping[str, Package]) -> tuple[Diagnostic, ...]:
        broken = self._broken.get(id(graph))
        if broken is None:
            broken = frozenset(path for path, item in graph.items() if item.errors)
            self._broken[id(graph)] = broken
        if not broken:
            return ()
        found = reached(graph, package.import_path, broken)
        return tuple(error for path in found for error in graph[path].errors)


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


def reached(graph: Mapping[str, Package], start: str, wanted: Collection[str]) -> tuple[str, ...]:
    """Return those of `wanted` that the package `start` is or imports, nearest first."""
    return tuple(path for path in order_of(graph, start) if path in wanted)


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
