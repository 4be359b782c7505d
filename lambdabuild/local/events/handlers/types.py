"""Go's types, as far as JSON and calls need them, and how they are written.

https://go.dev/ref/spec#Types
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from lambdabuild.local.events.handlers.tokens import Tokens, at, closing, split, unquoted


class Named(NamedTuple):
    """A type by its name."""

    package: str
    """An import path; empty for those that Go brings, and for type parameters."""
    name: str
    arguments: tuple["Type", ...] = ()


class Pointer(NamedTuple):
    """A pointer to a value."""

    element: "Type"


class Slice(NamedTuple):
    """A slice, or an array."""

    element: "Type"


class Map(NamedTuple):
    """A map."""

    key: "Type"
    element: "Type"


class Field(NamedTuple):
    """A field of a struct."""

    name: str
    """Empty for one that is embedded."""
    type: "Type"
    tag: str = ""


class Struct(NamedTuple):
    """A struct."""

    fields: tuple[Field, ...]


class Parameter(NamedTuple):
    """A parameter; without a name, a result."""

    name: str
    type: "Type"


class Func(NamedTuple):
    """A function's signature."""

    parameters: tuple[Parameter, ...]
    results: tuple[Parameter, ...] = ()


class Other(NamedTuple):
    """A type of which nothing more need be known: an interface, a channel."""

    what: str


Type: TypeAlias = Named | Pointer | Slice | Map | Struct | Func | Other
UNKNOWN = Other("?")
INTERFACE = Other("interface")


class Reader:
    """Reads types off tokens, from a place that moves on."""

    def __init__(self, tokens: Tokens, imports: Mapping[str, str], package: str) -> None:
        """Take import paths by their names in the file, and the path of its package."""
        self.tokens = tokens
        self.place = 0
        self._imports = imports
        self._package = package

    def text(self, ahead: int = 0) -> str:
        """Return the text of a token to come."""
        return at(self.tokens, self.place + ahead).text

    def _kind(self, ahead: int = 0) -> str:
        return at(self.tokens, self.place + ahead).kind

    def type(self) -> Type:  # noqa: C901, PLR0911 - a case each
        """Read a type; UNKNOWN where there is none."""
        text = self.text()
        if self._kind() == "name":
            return self._named()
        self.place += 1
        if text == "*":
            return Pointer(self.type())
        if text == "...":
            return Slice(self.type())
        if text == "(":
            inner = self.type()
            self.place += 1
            return inner
        if text == "[":
            self.place = closing(self.tokens, self.place - 1) + 1
            return Slice(self.type())
        if text == "map":
            self.place += 1
            key = self.type()
            self.place += 1
            return Map(key, self.type())
        if text == "func":
            return self.signature()
        if text in {"struct", "interface"}:
            end = closing(self.tokens, self.place)
            body = self.tokens[self.place + 1 : end]
            self.place = end + 1
            return self._struct(body) if text == "struct" else INTERFACE
        if text in {"chan", "<-"}:
            if self.text() in {"chan", "<-"}:
                self.place += 1
            self.type()
            return Other("chan")
        return UNKNOWN

    def _named(self) -> Type:
        name, package = self.text(), ""
        self.place += 1
        if self.text() == "." and self._kind(1) == "name":
            package = self._imports.get(name, name)
            name = self.text(1)
            self.place += 2
        elif name in BUILT_IN:
            return INTERFACE if name in {"any", "error"} else Named("", name)
        else:
            package = self._package
        arguments: tuple[Type, ...] = ()
        if self.text() == "[" and self.text(1) != "]":
            end = closing(self.tokens, self.place)
            inner = self.tokens[self.place + 1 : end]
            arguments = tuple(self._inside(part).type() for part in split(inner))
            self.place = end + 1
        return Named(package, name, arguments)

    def _inside(self, tokens: Tokens) -> "Reader":
        return Reader(tokens, self._imports, self._package)

    def signature(self) -> Func:
        """Read parameters and results, from the first bracket."""
        parameters = self.parameters()
        results: tuple[Parameter, ...] = ()
        if self.text() == "(":
            results = self.parameters()
        elif self.text() in {"*", "[", "map", "func", "struct", "interface", "chan", "<-"} or (
            self._kind() == "name"
        ):
            results = (Parameter("", self.type()),)
        return Func(parameters, results)

    def parameters(self) -> tuple[Parameter, ...]:
        """Read a list of parameters, of results, or a receiver, from its bracket."""
        if self.text() != "(":
            return ()
        end = closing(self.tokens, self.place)
        parts = split(self.tokens[self.place + 1 : end])
        self.place = end + 1
        named = any(self._has_name(part) for part in parts)
        found: list[Parameter] = []
        kind: Type = UNKNOWN
        # Of `a, b int` only the last has the type.
        for part in reversed(parts):
            if not named:
                found.append(Parameter("", self._inside(part).type()))
                continue
            if len(part) > 1:
                kind = self._inside(part[1:]).type()
            found.append(Parameter(part[0].text, kind))
        return tuple(reversed(found))

    @staticmethod
    def _has_name(part: Tokens) -> bool:
        first, second = at(part, 0), at(part, 1)
        if first.kind != "name" or second.kind == "end" or second.text == ".":
            return False
        if second.text == "[":
            # `a []int` and `a [2]int`, but not `List[int]`.
            return closing(part, 1) + 1 < len(part)
        return True

    def _struct(self, body: Tokens) -> Struct:
        fields: list[Field] = []
        for line in split(body, ";"):
            tag = ""
            part = line
            if part[-1].kind == "text":
                tag, part = unquoted(part[-1].text), part[:-1]
            names = []
            while at(part, 0).kind == "name" and at(part, 1).text == ",":
                names.append(part[0].text)
                part = part[2:]
            if self._has_name(part):
                names.append(part[0].text)
                part = part[1:]
            kind = self._inside(part).type()
            fields += [Field(name, kind, tag) for name in names or [""]]
        return Struct(tuple(fields))


BUILT_IN = frozenset(
    [
        "any",
        "bool",
        "byte",
        "comparable",
        "complex64",
        "complex128",
        "error",
        "float32",
        "float64",
        "int",
        "int8",
        "int16",
        "int32",
        "int64",
        "rune",
        "string",
        "uint",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "uintptr",
    ]
)


def substituted(kind: Type, values: Mapping[str, Type]) -> Type:  # noqa: PLR0911 - a case each
    """Return a type with others in the place of its type parameters.

    Those are written as types of their package are.
    """
    if not values:
        return kind
    if isinstance(kind, Named):
        if kind.name in values and not kind.arguments:
            return values[kind.name]
        return kind._replace(arguments=tuple(substituted(a, values) for a in kind.arguments))
    if isinstance(kind, Pointer | Slice):
        return kind._replace(element=substituted(kind.element, values))
    if isinstance(kind, Map):
        return Map(substituted(kind.key, values), substituted(kind.element, values))
    if isinstance(kind, Func):
        return Func(_each(kind.parameters, values), _each(kind.results, values))
    if isinstance(kind, Struct):
        return Struct(tuple(f._replace(type=substituted(f.type, values)) for f in kind.fields))
    return kind


def _each(parameters: tuple[Parameter, ...], values: Mapping[str, Type]) -> tuple[Parameter, ...]:
    return tuple(p._replace(type=substituted(p.type, values)) for p in parameters)


def shown(kind: Type) -> str:  # noqa: PLR0911 - a case each
    """Return a type as Go writes it, its package by the last element of its path."""
    if isinstance(kind, Named):
        last = kind.package.rpartition("/")[2]
        arguments = f"[{', '.join(map(shown, kind.arguments))}]" if kind.arguments else ""
        return f"{last}.{kind.name}{arguments}" if kind.package else f"{kind.name}{arguments}"
    if isinstance(kind, Pointer):
        return f"*{shown(kind.element)}"
    if isinstance(kind, Slice):
        return f"[]{shown(kind.element)}"
    if isinstance(kind, Map):
        return f"map[{shown(kind.key)}]{shown(kind.element)}"
    if isinstance(kind, Struct):
        return "struct"
    if isinstance(kind, Func):
        return "func"
    return {"interface": "any"}.get(kind.what, kind.what)
