"""Say what is wrong with a handler as its author sees it: at its place, with what it has to be."""

import os
import re
from collections.abc import Mapping, Sequence

from lambdabuild.core.build import Adapter, Step
from lambdabuild.core.gopackage import Diagnostic, Package
from lambdabuild.core.text import some
from lambdabuild.survey.eawsy.declarations import Declared, package_clause
from lambdabuild.survey.eawsy.detection import declaration_of, handlers_in, texts_of
from lambdabuild.survey.eawsy.libraries import CORE, REGISTRY, SHIM
from lambdabuild.survey.eawsy.overlay import HANDLER_FILE

WANTED = "func(evt T, ctx *runtime.Context) (R, error)"
_HINT = (
    f"a handler is `{WANTED}`: T and R are any types that encoding/json knows, and the error may "
    "be a type of your own"
)
_HINT_REGISTERED = "runtime.HandleFunc takes `func(evt json.RawMessage, ctx *runtime.Context) (interface{}, error)`"
_QUALIFIED = re.compile(r'"(?:[^"\s]+/)?([^"/\s]+)"\.')
_MISMATCH = re.compile(r"type (?P<type>.+) of \S+ does not match ")
_UNFIT = re.compile(
    r"(?:X \(type (?P<given>.+)\)|(?P<type>\S+)) does not (?:implement|satisfy) error"
)
_RUNTIME = re.compile(rf'"(?:{re.escape(CORE)}|{re.escape(REGISTRY)})"\.')


def with_signatures(
    errors: Sequence[Diagnostic], step: Step, graph: Mapping[str, Package]
) -> tuple[Diagnostic, ...]:
    """Return the errors of a step, those of its handler's signature where it is declared."""
    adapter, package = step.function.adapter, graph.get(step.function.package)
    if adapter is None or package is None:
        return tuple(errors)
    return tuple(
        _at_handler(error, adapter, package, step.function.name)
        if _is_ours(error)
        else _of_theirs(error)
        for error in errors
    )


def _of_theirs(error: Diagnostic) -> Diagnostic:
    # As without the adapter, which imports another package called `runtime`.
    message = _RUNTIME.sub("runtime.", error.message)
    hint = error.hint or (_HINT_REGISTERED if "argument to runtime.Handle" in message else None)
    return error._replace(message=message, hint=hint)


def _is_ours(error: Diagnostic) -> bool:
    return bool(error.file) and os.path.basename(str(error.file)).endswith(HANDLER_FILE)


def _at_handler(error: Diagnostic, adapter: Adapter, package: Package, function: str) -> Diagnostic:
    if adapter.handler is None:
        return error
    symbol = adapter.handler
    found = declaration_of(package, symbol)
    if error.message == f"undefined: {symbol}":
        place = found or _clause(package)
        message = f"there is no `{symbol}` in this package, which {SHIM} calls with each event"
        hint = _naming(symbol, handlers_in(package), function)
    else:
        place, hint = found or _clause(package), _HINT
        pointers = found.pointers if found else 0
        message = f"`{symbol}` is no handler: {reworded(error.message, pointers)}"
    if place is None:
        return error._replace(message=message, hint=hint)
    return error._replace(
        message=message, hint=hint, file=place.file, line=place.line, column=place.column
    )


def _naming(symbol: str, others: Sequence[str], function: str) -> str:
    """Return what to do about a symbol that is not there; `others` seem to be handlers."""
    hint = f"export `{symbol}`, or name another with `handler_name` in lambdabuild.toml"
    if others:
        hint = (
            f'{some(others)} may be meant: `handler_name = "{others[0]}"` under '
            f'[functions."{function}"] in lambdabuild.toml'
        )
    return f'{hint}; `adapter = "none"` leaves the package alone'


def reworded(message: str, pointers: int = 0) -> str:
    """Return what the compiler says of a handler without the names of what it is given to.

    It is given what so many pointers lead to.
    """
    message = _QUALIFIED.sub(r"\1.", message.splitlines()[0])
    if match := _MISMATCH.search(message):
        return f"it is `{'*' * pointers}{match['type']}`"
    if match := _UNFIT.search(message):
        return f"its second result is `{match['given'] or match['type']}`, which is no error"
    if "cannot infer" in message:
        return "it is not a function"
    return message


def _clause(package: Package) -> Declared | None:
    for path, text in texts_of(package):
        if found := package_clause(text):
            return found._replace(file=path)
    return None
