"""Tell which function of the repository a deployment file declares; no disk."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

from lambdabuild.deployment.declared import Declared

_OF_EVERYONE = frozenset({"", "bootstrap", "main", "handler", "index", "function", "lambda", "bin"})
"""What executables, archives and handlers are called whatever the function is."""
_SUFFIX = re.compile(r"(?:lambda)?(?:function|handler|lambda|fn|func)$")
_NO_LETTER = re.compile(r"[\W_]+")


class Source(NamedTuple):
    """A function of the repository: its name, and the absolute path of its main package."""

    name: str
    directory: str


def match(
    declared: Iterable[Declared], sources: Sequence[Source], outputs: Mapping[str, str]
) -> list[str | None]:
    """Return the name of the function that each declaration is of; None where that cannot be told.

    `outputs` has the names by the absolute paths that they are deployed from: `dist/get`,
    `dist/get.zip`. Where the code does not lead to one function, the names do, if only one has it.
    """
    finder = _Finder(sources, outputs)
    return [finder.by_code(item) or finder.by_name(item) for item in declared]


class _Finder:
    """Finds functions by path and by name."""

    def __init__(self, sources: Sequence[Source], outputs: Mapping[str, str]) -> None:
        self._directories = {source.directory: source.name for source in sources}
        self._outputs = outputs
        self._names = {source.name for source in sources}
        self._near: dict[str, set[str]] = defaultdict(set)
        for source in sources:
            self._near[_bare(source.name)].add(source.name)
        self._ends: dict[str, set[str]] = defaultdict(set)
        for source in sources:
            for part in (part for part in _ends(source.directory) if part not in _OF_EVERYONE):
                self._ends[_bare(part)].add(source.name)

    def by_code(self, declared: Declared) -> str | None:
        """Return the function whose directory or output is deployed."""
        path = declared.code
        if path is None:
            return None
        if path in self._directories:
            return self._directories[path]
        # A file in the package, or a file in the output directory.
        for place in (path, os.path.dirname(path)):
            if place in self._outputs:
                return self._outputs[place]
        if path.endswith(".go"):
            return self._directories.get(os.path.dirname(path))
        below = [
            name
            for directory, name in self._directories.items()
            if directory.startswith(f"{path}/")
        ]
        if len(below) == 1:
            return below[0]
        return None

    def by_name(self, declared: Declared) -> str | None:
        """Return the one function that has a name of the declaration, its artifact, or handler."""
        words = [declared.deployed_as, declared.name]
        if declared.code is not None:
            code = PurePath(declared.code)
            stem = code.name.removesuffix(".zip")
            words[:0] = [stem if stem.lower() not in _OF_EVERYONE else code.parent.name]
        if declared.handler is not None:
            words[:0] = [PurePath(declared.handler).name]
        for word in words:
            if word is None or word.lower() in _OF_EVERYONE:
                continue
            if word in self._names:
                return word
            for known in (self._near, self._ends):
                found = known.get(_bare(word), set())
                if len(found) == 1:
                    return next(iter(found))
        return None


def _ends(directory: str) -> list[str]:
    """Return the last names of a path that tell functions apart: `x/cmd/main` is about `x`."""
    parts = list(PurePath(directory).parts)
    while len(parts) > 1 and parts[-1] in {"main", "cmd", "src", "lambda"}:
        parts.pop()
    return parts[-1:]


def _bare(name: str) -> str:
    """Return a name without what people add: `GetOrderFunction` and `get-order` are one."""
    bare = _NO_LETTER.sub("", name.lower())
    return _SUFFIX.sub("", bare) or bare
