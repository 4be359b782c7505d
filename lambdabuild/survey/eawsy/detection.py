"""Tell which main packages are written for one of eawsy's runtimes."""

import os
import re
from collections.abc import Mapping, Sequence

from lambdabuild.config.options import BuildSettings
from lambdabuild.core.build import Adapter
from lambdabuild.core.gopackage import Package
from lambdabuild.survey.eawsy.declarations import (
    Declared,
    declared_in,
    has_empty_main,
    like_handlers,
)
from lambdabuild.survey.eawsy.libraries import (
    CORE,
    LIBRARIES,
    LIBRARY,
    OFFICIAL,
    REGISTRY,
    RUNTIMES,
    SHIM,
    may_be_adapted,
)
from lambdabuild.survey.plan import order_of
from lambdabuild.system import files

_REGISTERS = re.compile(r"\.Handle(?:Func)?\(")
HANDLER = "Handle"
"""The symbol that functions for the shim export, unless `handler_name` says otherwise."""


def adapter_of(
    package: Package, graph: Mapping[str, Package], chosen: BuildSettings
) -> Adapter | None:
    """Return what a main package needs to be started; None for nothing, or if `chosen` says so."""
    if chosen.adapter == "none" or not package.go_files:
        return None
    reached = order_of(graph, package.import_path)
    if package.declares_main and RUNTIMES.isdisjoint(reached):
        return None
    handler = chosen.handler_name or HANDLER
    has_purpose = package.declares_main and not _has_empty_main(package)
    if has_purpose and not OFFICIAL.isdisjoint(reached):
        # It starts by itself: what it shares with others has not moved yet.
        return None
    # A tool may share a package with functions, which names the context in a signature, say.
    if REGISTRY in reached and (not has_purpose or _registers(graph, reached)):
        return Adapter(LIBRARY)
    if package.declares_main:
        # A plugin was never started by its `main`, which is for `go vet`, or for running it elsewhere.
        exports = CORE in reached and _exports(package, handler)
    else:
        asked = chosen.handler_name is not None or may_be_adapted(package, graph)
        exports = CORE in reached or (asked and _exports(package, handler))
    return Adapter(SHIM, handler) if exports else None


def declaration_of(package: Package, symbol: str) -> Declared | None:
    """Return where a package declares a symbol; None where that is not found."""
    for path, text in texts_of(package):
        if found := declared_in(text, symbol):
            return found._replace(file=path)
    return None


def _exports(package: Package, handler: str) -> bool:
    # One by another name alone is an error, where the function would end at once, or be gone.
    return bool(declaration_of(package, handler) or handlers_in(package))


def handlers_in(package: Package) -> list[str]:
    """Return the symbols of a main package that seem to be handlers for the shim."""
    if not any(path.startswith(LIBRARIES) for path in package.imports):
        return []
    return [name for _, text in texts_of(package) for name in like_handlers(text)]


def _registers(graph: Mapping[str, Package], reached: Sequence[str]) -> bool:
    """Return whether a package seems to register a handler with the older library."""
    importers = (graph[p] for p in reached if p in graph and REGISTRY in graph[p].imports)
    return any(_REGISTERS.search(text) for package in importers for _, text in texts_of(package))


def _has_empty_main(package: Package) -> bool:
    return any(has_empty_main(text) for _, text in texts_of(package))


def texts_of(package: Package) -> list[tuple[str, str]]:
    """Return path and text of each Go file of a package that can be read."""
    found = []
    for name in package.go_files:
        path = os.path.join(package.directory, name)
        try:
            found.append((path, files.text(path)))
        except OSError:
            continue
    return found
