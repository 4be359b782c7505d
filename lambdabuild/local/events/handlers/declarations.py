"""What a Go file declares: functions, types, variables.

https://go.dev/ref/spec#Declarations_and_scope
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lambdabuild.local.events.handlers.tokens import (
    Tokens,
    at,
    closing,
    split,
    tokens_of,
    unquoted,
)
from lambdabuild.local.events.handlers.types import Func, Named, Parameter, Pointer, Reader, Type

_VERSION = re.compile(r"v[0-9]+")


class Function(NamedTuple):
    """A function, or a method."""

    file: "File"
    name: str
    line: int
    receiver: Parameter | None
    type_parameters: tuple[str, ...]
    signature: Func
    body: Tokens
    """What is between its braces."""


class Declared(NamedTuple):
    """A type."""

    type_parameters: tuple[str, ...]
    type: Type
    """What its name stands for."""


class Variable(NamedTuple):
    """A variable of a package: its type or its value, or both."""

    file: "File"
    type: Type | None
    value: Tokens
    line: int


@dataclass(slots=True)
class File:
    """What one file declares."""

    path: str
    package: str
    """The import path."""
    imports: dict[str, str] = field(default_factory=dict)
    """Import paths, by the names that they have in this file."""
    functions: list[Function] = field(default_factory=list)
    types: dict[str, Declared] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)

    def reader(self, tokens: Tokens) -> Reader:
        """Return what reads types as this file means them."""
        return Reader(tokens, self.imports, self.package)


def declarations_of(
    source: str, path: str, package: str, name_of: Callable[[str], str | None] = lambda _: None
) -> File:
    """Return what a file declares; `name_of` gives the name of a package by its import path."""
    tokens = tokens_of(source)
    file = File(path, package)
    for statement in _statements(tokens):
        word = at(statement, 0).text
        if word == "import":
            for part in _specs(statement):
                file.imports |= _imported(part, name_of)
        elif word == "func":
            _function(statement, file)
        elif word == "type":
            for part in _specs(statement):
                _type(part, file)
        elif word in {"var", "const"}:
            for part in _specs(statement):
                _variables(part, file)
    return file


def _statements(tokens: Tokens) -> Iterator[Tokens]:
    """Yield what is between semicolons that are in no brackets."""
    return iter(split(tokens, ";"))


def _specs(statement: Tokens) -> Iterator[Tokens]:
    """Yield what a declaration holds: one, or several in brackets."""
    if at(statement, 1).text == "(":
        inner = statement[2 : closing(statement, 1)]
        return iter(split(inner, ";"))
    return iter([statement[1:]])


def _imported(part: Tokens, name_of: Callable[[str], str | None]) -> Mapping[str, str]:
    if at(part, len(part) - 1).kind != "text":
        return {}
    path = unquoted(part[-1].text)
    if len(part) > 1:
        return {part[0].text: path}
    known = name_of(path)
    if known is not None:
        return {known: path}
    elements = [e for e in path.split("/") if not _VERSION.fullmatch(e)] or [path]
    return {elements[-1].partition(".")[0].removeprefix("go-"): path, elements[-1]: path}


def _function(statement: Tokens, file: File) -> None:
    reader = file.reader(statement)
    reader.place = 1
    receiver: Parameter | None = None
    if reader.text() == "(":
        receiver = next(iter(reader.parameters()), None)
    name = at(statement, reader.place)
    if name.kind != "name":
        return
    reader.place += 1
    parameters = _type_parameters(reader)
    signature = reader.signature()
    body: Tokens = ()
    if reader.text() == "{":
        body = statement[reader.place + 1 : closing(statement, reader.place)]
    file.functions.append(
        Function(file, name.text, name.line, receiver, parameters, signature, body)
    )


def _type_parameters(reader: Reader) -> tuple[str, ...]:
    """Read `[K comparable, V any]`, if it is there; its names."""
    if reader.text() != "[":
        return ()
    end = closing(reader.tokens, reader.place)
    inner = reader.tokens[reader.place + 1 : end]
    reader.place = end + 1
    return tuple(part[0].text for part in split(inner))


def _type(part: Tokens, file: File) -> None:
    name = at(part, 0)
    if name.kind != "name":
        return
    reader = file.reader(part)
    reader.place = 1
    parameters: tuple[str, ...] = ()
    # `type A [2]int` is an array, `type A[T any] struct` has a parameter.
    if reader.text() == "[" and at(part, 2).kind == "name" and at(part, 3).text != "]":
        parameters = _type_parameters(reader)
    if reader.text() == "=":
        reader.place += 1
    file.types[name.text] = Declared(parameters, reader.type())


def _variables(part: Tokens, file: File) -> None:
    left, right, *_ = (*split(part, "="), (), ())
    names = split(left)
    values = split(right)
    kind = file.reader(names[-1][1:]).type() if names and len(names[-1]) > 1 else None
    for number, (name, *_) in enumerate(names):
        value = values[number] if number < len(values) else ()
        file.variables[name.text] = Variable(file, kind, value, name.line)


def receiver_of(function: Function) -> Named | None:
    """Return the type that a method is of."""
    if function.receiver is None:
        return None
    kind = function.receiver.type
    if isinstance(kind, Pointer):
        kind = kind.element
    return kind if isinstance(kind, Named) else None
