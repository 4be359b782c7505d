"""The packages that a function is made of, read as far as somebody asks for what they declare."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lambdabuild.core.gopackage import Package
from lambdabuild.local.events.handlers.declarations import (
    Declared,
    File,
    Function,
    Variable,
    declarations_of,
    receiver_of,
)
from lambdabuild.local.events.handlers.types import Named, Pointer, Struct, Type, substituted
from lambdabuild.system import files

_DEEPEST = 12
"""Steps from a name to what it stands for, and from a struct to what it embeds."""

Values = Mapping[str, Type]
"""What type parameters stand for."""


def _text(path: str) -> str:
    try:
        return files.text(path)
    except OSError:
        return ""


@dataclass(slots=True)
class Packages:
    """Looks up what packages declare; reads only files that have the word."""

    graph: Mapping[str, Package]
    read: Callable[[str], str] = _text
    """Returns a file's text; empty where it cannot be read."""
    _sources: dict[str, dict[str, str]] = field(default_factory=dict)
    _parsed: dict[str, File] = field(default_factory=dict)

    def files(self, package: str, word: str) -> Iterator[File]:
        """Yield the files of a package in which a word is."""
        if package not in self._sources:
            found = self.graph.get(package)
            paths = [os.path.join(found.directory, n) for n in found.go_files] if found else []
            self._sources[package] = {path: self.read(path) for path in paths}
        as_word = re.compile(rf"\b{re.escape(word)}\b")
        for path, source in self._sources[package].items():
            if path not in self._parsed:
                if not as_word.search(source):
                    continue
                self._parsed[path] = declarations_of(source, path, package, self._name)
            yield self._parsed[path]

    def _name(self, path: str) -> str | None:
        package = self.graph.get(path)
        return package.name if package is not None and package.name else None

    def function(self, package: str, name: str) -> Function | None:
        """Return a function that is no method."""
        for file in self.files(package, name):
            for function in file.functions:
                if function.name == name and function.receiver is None:
                    return function
        return None

    def variable(self, package: str, name: str) -> Variable | None:
        """Return a variable of a package."""
        found = (file.variables.get(name) for file in self.files(package, name))
        return next(filter(None, found), None)

    def declared(self, package: str, name: str) -> Declared | None:
        """Return what a type's name stands for."""
        found = (file.types.get(name) for file in self.files(package, name))
        return next(filter(None, found), None)

    def step(self, kind: Named) -> Type | None:
        """Return what a name stands for, which may be another name; None where it is not known."""
        declared = self.declared(kind.package, kind.name) if kind.package else None
        if declared is None:
            return None
        return substituted(declared.type, _bound(declared.type_parameters, kind.arguments))

    def underlying(self, kind: Type, until: Callable[[Named], bool] = lambda _: False) -> Type:
        """Follow names, until one is not known here, or `until` holds."""
        for _ in range(_DEEPEST):
            if not isinstance(kind, Named) or until(kind):
                break
            further = self.step(kind)
            if further is None:
                break
            kind = further
        return kind

    def method(self, kind: Type, name: str, depth: int = 0) -> tuple[Function, Values] | None:
        """Return a method of a type, or of what it embeds."""
        if isinstance(kind, Pointer):
            kind = kind.element
        if not isinstance(kind, Named) or depth > _DEEPEST:
            return None
        for file in self.files(kind.package, name):
            for function in file.functions:
                of = receiver_of(function) if function.name == name else None
                if of is not None and of.name == kind.name:
                    names = [a.name for a in of.arguments if isinstance(a, Named)]
                    return function, _bound(names, kind.arguments)
        below = self.step(kind)
        if isinstance(below, Named):
            # `type A B` has no methods of B, but `type A = B` does.
            return self.method(below, name, depth + 1)
        if isinstance(below, Struct):
            for one in below.fields:
                found = self.method(one.type, name, depth + 1) if not one.name else None
                if found is not None:
                    return found
        return None

    def field(self, kind: Type, name: str, depth: int = 0) -> Type | None:
        """Return the type of a struct's field, or of one that it embeds."""
        if isinstance(kind, Pointer):
            kind = kind.element
        below = self.underlying(kind)
        if not isinstance(below, Struct) or depth > _DEEPEST:
            return None
        for one in below.fields:
            if (one.name or _last(one.type)) == name:
                return one.type
        for one in below.fields:
            found = self.field(one.type, name, depth + 1) if not one.name else None
            if found is not None:
                return found
        return None


def _bound(names: tuple[str, ...] | list[str], arguments: tuple[Type, ...]) -> Values:
    return dict(zip(names, arguments, strict=False))


def _last(kind: Type) -> str:
    if isinstance(kind, Pointer):
        kind = kind.element
    return kind.name if isinstance(kind, Named) else ""
