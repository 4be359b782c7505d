"""Find the handler that a function starts, and what it takes."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lambdabuild.core.build import Adapter
from lambdabuild.core.gopackage import Package
from lambdabuild.local.events.handlers.declarations import File, Function
from lambdabuild.local.events.handlers.decoding import decoded
from lambdabuild.local.events.handlers.expressions import (
    Scope,
    assigned,
    calls,
    value_of,
    variable,
)
from lambdabuild.local.events.handlers.libraries import (
    EVENTS,
    KNOWN_HANDLERS,
    LIBRARY,
    METHODS,
    SERVERS,
    STARTING,
    STARTS,
    WORDS,
)
from lambdabuild.local.events.handlers.packages import Packages
from lambdabuild.local.events.handlers.tokens import Token, Tokens, at, opening, split
from lambdabuild.local.events.handlers.types import (
    Func,
    Named,
    Other,
    Pointer,
    Slice,
    Type,
)

_DEEPEST = 12


class Handler(NamedTuple):
    """What a function starts."""

    input: Type | None
    """What it takes, by the first name that says it; None where it takes nothing."""
    known: bool
    """Whether that is more than bytes or any value."""
    file: str
    line: int
    """Where it is started, or declared."""


class _Start(NamedTuple):
    scope: Scope
    argument: Tokens
    line: int


def handler_of(packages: Packages, package: str, adapter: Adapter | None = None) -> Handler | None:
    """Return the handler that a main package starts, or that its adapter does; None where none is found.

    Where there are several starts, it is the first of which the input is known.
    """
    # Of other functions, which may call the same, nothing counts.
    own = {path: packages.graph[path] for path in _reached(packages.graph, package)}
    packages = Packages(own, packages.read)
    found: Handler | None = None
    symbol = adapter.handler if adapter is not None else None
    candidates = _exported(packages, package, symbol) if symbol else _handlers(packages, package)
    for candidate in candidates:
        if candidate.known:
            return candidate
        found = found or candidate
    return found


def _handlers(packages: Packages, main: str) -> Iterator[Handler]:
    for place in _places(packages.graph, main):
        for function in _functions(packages, place):
            yield from _served(packages, function)
            for start in _starts(packages, function):
                yield _handler(start, packages, main)


def _exported(packages: Packages, main: str, symbol: str) -> Iterator[Handler]:
    """Yield what a symbol of the package handles; then what is served, to which it may pass its event."""
    declared = packages.function(main, symbol) or packages.variable(main, symbol)
    if declared is None:
        return
    name = Token("name", symbol, declared.line)
    yield _handler(_Start(Scope(packages, declared.file), [name], name.line), packages, main)
    for place in _places(packages.graph, main):
        for function in _functions(packages, place):
            yield from _served(packages, function)


def _reached(graph: Mapping[str, Package], main: str) -> set[str]:
    """Return the packages that a program is made of, as far as they are known."""
    reached = {main} & graph.keys()
    left = [*reached]
    while left:
        for path in graph[left.pop()].imports:
            if path not in reached and path in graph:
                reached.add(path)
                left.append(path)
    return reached


def _places(graph: Mapping[str, Package], main: str) -> list[str]:
    """Return the packages that may have the start: main first, then what is of the repository."""
    users = [
        path
        for path in graph.keys() - STARTING - {main}
        if STARTING & set(graph[path].imports) and not path.startswith(f"{LIBRARY}/")
    ]
    return [main, *sorted(users, key=lambda path: (not graph[path].local, path))]


def _functions(packages: Packages, package: str) -> Iterator[Function]:
    seen: set[str] = set()
    for word in sorted(WORDS):
        for file in packages.files(package, word):
            if file.path not in seen:
                seen.add(file.path)
                yield from file.functions


def _served(packages: Packages, function: Function) -> Iterator[Handler]:
    for (path, name), event in SERVERS.items():
        for before, _, place in calls(function, name):
            if function.file.imports.get(before.text) == path:
                line = at(function.body, place).line
                known = EVENTS in packages.graph or path in packages.graph
                yield Handler(event, known, function.file.path, line)


def _starts(packages: Packages, function: Function) -> Iterator[_Start]:
    for path, names in STARTS.items():
        for name, index in names.items():
            for before, arguments, place in calls(function, name):
                if function.file.imports.get(before.text) == path:
                    parts = split(arguments)
                    if index < len(parts):
                        scope = Scope(packages, function.file, function, place)
                        yield _Start(scope, parts[index], at(function.body, place).line)


def _handler(start: _Start, packages: Packages, main: str) -> Handler:
    found = _input(start.argument, start.scope, main, 0)
    if found is None:
        return Handler(Other("?"), False, start.scope.file.path, start.line)
    kind = found.type
    known = kind is None or not _is_vague(kind, packages)
    return Handler(kind, known, start.scope.file.path, start.line)


class _Input(NamedTuple):
    type: Type | None
    """None: it takes nothing."""


def _input(expression: Tokens, scope: Scope, main: str, depth: int) -> _Input | None:
    """Return what a handler takes; of one that is wrapped, what is inside where that says more."""
    if depth > _DEEPEST or not expression:
        return None
    packages = scope.packages
    kind = value_of(expression, scope).type
    found = _of_type(kind, packages)
    if found is not None and (found.type is None or not _is_vague(found.type, packages)):
        return found
    for inner, place in _inside(expression, scope):
        further = _input(inner, place, main, depth + 1)
        if further is not None and not (
            further.type is not None and _is_vague(further.type, packages)
        ):
            return further
    into = decoded(expression, scope) if found is not None else None
    return _Input(into) if into is not None else found


def _of_type(kind: Type, packages: Packages) -> _Input | None:
    if isinstance(kind, Named) and kind in KNOWN_HANDLERS:
        return _Input(KNOWN_HANDLERS[kind])
    signature = packages.underlying(kind)
    if isinstance(signature, Pointer):
        # eawsy's shim follows them.
        signature = packages.underlying(signature.element)
    if not isinstance(signature, Func):
        is_handler = any(packages.method(kind, name) for name in METHODS)
        return _Input(Slice(Named("", "byte"))) if is_handler else None
    parameters = [p.type for p in signature.parameters]
    if parameters and parameters[0] == Named("context", "Context"):
        parameters = parameters[1:]
    return _Input(parameters[0] if parameters else None)


def _is_vague(kind: Type, packages: Packages) -> bool:
    """Return whether a type says nothing of the event: bytes, any, a type parameter."""
    if isinstance(kind, Pointer):
        kind = kind.element
    if isinstance(kind, Slice):
        return kind.element in {Named("", "byte"), Named("", "uint8")}
    if isinstance(kind, Other | Func):
        return True
    if not isinstance(kind, Named) or not kind.package:
        return False
    if (kind.package, kind.name) == ("encoding/json", "RawMessage"):
        return True
    package = packages.graph.get(kind.package)
    if package is None or not package.go_files:
        # It cannot be read, but it has a name.
        return False
    further = packages.step(kind)
    # What is not declared is a type parameter.
    return further is None or isinstance(further, Other | Func)


def _inside(expression: Tokens, scope: Scope) -> Iterator[tuple[Tokens, Scope]]:
    """Yield what may be the handler within an expression: what a call wraps, a variable's value."""
    last = expression[-1]
    if expression[0].text in {"&", "*"}:
        yield expression[1:], scope
    elif last.text == ")":
        start = opening(expression, len(expression) - 1)
        if start == 0:
            yield expression[1:-1], scope
            return
        for argument in split(expression[start + 1 : -1]):
            yield argument, scope
        # `wrap(handler)(…)`
        if at(expression, start - 1).text == ")":
            yield expression[:start], scope
    elif len(expression) == 1 and last.kind == "name":
        yield from _of_variable(last.text, scope)
    elif (
        at(expression, -2 + len(expression)).text == "."
        and at(expression, len(expression) - 3).text == ")"
    ):
        # `New(handler).Handle`
        yield expression[:-2], scope


def _of_variable(name: str, scope: Scope) -> Iterator[tuple[Tokens, Scope]]:
    value = assigned(name, scope)
    found = scope.packages.variable(scope.file.package, name)
    if value is not None:
        _, tokens, place = value
        yield tokens, scope._replace(before=place)
    elif variable(name, scope) is not None:
        yield from _passed(name, scope)
    elif found is not None:
        if found.value:
            yield found.value, Scope(scope.packages, found.file)
        yield from _set_elsewhere(name, scope)


def _set_elsewhere(name: str, scope: Scope) -> Iterator[tuple[Tokens, Scope]]:
    """Yield what functions of the package, such as `init`, give a variable of the package."""
    for file in scope.packages.files(scope.file.package, name):
        for function in file.functions:
            place = Scope(scope.packages, file, function, len(function.body))
            value = assigned(name, place)
            if value is not None:
                yield value[1], place._replace(before=value[2])


def _passed(name: str, scope: Scope) -> Iterator[tuple[Tokens, Scope]]:
    """Yield what callers pass for a parameter of a function that starts what it is given."""
    function, packages = scope.function, scope.packages
    if function is None:
        return
    names = [p.name for p in function.signature.parameters]
    if name not in names:
        return
    index = names.index(name)
    for path, package in packages.graph.items():
        if not package.local and path != function.file.package:
            continue
        for file in packages.files(path, function.name):
            for caller in file.functions:
                for before, arguments, place in calls(caller, function.name):
                    if not _is_of(before.text, function, file):
                        continue
                    parts = split(arguments)
                    if index < len(parts):
                        yield parts[index], Scope(packages, file, caller, place)


def _is_of(before: str, function: Function, file: File) -> bool:
    if function.receiver is not None:
        return bool(before) and before not in file.imports
    if not before:
        return file.package == function.file.package
    return file.imports.get(before) == function.file.package
