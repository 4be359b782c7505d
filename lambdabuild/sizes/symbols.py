"""Tell from the name of a symbol which package it is of."""

import re

_ESCAPED = re.compile(r"%([0-9a-fA-F]{2})")
_GENERATED = ("type:.eq.", "type:.hash.", "go:itab.")
"""Begin the names of what is made for a type: how to compare it, its methods as an interface has them."""
_INDIRECT = re.compile(r"(?:\*|\[\d*\])+")
"""Begins the name of a pointer, an array or a slice."""
_NAME_ENDS = re.compile(r"[(\[{,;\s]")
"""A receiver, the arguments of a generic type, a type without a name; package paths have none of them."""


def package_of(symbol: str) -> str:
    """Return the import path of the package that a linker symbol is of; "" where none is named.

    In a symbol, the dots of a path's last element are escaped, as in `gopkg.in/yaml%2ev3.Node`:
    `PathToPrefix` of cmd/internal/objabi. A main package is called `main`.
    """
    for prefix in _GENERATED:
        if symbol.startswith(prefix):
            symbol = symbol[len(prefix) :]
            if found := _INDIRECT.match(symbol):
                symbol = symbol[found.end() :]
            break
    else:
        if symbol.startswith(("type:", "go:", "$")):
            return ""
    end = _NAME_ENDS.search(symbol)
    head = symbol[: end.start()] if end else symbol
    dot = head.find(".", head.rfind("/") + 1)
    if dot <= 0:
        return ""
    path = head[:dot]
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), path) if "%" in path else path
