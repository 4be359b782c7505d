"""Make a module of a repository that was written for GOPATH, without a file in it.

Before Go 1.11 a repository lay in `$GOPATH/src/github.com/acme/shop`, and what it imported in its `vendor`
or in `$GOPATH/src` as well. Go takes it for a module with a go.mod that exists in an overlay only: it
requires each dependency, and replaces it by the directory that GOPATH would have led to. All
comes from there, so that no go.sum is asked for and nothing is fetched.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.naming import is_below
from lambdabuild.golang.source import directives
from lambdabuild.survey.eawsy.module_path import path_of
from lambdabuild.survey.eawsy.packages import Disk, same_files
from lambdabuild.system import files

_OLDEST, _NEWEST = 16, 20
"""Versions of the language, 1.16 to 1.20, in the go.mod made; the repository has the oldest.

Code of that time keeps its meaning: from 1.22 on, each iteration of a loop has variables of its own
(https://go.dev/ref/spec#For_statements). From 1.17 on, a go.mod has to list what dependencies need as well
(https://go.dev/doc/go1.17#go-command, https://go.dev/ref/mod#graph-pruning). `// +build` lines count in any
(Go 1.22 to 1.27 were tried). A dependency that has a go.mod may need the version it names: unsafe.Slice
came with 1.17. But from 1.21 on, one must not name more than the repository
(https://go.dev/doc/toolchain#config).
"""
_MOST_PACKAGES = 5000
"""That are looked into; what only further ones import is missing, and `go list` says so."""

_REPOSITORY = {
    **dict.fromkeys(("github.com", "bitbucket.org", "gitlab.com", "golang.org"), 3),
    **dict.fromkeys(("go.uber.org", "google.golang.org", "cloud.google.com", "k8s.io"), 2),
}
"""How many elements of an import path name the repository, by host."""
_VCS = (".git", ".hg", ".svn", ".bzr")
_NO_MODULE = re.compile(r"(?:^|/)\.|\+|/v(?:1|0[0-9]*|[0-9]*\.[0-9.]*)$|^gopkg\.in/")
_OF_GOPKG = re.compile(r"gopkg\.in/.+\.v(0|[1-9][0-9]*)(?:-unstable)?")
_MAJOR = re.compile(r"/v([0-9]+)$")
_VENDORED = re.compile(r"/vendor/[^/]+\.[^/]+/")
_PLAIN = re.compile(r"[\w./~+@-]+", re.ASCII)


class Made(NamedTuple):
    """A module that exists in an overlay only."""

    path: str
    files: Mapping[str, str]
    """Text by absolute path: the go.mod of the repository, and one of each directory that it replaces."""


def module_for(project: str, sources: Iterable[str], gopath: Sequence[str]) -> Made:
    """Return the module that a repository is, whose packages are in no module.

    `project`, `sources` (its directories with Go files) and the entries of `gopath` are absolute. An import
    that is found nowhere is left out: `go list` reports it for its function alone. `go` needs
    `-mod=readonly`, or it compares `vendor/modules.txt` with the go.mod; GO111MODULE=off would refuse it.
    """
    project = os.path.normpath(project)
    # A root may lie in `vendor`.
    sources = sorted(
        s for s in map(os.path.normpath, sources) if not _VENDORED.search(s, len(project))
    )
    disk = Disk(project, map(os.path.normpath, gopath))
    path = path_of(disk, sources)
    replaced = _modules(_dependencies(disk, path, sources))
    made = {f"{place}/go.mod": _module(name, _language(place)) for name, place in replaced.items()}
    lines = (_replace(name, place, disk) for name, place in replaced.items())
    return Made(path, {f"{project}/go.mod": _module(path, _OLDEST) + "".join(lines), **made})


def _dependencies(disk: Disk, module: str, sources: Sequence[str]) -> dict[str, str]:
    """Return the directories of packages of other repositories that are imported, by import path."""
    found: dict[str, tuple[str, str]] = {}
    left, seen = [*sources], {*sources}
    while left and len(seen) < _MOST_PACKAGES:
        importer = left.pop()
        for path in disk.imports(importer):
            if is_below(path, module):
                directory = disk.project + path[len(module) :]
            else:
                place = disk.elsewhere(path, importer)
                if place is None:
                    # It is of the standard library, or missing.
                    continue
                directory, _ = found.setdefault(path, (place, importer))
                if not same_files(directory, place):
                    raise _conflict(disk.project, path, found[path], (place, importer))
            if directory not in seen:
                seen.add(directory)
                left.append(directory)
    return {path: directory for path, (directory, _) in sorted(found.items())}


def _conflict(project: str, path: str, *found: tuple[str, str]) -> LambdabuildError:
    places = (f"{_shown(place, project)}, for {_shown(by, project)}" for place, by in found)
    return LambdabuildError(
        f"`{path}` is in two places, and a module has each package once",
        at=places,
        hint="remove one of the two; or run `go mod init` and `go mod tidy`, which choose a version; or "
        "build each directory that has a `vendor` by itself, with `lambdabuild -C DIR all`",
    )


def _shown(directory: str, project: str) -> str:
    return os.path.relpath(directory, project) if is_below(directory, project) else directory


def _modules(packages: Mapping[str, str]) -> dict[str, str]:
    """Return directories by module path: one for each repository, if all of it is in one place.

    Else one for each of its packages.
    """
    members: dict[str, dict[str, str]] = defaultdict(dict)
    roots: dict[str, set[str]] = defaultdict(set)
    for path, directory in packages.items():
        module, root = _module_of(path, directory)
        members[module][path] = directory
        roots[module].add(root)
    found: dict[str, str] = {}
    for module, places in roots.items():
        found |= {module: min(places)} if len(places) == 1 else members[module]
    return {path: directory for path, directory in sorted(found.items()) if _version(path)}


def _module_of(path: str, directory: str) -> tuple[str, str]:
    """Return the path and the directory of the module that a package is in.

    That is its repository, where that can be told, or what has a go.mod in it; else the package.
    """
    parts = [path, *(path[: s.start()] for s in reversed([*re.finditer("/", path)]))]
    places = {part: directory.removesuffix(path[len(part) :]) for part in parts}
    count = _REPOSITORY.get(parts[-1])
    if count:
        top = parts[max(len(parts) - count, 0)]
    elif parts[-1] == "gopkg.in":
        top = next(filter(_OF_GOPKG.fullmatch, reversed(parts)), path)
    else:
        top = next((part for part in parts if _has(places[part], *_VCS)), path)
    inside = parts[: parts.index(top)]
    top = next((part for part in inside if _has(places[part], "go.mod")), top)
    # Go takes no `k8s.io/api/core/v1`, say, for a module: it is a part of what is above.
    top = next(filter(_version, parts[parts.index(top) :]), top)
    return top, places[top]


def _has(directory: str, *names: str) -> bool:
    return any(os.path.lexists(os.path.join(directory, name)) for name in names)


def _version(path: str) -> str | None:
    """Return a version that goes with a module path; None if it is no such path.

    https://go.dev/ref/mod#major-version-suffixes
    """
    major = _OF_GOPKG.fullmatch(path)
    if major is None:
        if _NO_MODULE.search(path):
            return None
        major = _MAJOR.search(path)
    return f"v{major[1]}.0.0" if major else "v0.0.0"


def _language(directory: str) -> int:
    """Return the 17 of `go 1.17` in the go.mod that a dependency may have, within bounds."""
    try:
        named = dict(directives(files.text(os.path.join(directory, "go.mod")))).get("go", ())
    except OSError:
        return _OLDEST
    minor = re.match(r"1\.([0-9]{1,3})(?![0-9])", "".join(named))
    return min(max(int(minor[1]), _OLDEST), _NEWEST) if minor else _OLDEST


def _module(path: str, minor: int) -> str:
    return f"module {path}\n\ngo 1.{minor}\n"


def _replace(name: str, directory: str, disk: Disk) -> str:
    """Return the lines for a dependency: executables contain its place, which is a relative one if it can."""
    place = directory
    if directory.startswith(f"{disk.top}/"):
        place = os.path.relpath(directory, disk.project)
        place = place if f"{place}/".startswith("../") else f"./{place}"
    place = place if _PLAIN.fullmatch(place) else json.dumps(place, ensure_ascii=False)
    return f"\nrequire {name} {_version(name)}\nreplace {name} => {place}\n"
