"""Read the build information that Go embeds in an executable."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

_SETTING = re.compile(r'("(?:[^"\\]|\\.)*"|[^=]*)=(.*)', re.DOTALL)


class BuiltModule(NamedTuple):
    """A module, or a part of one, in an executable."""

    path: str
    version: str = ""
    """Empty for a main module without one, and for what lies in a directory."""
    sum: str = ""
    """As in go.sum, `h1:…`; empty for the main module and what is replaced or vendored."""
    replacement: "BuiltModule | None" = None
    """The module compiled instead; its path may be a directory."""

    @property
    def coordinates(self) -> str:
        """The path and the version, as `go get` takes them."""
        return f"{self.path}@{self.version}" if self.version else self.path


class BuildInfo(NamedTuple):
    """What Go writes into an executable about its build."""

    go: str
    """Go's version, such as `go1.26.8`."""
    path: str = ""
    """The main package; `command-line-arguments` if `go build` was given files."""
    main: BuiltModule | None = None
    """The module of the main package; none if it was built without modules."""
    modules: tuple[BuiltModule, ...] = ()
    """The modules of the other packages."""
    settings: Mapping[str, str] = MappingProxyType({})


def parse_build_info(text: str) -> dict[str, BuildInfo]:
    """Return what `go version -m FILE…` printed of each file, by the path it printed.

    Files that are no executables of Go are missing. The lines are those of Go's
    runtime/debug.BuildInfo.String, each after a tab.
    """
    found = {}
    for block in re.split(r"\n(?!\t)", text):
        head, *lines = block.split("\n\t")
        file, colon, version = head.rpartition(": ")
        if colon and not head.startswith("\t"):
            found[file] = _parsed(version, lines)
    return found


def _parsed(version: str, lines: Iterable[str]) -> BuildInfo:
    path, settings = "", {}
    modules: list[tuple[str, BuiltModule]] = []
    for line in lines:
        word, _, rest = line.partition("\t")
        if word == "path":
            path = rest
        elif word in {"mod", "dep"}:
            modules.append((word, _module(rest)))
        elif word == "=>" and modules:
            kind, replaced = modules[-1]
            modules[-1] = kind, replaced._replace(replacement=_module(rest))
        elif word == "build" and (setting := _SETTING.fullmatch(rest)):
            key, value = map(_unquoted, setting.groups())
            settings[key] = value
        # Else it is the end of a replacement, or from a later Go.
    main = next((module for kind, module in modules if kind == "mod"), None)
    others = tuple(module for kind, module in modules if kind == "dep")
    return BuildInfo(version, path, main, others, settings)


def _module(text: str) -> BuiltModule:
    path, version, total = [*text.split("\t"), "", ""][:3]
    return BuiltModule(path, "" if version == "(devel)" else version, total)


def _unquoted(text: str) -> str:
    """Undo Go's strconv.Quote, whose escapes are among Python's."""
    if not text.startswith('"'):
        return text
    return text[1:-1].encode("ascii", "backslashreplace").decode("unicode_escape", "replace")
