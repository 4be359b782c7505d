"""Go packages written in tests, as `go list` would report them."""

from collections.abc import Mapping

from lambdabuild.core.gopackage import Package
from lambdabuild.local.events.handlers.declarations import declarations_of
from lambdabuild.local.events.handlers.packages import Packages

MAIN = "example.com/f"


def packages_of(sources: Mapping[str, str]) -> Packages:
    """Return packages of one file each, by import path."""
    graph = {}
    for path, source in sources.items():
        file = declarations_of(source, "", path)
        name = source.partition("package ")[2].split(None, 1)[0]
        graph[path] = Package(
            path, name, f"/{path}", ("main.go",), (), tuple(file.imports.values()), None,
            path != MAIN, (), local=path.startswith("example.com/"),
        )  # fmt: skip
    texts = {f"/{path}/main.go": source for path, source in sources.items()}
    return Packages(graph, lambda path: texts.get(path, ""))
