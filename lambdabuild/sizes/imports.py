"""Find the imports by which a function comes to a package."""

from collections import deque
from collections.abc import Mapping, Sequence

from lambdabuild.core.gopackage import Package
from lambdabuild.sizes.symbols import package_of


def import_chain(
    main: str, symbols: Sequence[str], graph: Mapping[str, Package]
) -> tuple[str, ...]:
    """Return the packages from `main` to that of the last symbol, each imported by the one before.

    `symbols` lead to one another. The shortest way goes by the packages they are of: another
    package that is imported as well may have nothing to do with it. Where no imports lead from one
    to the next, as with a method that is called by an interface, the shortest way from `main` does.
    `graph` has no packages of the standard library: of these, those of the symbols are named.
    """
    passed = [main if path == "main" else path for path in map(package_of, symbols) if path]
    while passed and _is_runtime(passed[0]):
        passed.pop(0)
    chain = [main]
    for path in passed:
        if path in chain:
            del chain[chain.index(path) + 1 :]
        elif path in graph:
            way = _shortest(chain[-1], path, graph)
            chain = [*chain, *way[1:]] if way else (_shortest(main, path, graph) or [main, path])
        elif is_standard(path):
            chain.append(path)
    return tuple(chain)


def shortest_imports(main: str, path: str, graph: Mapping[str, Package]) -> tuple[str, ...]:
    """Return the packages from `main` to another, each imported by the one before."""
    return tuple(_shortest(main, path, graph) or [main, path])


def is_standard(path: str) -> bool:
    """Tell whether a package is one of the standard library: no module begins without a dot."""
    return "." not in path.partition("/")[0]


def _is_runtime(path: str) -> bool:
    """Tell whether a package is part of what starts every program; nobody imported it for this."""
    return path in {"runtime", "internal/runtime"} or path.startswith(
        ("runtime/", "internal/runtime/")
    )


def _shortest(start: str, end: str, graph: Mapping[str, Package]) -> list[str]:
    """Return the shortest way by imports, both ends in it; empty where there is none."""
    before: dict[str, str] = {start: ""}
    waiting = deque([start])
    while waiting:
        path = waiting.popleft()
        if path == end:
            way = [path]
            while path := before[path]:
                way.append(path)
            return way[::-1]
        package = graph.get(path)
        for imported in package.imports if package else ():
            if imported not in before:
                before[imported] = path
                waiting.append(imported)
    return []
