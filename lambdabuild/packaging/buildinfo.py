"""Read what Go wrote into an executable about how it was made."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

_SETTING = re.compile(r'("(?:[^"\\]|\\.)*"|[^=]*)=(.*)', re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:(x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4})|(.))", re.DOTALL
)
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class BuiltModule(NamedTuple):
    """A module, or a part of one, in an executable; `version` is `(devel)` where it has none."""

    path: str
    version: str
    sum: str = ""
    """As in go.sum, `h1:…`; empty for the main module and what is replaced or vendored."""
    replacement: "BuiltModule | None" = None
    """What was compiled instead; its path may be a directory."""


class BuildInfo(NamedTuple):
    """What Go writes into an executable about how it was made."""

    go: str
    """Go's version, such as `go1.26.8`."""
    path: str = ""
    """The main package; `command-line-arguments` if `go build` was given files."""
    main: BuiltModule | None = None
    """The module of the main package; none if it was built without modules."""
    modules: tuple[BuiltModule, ...] = ()
    """The other modules that packages were taken from."""
    settings: Mapping[str, str] = MappingProxyType({})


def parse_build_info(text: str) -> dict[str, BuildInfo]:
    """Return what `go version -m FILE…` printed of each file, by the path it printed.

    Files that are no executables of Go are missing. The lines are those of Go's
    runtime/debug.BuildInfo.String, each after a tab.
    """
    found: dict[str, BuildInfo] = {}
    file = ""
    for line in text.split("\n"):
        if not line.startswith("\t"):
            file, colon, version = line.rpartition(": ")
            if colon:
                found[file] = BuildInfo(version)
        elif file in found:
            word, _, rest = line[1:].partition("\t")
            found[file] = _with_line(found[file], word, rest)
    return found


def _with_line(info: BuildInfo, word: str, rest: str) -> BuildInfo:
    if word == "path":
        return info._replace(path=rest)
    if word == "mod":
        return info._replace(main=_built_module(rest))
    if word == "dep":
        return info._replace(modules=(*info.modules, _built_module(rest)))
    if word == "=>":
        return _with_replacement(info, _built_module(rest))
    if word == "build" and (setting := _SETTING.fullmatch(rest)):
        key, value = map(_unquote, setting.groups())
        return info._replace(settings={**info.settings, key: value})
    return info  # The end of a replacement, or what a later Go tells.


def _with_replacement(info: BuildInfo, module: BuiltModule) -> BuildInfo:
    if info.modules:
        replaced = info.modules[-1]._replace(replacement=module)
        return info._replace(modules=(*info.modules[:-1], replaced))
    return info._replace(main=info.main._replace(replacement=module) if info.main else None)


def _built_module(text: str) -> BuiltModule:
    path, version, total = [*text.split("\t"), "", ""][:3]
    return BuiltModule(path, version, total)


def _unquote(text: str) -> str:
    """Undo Go's strconv.Quote, where it was done."""
    return _ESCAPE.sub(_escaped, text[1:-1]) if text.startswith('"') else text


def _escaped(match: re.Match[str]) -> str:
    hexadecimal, letter = match.groups()
    return chr(int(hexadecimal[1:], 16)) if hexadecimal else _ESCAPED.get(letter, letter)
