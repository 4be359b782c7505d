"""Locate errors in a TOML text."""

import re
import tomllib
from collections.abc import Sequence
from typing import Any, NamedTuple

_IN_TOML = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class Position(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int | None = None


def of_toml_error(message: str, text: str) -> tuple[str, Position]:
    """Return the parser's message without the place in it, and where `text` is no TOML."""
    match = _IN_TOML.search(message)
    if match and match[1]:
        return message[: match.start()], Position(int(match[1]), int(match[2]))
    # At the end: something was opened and not closed.
    return message, Position(max(1, len(text.splitlines())))


def of_key(text: str, path: Sequence[str]) -> Position | None:
    """Return where a TOML text sets a key, given with the tables it is in; None if nowhere.

    The statement begins on a line before which the text is TOML without the key, and with which,
    or with some more lines, it is TOML with the key.
    """
    lines = text.splitlines(keepends=True)
    for first, line in enumerate(lines):
        if path[-1] in line and _sets("".join(lines[:first]), path) is False:
            later = (
                _sets("".join(lines[:last]), path) for last in range(first + 1, len(lines) + 1)
            )
            if next((found for found in later if found is not None), False):
                return Position(first + 1, line.index(path[-1]) + 1)
    return None


def _sets(text: str, path: Sequence[str]) -> bool | None:
    """Return whether a text sets a key; None where it is no TOML."""
    try:
        values: Any = tomllib.loads(text)
    except (ValueError, RecursionError):
        return None
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True
