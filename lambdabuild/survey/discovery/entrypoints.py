"""Decide where to look for functions, and tell them from other programs by what they import."""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.config.options import Config
from lambdabuild.core.gopackage import Package
from lambdabuild.golang import tree
from lambdabuild.golang.source import imports_in, parse_directives
from lambdabuild.golang.tree import sources_with_main
from lambdabuild.survey.eawsy.libraries import LIBRARIES, OFFICIAL, may_be_adapted
from lambdabuild.survey.golist import Go
from lambdabuild.system import files

DEFAULT_ROOT = "api"
NO_LAMBDA = "it does not import github.com/aws/aws-lambda-go/lambda"

_IN_MODULE_FILES = (b"github.com/aws/aws-lambda-go", LIBRARIES.encode())
_MODULE_FILES = ("go.mod", "go.sum", "go.work.sum", "vendor/modules.txt")
_MOST_PACKAGES = 500
"""Of one program, that are looked into where Go does not load them."""


class Search(NamedTuple):
    """Where to look for functions, and which main packages are functions."""

    roots: tuple[str, ...]
    """Absolute."""
    only_lambda: bool = False
    """Those that import the Lambda library alone."""
    everywhere: bool = False
    """Nobody named a root, and `api` has no main package: the whole project is searched."""


def search_of(config: Config, project: str, go: Go) -> Search:
    """Return where to look for functions in `project`, an absolute path.

    Whether `api` has a main package is looked up once, and found out anew when something changed.
    """
    which = config.entrypoints
    if config.roots:
        roots = (os.path.normpath(os.path.join(project, root)) for root in config.roots)
        return Search(tuple(dict.fromkeys(roots)), which == "lambda")
    if not go.findings.searched:
        api = os.path.join(project, DEFAULT_ROOT)
        has_main = os.path.isdir(api) and (
            # What cannot be read fails by its name, as it does below a root.
            bool(go.tree(api).unreadable) or any(map(sources_with_main, go.tree(api).sources))
        )
        go.findings.searched = api if has_main else project
    root = go.findings.searched
    everywhere = root == project
    return Search((root,), which == "lambda" or (everywhere and which is None), everywhere)


def without_lambda(go: Go, loads: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the modules and workspaces in which nothing can be a Lambda function.

    `loads` has the directories with Go files of each. No file of the module itself, and no file
    beside a main package, names a Lambda library there: Go need not load it.
    """
    if go.findings.without_lambda is None:
        go.findings.without_lambda = tuple(
            load
            for load, sources in loads.items()
            if load not in (go.findings.made or {}) and not _may_use_lambda(load, sources)
        )
    return set(go.findings.without_lambda)


def _may_use_lambda(load: str, sources: Sequence[str]) -> bool:
    modules = {load, *(module for s in sources if (module := tree.enclosing(s, "go.mod")))}
    for directory in modules:
        for name in _MODULE_FILES:
            content = _content(os.path.join(directory, name))
            if any(module in content for module in _IN_MODULE_FILES):
                return True
    return any(sources_with_main(source) and mentions_lambda(source) for source in sources)


def is_client(import_path: str) -> bool:
    """Return whether a package takes events from Lambda: what imports it is a function."""
    return import_path in OFFICIAL or (
        import_path.startswith(LIBRARIES) and "/service/lambda/runtime" in import_path
    )


def reaching_lambda(graph: Mapping[str, Package]) -> set[str]:
    """Return the import paths of the packages that import such a package, directly or not."""
    importers: dict[str, list[str]] = defaultdict(list)
    for path, package in graph.items():
        for imported in package.imports:
            importers[imported].append(path)
    left = [path for path in importers if is_client(path)]
    found: set[str] = set()
    while left:
        for path in importers.get(left.pop(), ()):
            if path not in found:
                found.add(path)
                left.append(path)
    return found


def lambdas_in(
    graph: Mapping[str, Package], directory_of: Callable[[Package], str | None]
) -> set[str]:
    """Return the directories of main packages that reach a Lambda library, or seem to."""
    reaching = reaching_lambda(graph)
    found: set[str] = set()
    for package in graph.values():
        if package.only_dependency or not (package.name == "main" or package.errors):
            continue
        directory = directory_of(package)
        if directory is not None and (
            package.import_path in reaching
            or (package.errors and mentions_lambda(directory))
            or (
                not package.declares_main
                and may_be_adapted(package, graph)
                and sources_with_main(directory)
            )
        ):
            found.add(directory)
    return found


def mentions_lambda(directory: str) -> bool:
    """Return whether the program in a directory reaches such a package, by the text of its files.

    For programs that Go does not load. Packages of the same module are looked into as well.
    """
    module = tree.enclosing(directory, "go.mod")
    name = module_name(module) if module is not None else None
    left, seen = [directory], {directory}
    while left and len(seen) < _MOST_PACKAGES:
        for path in set().union(*map(imports_in, tree.heads(left.pop()))):
            if is_client(path):
                return True
            if module is not None and name and f"{path}/".startswith(f"{name}/"):
                inside = os.path.normpath(os.path.join(module, path[len(name) :].lstrip("/")))
                if inside not in seen:
                    seen.add(inside)
                    left.append(inside)
    return False


def module_name(directory: str) -> str | None:
    """Return the path of the module in a directory, as its go.mod says; None without one."""
    text = _content(os.path.join(directory, "go.mod")).decode("utf-8", "replace")
    return parse_directives(text).module


def _content(path: str) -> bytes:
    try:
        return files.whole(path)
    except OSError:
        return b""
