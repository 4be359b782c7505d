"""Say what is wrong with a handler as its author sees it: at its place, with what it has to be."""

import os
import re
from collections.abc import Mapping, Sequence

from lambdabuild.core.build import Adapter, Step
from lambdabuild.core.gopackage import Diagnostic, Package
from lambdabuild.survey.eawsy.declarations import Declared, package_clause
from lambdabuild.survey.eawsy.libraries import SHIM
from lambdabuild.survey.eawsy.overlay import HANDLER_FILE, declaration_of
from lambdabuild.system import files

WANTED = "func(evt T, ctx *runtime.Context) (R, error)"
_HINT = (
    f"a handler is `{WANTED}`: T and R are any types that encoding/json knows, and the error may "
    "be a type of your own"
)
_QUALIFIED = re.compile(r'"(?:[^"\s]+/)?([^"/\s]+)"\.')
_MISMATCH = re.compile(r"type (?P<type>.+) of \**\w+ does not match ")
_UNFIT = re.compile(r"(?P<type>\S.*?) does not (?:implement|satisfy) error")


def with_signatures(
    errors: Sequence[Diagnostic], step: Step, graph: Mapping[str, Package]
) -> tuple[Diagnostic, ...]:
    """Return the errors of a step, those of its handler's signature where it is declared."""
    adapter, package = step.function.adapter, graph.get(step.function.package)
    if adapter is None or adapter.handler is None or package is None:
        return tuple(errors)
    return tuple(
        _at_handler(error, adapter, package) if _is_ours(error) else error for error in errors
    )


def _is_ours(error: Diagnostic) -> bool:
    return bool(error.file) and os.path.basename(str(error.file)).endswith(HANDLER_FILE)


def _at_handler(error: Diagnostic, adapter: Adapter, package: Package) -> Diagnostic:
    symbol = str(adapter.handler)
    found = declaration_of(package, symbol)
    if error.message == f"undefined: {symbol}":
        place = found or _clause(package)
        message = f"there is no `{symbol}` in this package, which {SHIM} calls with each event"
        hint = (
            f"export `{symbol}`, or name another with `handler_name` in lambdabuild.toml; "
            '`adapter = "none"` leaves the package alone'
        )
    else:
        place, hint = found or _clause(package), _HINT
        message = f"`{symbol}` is no handler: {reworded(error.message)}"
    if place is None:
        return error._replace(message=message, hint=hint)
    return error._replace(
        message=message, hint=hint, file=place.file, line=place.line, column=place.column
    )


def reworded(message: str) -> str:
    """Return what the compiler says of a handler without the names of what it is given to."""
    message = _QUALIFIED.sub(r"\1.", message.splitlines()[0])
    if match := _MISMATCH.search(message):
        return f"it is `{match['type']}`"
    if match := _UNFIT.search(message):
        return f"its second result is `{match['type']}`, which is no error"
    if "cannot infer" in message:
        return "it is not a function"
    return message


def _clause(package: Package) -> Declared | None:
    for name in package.go_files:
        path = os.path.join(package.directory, name)
        try:
            found = package_clause(files.text(path))
        except OSError:
            continue
        if found is not None:
            return found._replace(file=path)
    return None
