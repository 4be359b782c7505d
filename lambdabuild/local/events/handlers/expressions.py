"""What type an expression has: as much of Go as the arguments of `lambda.Start` need."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.local.events.handlers.declarations import File, Function
from lambdabuild.local.events.handlers.packages import Packages
from lambdabuild.local.events.handlers.tokens import Token, Tokens, at, closing, opening, split
from lambdabuild.local.events.handlers.types import (
    BUILT_IN,
    UNKNOWN,
    Func,
    Map,
    Named,
    Parameter,
    Pointer,
    Slice,
    Type,
    substituted,
)

_DEEPEST = 24


class Scope(NamedTuple):
    """Where an expression is."""

    packages: Packages
    file: File
    function: Function | None = None
    before: int = 0
    """The index in the function's body that it is in front of."""
    depth: int = 0

    def deeper(self) -> "Scope":
        return self._replace(depth=self.depth + 1)


class Value(NamedTuple):
    """What an expression is."""

    type: Type = UNKNOWN
    results: tuple[Type, ...] = ()
    """All of a call's."""
    open: tuple[str, ...] = ()
    """Type parameters of a function that are not bound yet."""
    is_type: bool = False


def value_of(expression: Tokens, scope: Scope) -> Value:
    """Return what an expression is; its type is UNKNOWN where that is not seen here."""
    if scope.depth > _DEEPEST or not expression:
        return Value()
    first = expression[0]
    if first.text in {"&", "*"} and first.kind == "sign":
        inner = value_of(expression[1:], scope.deeper()).type
        if first.text == "&":
            return Value(Pointer(inner))
        return Value(inner.element if isinstance(inner, Pointer) else inner)
    value, place = _operand(expression, scope)
    while place < len(expression):
        value, place = _suffix(expression, place, value, scope)
    return value


def _operand(tokens: Tokens, scope: Scope) -> tuple[Value, int]:  # noqa: PLR0911 - a case each
    first = tokens[0]
    if first.text == "(":
        end = closing(tokens, 0)
        return value_of(tokens[1:end], scope.deeper()), end + 1
    if first.text in {"func", "[", "map", "struct"}:
        reader = scope.file.reader(tokens)
        return Value(reader.type(), is_type=True), reader.place
    if first.kind != "name":
        kind = {"text": "string", "number": "int"}.get(first.kind)
        return Value(Named("", kind) if kind else UNKNOWN), 1
    name = first.text
    local = variable(name, scope)
    if local is not None:
        return local, 1
    package, place = scope.file.package, 1
    if at(tokens, 1).text == "." and name in scope.file.imports:
        package, name, place = scope.file.imports[name], at(tokens, 2).text, 3
    elif name == "new":
        end = closing(tokens, 1)
        return Value(Pointer(scope.file.reader(tokens[2:end]).type())), end + 1
    elif name == "make":
        return Value(scope.file.reader(tokens[2:]).type()), closing(tokens, 1) + 1
    elif name in BUILT_IN:
        return Value(Named("", name), is_type=True), 1
    return _of_package(package, name, scope), place


def _of_package(package: str, name: str, scope: Scope) -> Value:
    packages = scope.packages
    function = packages.function(package, name)
    if function is not None:
        return Value(function.signature, open=function.type_parameters)
    found = packages.variable(package, name)
    if found is not None:
        if found.type is not None:
            return Value(found.type)
        return value_of(found.value, Scope(packages, found.file, depth=scope.depth + 1))
    if packages.declared(package, name) is not None:
        return Value(Named(package, name), is_type=True)
    return Value()


def _suffix(  # noqa: PLR0911 - a case each
    tokens: Tokens, place: int, value: Value, scope: Scope
) -> tuple[Value, int]:
    """Return what an expression is with the next of what follows an operand, and where that ends."""
    text, packages = tokens[place].text, scope.packages
    if text == ".":
        if at(tokens, place + 1).text == "(":
            end = closing(tokens, place + 1)
            return Value(scope.file.reader(tokens[place + 2 : end]).type()), end + 1
        name = at(tokens, place + 1).text
        method = packages.method(value.type, name)
        if method is not None:
            function, bound = method
            return Value(substituted(function.signature, bound)), place + 2
        return Value(packages.field(value.type, name) or UNKNOWN), place + 2
    if text == "(":
        end = closing(tokens, place)
        if value.is_type and not isinstance(value.type, Func):
            return Value(value.type), end + 1
        return _called(value, split(tokens[place + 1 : end]), scope), end + 1
    if text == "[":
        end = closing(tokens, place)
        inner = tokens[place + 1 : end]
        if value.open or value.is_type:
            arguments = tuple(scope.file.reader(part).type() for part in split(inner))
            bound = dict(zip(value.open, arguments, strict=False))
            kind = substituted(value.type, bound)
            if isinstance(kind, Named) and value.is_type:
                kind = kind._replace(arguments=arguments)
            return Value(kind, open=value.open[len(arguments) :], is_type=value.is_type), end + 1
        below = packages.underlying(value.type)
        return Value(below.element if isinstance(below, Map | Slice) else UNKNOWN), end + 1
    if text == "{":
        end = closing(tokens, place)
        # Of a function it is the body, else the value of a composite literal.
        return Value(value.type), end + 1
    # An operator: nothing that matters here has one.
    return Value(), len(tokens)


def _called(value: Value, arguments: Sequence[Tokens], scope: Scope) -> Value:
    kind = scope.packages.underlying(value.type)
    if not isinstance(kind, Func):
        return Value()
    bound: dict[str, Type] = {}
    if value.open:
        for parameter, argument in zip(kind.parameters, arguments, strict=False):
            given = value_of(argument, scope.deeper()).type
            _bind(parameter.type, given, set(value.open), bound, scope.packages)
    results = tuple(substituted(result.type, bound) for result in kind.results)
    return Value(results[0] if results else UNKNOWN, results)


def _bind(
    wanted: Type, given: Type, names: set[str], bound: dict[str, Type], packages: Packages
) -> None:
    """Bind type parameters, so that `wanted` becomes what is given."""
    if isinstance(wanted, Named):
        if wanted.name in names and not wanted.arguments:
            if given != UNKNOWN:
                bound.setdefault(wanted.name, given)
            return
        if isinstance(given, Named) and (wanted.package, wanted.name) == given[:2]:
            pairs: Iterable[tuple[Type, Type]] = zip(
                wanted.arguments, given.arguments, strict=False
            )
        else:
            further = packages.step(wanted)
            pairs = [(further, given)] if further is not None else []
    else:
        pairs = _pairs(wanted, packages.underlying(given))
    for one, other in pairs:
        _bind(one, other, names, bound, packages)


def _pairs(wanted: Type, given: Type) -> Iterator[tuple[Type, Type]]:
    """Yield the parts of two types of one kind."""
    if isinstance(wanted, Pointer | Slice) and isinstance(given, type(wanted)):
        yield wanted.element, given.element
    elif isinstance(wanted, Map) and isinstance(given, Map):
        yield from ((wanted.key, given.key), (wanted.element, given.element))
    elif isinstance(wanted, Func) and isinstance(given, Func):
        parameters = zip(wanted.parameters, given.parameters, strict=False)
        results = zip(wanted.results, given.results, strict=False)
        yield from ((one.type, other.type) for one, other in (*parameters, *results))


def variable(name: str, scope: Scope) -> Value | None:
    """Return what a variable of the function is, or a parameter; None where there is none."""
    found = assigned(name, scope)
    if found is not None:
        number, tokens, place = found
        value = value_of(tokens, scope.deeper()._replace(before=place))
        if number == 0 and not value.results:
            return value
        return Value(value.results[number] if number < len(value.results) else UNKNOWN)
    function = scope.function
    if function is None:
        return None
    kind = _declared(name, scope)
    if kind is not None:
        return Value(kind)
    receiver = [function.receiver] if function.receiver else []
    parameters: Mapping[str, Parameter] = {
        p.name: p for p in (*receiver, *function.signature.parameters) if p.name
    }
    return Value(parameters[name].type) if name in parameters else None


def assigned(name: str, scope: Scope) -> tuple[int, Tokens, int] | None:
    """Return the last value given to a variable of the function: `a, b := f()`.

    That is which of the values it is, the expression, and where it begins.
    """
    body = scope.function.body if scope.function is not None else ()
    for place in range(min(scope.before, len(body)) - 1, 0, -1):
        if body[place].text not in {":=", "="} or body[place].kind != "sign":
            continue
        start = _start_of_statement(body, place)
        names = [_plain(part) for part in split(_left(body[start:place]))]
        if name not in names:
            continue
        end = place + 1
        while end < len(body) and body[end].text not in {";", "}"}:
            end = closing(body, end) + 1 if body[end].text in {"(", "[", "{"} else end + 1
        values = split(body[place + 1 : end])
        number = names.index(name)
        if len(values) == len(names):
            return 0, values[number], place
        return number, body[place + 1 : end], place
    return None


def _start_of_statement(body: Tokens, place: int) -> int:
    place -= 1
    while place >= 0 and body[place].text not in {";", "{", "}"}:
        if body[place].text in {")", "]"}:
            place = opening(body, place)
        place -= 1
    return place + 1


def _left(tokens: Tokens) -> Tokens:
    """Return the left side of an assignment without what introduces it: `if a, err`, `var a`."""
    while tokens and tokens[0].text in {"if", "else", "switch", "var", "for"}:
        tokens = tokens[1:]
    return tokens


def _plain(part: Tokens) -> str:
    """Return the variable that is written to, where it has a name: also of `var a T`."""
    if not part or part[0].kind != "name" or at(part, 1).text in {".", "["}:
        return ""
    return part[0].text


def _declared(name: str, scope: Scope) -> Type | None:
    """Return the type of a `var name T` in the function."""
    body = scope.function.body if scope.function is not None else ()
    for place in range(min(scope.before, len(body)) - 1, -1, -1):
        if body[place].text == "var" and at(body, place + 1).text == name:
            return scope.file.reader(body[place + 2 :]).type()
    return None


def calls(function: Function, name: str) -> Iterator[tuple[Token, Tokens, int]]:
    """Yield the calls of a name in a function: what is in front of it, its arguments, its place.

    What is in front is the name of a package or of a variable; END where there is nothing.
    """
    body = function.body
    for place, token in enumerate(body):
        if token.text != name or token.kind != "name":
            continue
        after = place + 1
        if at(body, after).text == "[":
            after = closing(body, after) + 1
        if at(body, after).text != "(":
            continue
        qualified = at(body, place - 1).text == "."
        before = at(body, place - 2) if qualified else at((), 0)
        start = place - 2 if qualified else place
        yield before, body[after + 1 : closing(body, after)], start
