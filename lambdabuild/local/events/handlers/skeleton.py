"""Make an event for a type of the user's own: a skeleton from what `encoding/json` reads into it.

https://pkg.go.dev/encoding/json#Marshal
"""

import re
from typing import Any

from lambdabuild.local.events.handlers.packages import Packages
from lambdabuild.local.events.handlers.types import (
    Field,
    Map,
    Named,
    Pointer,
    Slice,
    Struct,
    Type,
)

_DEEPEST = 8
_TAG = re.compile(r'(?:^|\s)json:"((?:[^"\\]|\\.)*)"')
_NUMBERS = re.compile(r"u?int(8|16|32|64|ptr)?|rune|byte")
# By package and name: what these read.
_KNOWN: dict[tuple[str, str], Any] = {
    ("time", "Time"): "2026-01-02T03:04:05Z",
    ("time", "Duration"): 0,
    ("encoding/json", "RawMessage"): {},
    ("encoding/json", "Number"): 0,
    ("net/url", "URL"): {},
    ("net", "IP"): "203.0.113.10",
    ("math/big", "Int"): 0,
    ("github.com/google/uuid", "UUID"): "00000000-0000-0000-0000-000000000000",
    ("github.com/aws/aws-lambda-go/events", "SecondsEpochTime"): 0,
    ("github.com/aws/aws-lambda-go/events", "MilliSecondsEpochTime"): 0,
}
_READERS = ("UnmarshalJSON", "UnmarshalText")


def skeleton(kind: Type, packages: Packages) -> Any:
    """Return a value that Go reads into a type: with every field, each empty or zero."""
    return _value(kind, packages, ())


def _value(kind: Type, packages: Packages, above: tuple[Named, ...]) -> Any:  # noqa: C901, PLR0911 - a case each
    if isinstance(kind, Pointer):
        return _value(kind.element, packages, above)
    if isinstance(kind, Slice):
        if kind.element in {Named("", "byte"), Named("", "uint8")}:
            return ""
        element = _value(kind.element, packages, above)
        return [] if element is None else [element]
    if isinstance(kind, Map):
        return {}
    if isinstance(kind, Struct):
        return _object(kind, packages, above)
    if not isinstance(kind, Named):
        return None
    if not kind.package:
        return _of_go(kind.name)
    if (kind.package, kind.name) in _KNOWN:
        return _KNOWN[kind.package, kind.name]
    # What refers to itself ends.
    if kind in above or len(above) > _DEEPEST:
        return None
    further = packages.step(kind)
    if further is None:
        return None
    reads = next((name for name in _READERS if packages.method(kind, name)), None)
    if reads == "UnmarshalText":
        return ""
    return _value(further, packages, (*above, kind))


def _of_go(name: str) -> Any:
    if name == "string":
        return ""
    if name == "bool":
        return False
    if name.startswith("float"):
        return 0.0
    return 0 if _NUMBERS.fullmatch(name) else None


def _object(kind: Struct, packages: Packages, above: tuple[Named, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for one in kind.fields:
        name, options = _tag_of(one)
        if not one.name and not name:
            # Its fields are promoted, where it is a struct.
            inner = _value(one.type, packages, above)
            if isinstance(inner, dict):
                made = {**inner, **made}
                continue
            name = _type_name(one.type)
        if name == "-" and not options:
            continue
        if one.name and not one.name[:1].isupper():
            continue
        value = _value(one.type, packages, above)
        if "string" in options and isinstance(value, bool | int | float):
            value = str(value).lower()
        made[name or one.name] = value
    return made


def _tag_of(one: Field) -> tuple[str, list[str]]:
    match = _TAG.search(one.tag)
    name, *options = match[1].split(",") if match is not None else [""]
    return name, options


def _type_name(kind: Type) -> str:
    if isinstance(kind, Pointer):
        kind = kind.element
    return kind.name if isinstance(kind, Named) else ""
