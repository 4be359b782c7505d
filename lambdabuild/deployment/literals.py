"""Literals in deployment files: texts, numbers and paths, and what has to be computed."""

import os.path
from collections.abc import Callable, Mapping

from lambdabuild.deployment.declared import COMPUTED

MOST_DIGITS = 9
"""Of a number: no timeout and no memory has more."""


def local_path(value: str | None, directory: str) -> str | None:
    """Return the absolute path of code on this machine; None for what is elsewhere, or computed."""
    if not value or "://" in value or "${" in value or "\0" in value:
        return None
    return os.path.normpath(os.path.join(directory, value))


def text(value: object) -> str | None:
    """Return a literal text, or None."""
    return value if isinstance(value, str) and value else None


def literal(value: object) -> str | None:
    """Return a literal text; COMPUTED where there is another value, and None where there is none."""
    return None if value is None else text(value) or COMPUTED


def number(value: object) -> int | None:
    """Return a literal number, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS:
        return int(value)
    return value if isinstance(value, int) else None


def is_scalar(value: object) -> bool:
    """Return whether a value is a literal, and nothing computed."""
    return isinstance(value, str | int | float)


def variables(
    values: Mapping[str, object], known: Callable[[object], bool] = is_scalar
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return variables as a function gets them, and the names of those that have to be computed."""
    literals = {name: _as_variable(value) for name, value in values.items() if known(value)}
    return literals, tuple(name for name in values if name not in literals)


def _as_variable(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
