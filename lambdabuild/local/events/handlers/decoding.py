"""Find the type that a handler of bytes decodes its event into."""

from lambdabuild.local.events.handlers.declarations import Function
from lambdabuild.local.events.handlers.expressions import Scope, calls, value_of
from lambdabuild.local.events.handlers.libraries import METHODS
from lambdabuild.local.events.handlers.tokens import Tokens, at, closing, split
from lambdabuild.local.events.handlers.types import UNKNOWN, Func, Pointer, Type

_LONGEST = 6
"""Tokens of `[]byte(event)`."""


def decoded(handler: Tokens, scope: Scope) -> Type | None:
    """Return what a handler passes its event to `json.Unmarshal` for.

    None where it does not, and where it tries several types.
    """
    function = _function(handler, scope)
    if function is None:
        return None
    names = {p.name for p in function.signature.parameters if p.name}
    kinds: set[Type] = set()
    for before, arguments, place in calls(function, "Unmarshal"):
        parts = split(arguments)
        if function.file.imports.get(before.text) != "encoding/json" or len(parts) != 2:  # noqa: PLR2004 - the data, and where it goes
            continue
        data, target = parts
        if len(data) <= _LONGEST and names & {token.text for token in data}:
            kind = value_of(target, Scope(scope.packages, function.file, function, place)).type
            while isinstance(kind, Pointer):
                kind = kind.element
            kinds.add(kind)
    kinds.discard(UNKNOWN)
    return kinds.pop() if len(kinds) == 1 else None


def _function(handler: Tokens, scope: Scope) -> Function | None:
    """Return the function that an expression is, or the method by which it handles events."""
    first = handler[0]
    if first.text == "func":
        return _literal(handler, scope)
    packages = scope.packages
    if len(handler) == 1 and first.kind == "name":
        found = packages.function(scope.file.package, first.text)
        if found is not None:
            return found
    elif at(handler, len(handler) - 2).text == ".":
        path = scope.file.imports.get(first.text) if len(handler) == 3 else None  # noqa: PLR2004 - `package.Function`
        if path is not None:
            return packages.function(path, handler[2].text)
        method = packages.method(value_of(handler[:-2], scope).type, handler[-1].text)
        return method[0] if method is not None else None
    kind = value_of(handler, scope).type
    methods = (packages.method(kind, name) for name in METHODS)
    return next((method[0] for method in methods if method is not None), None)


def _literal(handler: Tokens, scope: Scope) -> Function | None:
    reader = scope.file.reader(handler)
    signature = reader.type()
    if not isinstance(signature, Func) or reader.text() != "{":
        return None
    start = reader.place
    body = handler[start + 1 : closing(handler, start)]
    return Function(scope.file, "", handler[0].line, None, (), signature, body)
