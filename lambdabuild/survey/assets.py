"""Find the files that a function's globs of assets mean."""

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from lambdabuild.core.globs import is_literal, is_reserved, matches, parts_of
from lambdabuild.core.model import Asset


class Selection(NamedTuple):
    """What a function's globs mean."""

    assets: tuple[Asset, ...]
    """By name."""
    directories: tuple[str, ...]
    """Where a file that comes or goes may change that; absolute."""
    problems: tuple[str, ...]


def select(directory: str, patterns: Sequence[str], own: Collection[str]) -> Selection:
    """Return the files below `directory` that any of the globs means.

    `**` stands for any number of directories, and a directory's name for all in it. What begins
    with a dot is meant only by what begins with one. Symbolic links are followed to files, and to
    directories that are named without a wildcard, as long as they stay inside `directory`. `own`
    are absolute paths that lambdabuild writes, which no wildcard means.
    """
    walk = _Walk(directory, own)
    for pattern in patterns:
        before = len(walk.problems)
        found = walk.matching(parts_of(pattern))
        if not found and len(walk.problems) == before:
            walk.problems[f"no file matches the asset `{pattern}`"] = None
        for name in found:
            walk.take(name)
    walk.refuse_equal_names()
    assets = tuple(walk.assets[name] for name in sorted(walk.assets))
    return Selection(assets, tuple(walk.directories), tuple(walk.problems))


class _Walk:
    """Walk below one function's directory; names are relative to it, with slashes."""

    def __init__(self, top: str, own: Collection[str]) -> None:
        self._top = top
        self._inside = os.path.realpath(top) + os.sep
        self._own = own
        self._listed: dict[str, list[str]] = {}
        self.assets: dict[str, Asset] = {}
        self.directories: dict[str, None] = {}
        self.problems: dict[str, None] = {}

    def matching(self, parts: tuple[str, ...]) -> list[str]:
        """Return the files that the components of a glob mean.

        Each directory is looked into once for each component, however many ways `**` leads there.
        """
        found = []
        seen = set()
        left = [("", parts)]
        while left:
            state = left.pop()
            if state in seen:
                continue
            seen.add(state)
            name, rest = state
            if not os.path.isdir(self._path(name)):
                if name and not rest:
                    found.append(name)
            elif self._stays_inside(name):
                left += reversed(list(self._below(name, rest)))
        return found

    def _below(self, name: str, parts: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield where the components of a glob lead from a directory, and which are left there."""
        if not parts:
            yield name, ("**",)
        elif parts[0] == "**":
            yield name, parts[1:] or ("*",)
            for below in self._wildcard(name, "*"):
                if os.path.isdir(self._path(below)):
                    yield below, parts
        else:
            found = self._literal if is_literal(parts[0]) else self._wildcard
            for below in found(name, parts[0]):
                # What only a wildcard means is a file: a directory has to be named, or `**`.
                if parts[1:] or is_literal(parts[0]) or not os.path.isdir(self._path(below)):
                    yield below, parts[1:]

    def _literal(self, name: str, part: str) -> Iterator[str]:
        # Compared here, not by the file system: some fold case.
        if part in self._entries(name):
            yield _join(name, part)

    def _wildcard(self, name: str, part: str) -> Iterator[str]:
        for entry in self._entries(name):
            path = self._path(below := _join(name, entry))
            linked_directory = os.path.islink(path) and os.path.isdir(path)
            if matches(entry, part) and path not in self._own and not linked_directory:
                yield below

    def take(self, name: str) -> None:
        """Add a file, unless something is wrong with it."""
        path = self._path(name)
        if name in self.assets or not self._stays_inside(name):
            return
        try:
            found = os.stat(path)
        except OSError as error:
            self.problems[f"the asset `{name}` cannot be read: {error.strerror}"] = None
            return
        if is_reserved(name):
            self.problems[
                f"the asset `{name}` would take the place of the executable; give it another name, "
                "or a glob that leaves it out"
            ] = None
        elif not stat.S_ISREG(found.st_mode):
            self.problems[f"the asset `{name}` is no regular file"] = None
        else:
            self.assets[name] = Asset(name, path, bool(found.st_mode & stat.S_IXUSR))

    def refuse_equal_names(self) -> None:
        """Refuse names that differ only in case: on macOS they would be one file."""
        seen: dict[str, str] = {}
        for name in sorted(self.assets):
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                self.problems[f"the assets `{other}` and `{name}` differ only in case"] = None

    def _path(self, name: str) -> str:
        return os.path.join(self._top, name) if name else self._top

    def _entries(self, name: str) -> list[str]:
        known = self._listed.get(name)
        if known is None:
            path = self._path(name)
            self.directories[path] = None
            try:
                known = sorted(os.listdir(path))
            except OSError as error:
                self.problems[f"`{name or '.'}` cannot be listed: {error.strerror}"] = None
                known = []
            self._listed[name] = known
        return known

    def _stays_inside(self, name: str) -> bool:
        """Tell whether a path, with all its links followed, is below the function's directory."""
        if not name:
            return True
        if os.path.realpath(self._path(name)).startswith(self._inside):
            return True
        self.problems[
            f"the asset `{name}` is a link out of the function's directory; copy what it leads to"
        ] = None
        return False


def _join(name: str, entry: str) -> str:
    return f"{name}/{entry}" if name else entry
