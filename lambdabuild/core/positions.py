"""Locate errors in TOML, go.mod and go.work files, from what their parsers say."""

import os.path
import re
import tomllib
from collections.abc import Sequence
from typing import Any, NamedTuple

_IN_TOML = re.compile(r"\(at line (\d+), column (\d+)\)$")
_IN_MODULE = re.compile(
    r"(?m)(?:^|: )(?P<file>(?:[^:\n]*/)?(?:go\.(?:mod|work|sum|work\.sum)|vendor/modules\.txt))"
    r":(?P<line>\d+)(?::(?P<column>\d+))?:"
)


class Position(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int | None = None


def of_toml_error(said: str, text: str) -> Position:
    """Return where `text` is no TOML, by the parser's message."""
    if match := _IN_TOML.search(said):
        return Position(int(match[1]), int(match[2]))
    # At its end: something was opened and not closed.
    return Position(max(1, len(text.splitlines())))


def of_key(text: str, path: Sequence[str]) -> Position | None:
    """Return where a TOML text sets a key, given with the tables it is in; None if nowhere.

    The statement begins on a line before which all is whole TOML without the key, and with
    which, or with some more lines, all is whole TOML with it.
    """
    lines = text.splitlines(keepends=True)
    for first, line in enumerate(lines):
        if path[-1] in line and _lacks("".join(lines[:first]), path):
            for last in range(first + 1, len(lines) + 1):
                values = _parsed("".join(lines[:last]))
                if values is not None:
                    if _holds(values, path):
                        return Position(first + 1)
                    break
    return None


def _lacks(text: str, path: Sequence[str]) -> bool:
    values = _parsed(text)
    return values is not None and not _holds(values, path)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _holds(values: Any, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def of_module_file(said: str, directory: str) -> tuple[str, Position] | None:
    """Return the go.mod, go.work or the like that Go, run in `directory`, says is wrong, and where.

    Such as `go: errors parsing go.mod:` with `go.mod:5: unknown directive: requre` on the next line.
    """
    match = _IN_MODULE.search(said)
    if match is None:
        return None
    column = int(match["column"]) if match["column"] else None
    file = os.path.normpath(os.path.join(directory, match["file"]))
    return file, Position(int(match["line"]), column)
