"""Find where a Go file declares a function or variable of the package; no disk."""

import re
from typing import NamedTuple

from lambdabuild.golang.source import NO_CODE

_PACKAGE = re.compile(rf"(?:{NO_CODE})|^(?P<found>package[ \t]+main)\b", re.DOTALL | re.MULTILINE)
_EMPTY_MAIN = re.compile(
    rf"(?:{NO_CODE})|^(?P<found>func[ \t]+main\(\)[ \t]*\{{(?:\s|//[^\n]*)*\}})",
    re.DOTALL | re.MULTILINE,
)

_LIKE_A_HANDLER = re.compile(
    rf"(?:{NO_CODE})"
    r"|^func[ \t]+(?P<function>[A-Z]\w*)\([^()\n]*,[^(),\n]*\*(?:\w+\.)?Context\)"
    r"|^var[ \t]+(?P<variable>[A-Z]\w*)[ \t]+\w+\.Handler\b",
    re.DOTALL | re.MULTILINE,
)


class Declared(NamedTuple):
    """Where a symbol is declared, as far as the text of a file tells."""

    line: int
    column: int
    pointers: int = 0
    """How many times it is to be followed to the function."""
    file: str = ""


def declared_in(text: str, symbol: str) -> Declared | None:
    """Return where a Go file declares a function or variable of this name at the top level.

    gofmt's layout is assumed: a declaration begins its line, or is indented in a block of `var (`.
    """
    pattern = re.compile(
        rf"(?:{NO_CODE})"
        rf"|^func[ \t]+(?P<function>{symbol})\b"
        rf"|^var[ \t]+(?:\w+[ \t]*,[ \t]*)*(?P<variable>{symbol})\b(?P<rest>[^\n]*)"
        rf"|^var[ \t]*\((?P<block>.*?)^\)",
        re.DOTALL | re.MULTILINE,
    )
    for match in pattern.finditer(text):
        if match["block"] is not None:
            inner = re.search(
                rf"^[ \t]+(?:\w+[ \t]*,[ \t]*)*(?P<variable>{symbol})\b(?P<rest>[^\n]*)",
                match["block"],
                re.MULTILINE,
            )
            if inner:
                start = match.start("block") + inner.start("variable")
                return _at(text, start, _pointers(inner["rest"]))
        elif match["function"]:
            return _at(text, match.start("function"), 0)
        elif match["variable"]:
            return _at(text, match.start("variable"), _pointers(match["rest"]))
    return None


def has_empty_main(text: str) -> bool:
    """Return whether a file declares a `main` that does nothing."""
    return any(match["found"] for match in _EMPTY_MAIN.finditer(text))


def like_handlers(text: str) -> list[str]:
    """Return the exported symbols of a file that seem to take an event and eawsy's context."""
    found = (match["function"] or match["variable"] for match in _LIKE_A_HANDLER.finditer(text))
    return [symbol for symbol in found if symbol]


def package_clause(text: str) -> Declared | None:
    """Return where a file says that it is of package main."""
    match = next((m for m in _PACKAGE.finditer(text) if m["found"]), None)
    return _at(text, match.start("found"), 0) if match else None


def _at(text: str, position: int, pointers: int) -> Declared:
    before = text[:position]
    line = before.count("\n") + 1
    column = len(before[before.rfind("\n") + 1 :].encode()) + 1
    return Declared(line, column, pointers)


def _pointers(rest: str) -> int:
    """Return how many pointers there are in what follows the name of a variable."""
    kind, _, value = rest.partition("=")
    if stars := re.match(r"\s*(\*+)", kind):
        return len(stars[1])
    value = value.strip()
    return 1 if value.startswith(("&", "new(")) else 0
