"""Find the paths that lead to a file, where symbolic links lead to it as well."""

import os
from collections import defaultdict

from lambdabuild.state.stamps import Stamps


class Aliases:
    """The paths of a project's files, by the real paths that git and people name."""

    def __init__(self, stamps: Stamps) -> None:
        """Look at all that the stamps name: a link of files, or in the path of directories."""
        self._known: dict[str, str] = {}
        self._files: dict[str, list[str]] = defaultdict(list)
        self._directories: dict[str, list[str]] = defaultdict(list)
        for path in stamps.directories:
            self._enter(path)
        for path in stamps.files:
            directory, name = os.path.split(path)
            real = os.path.join(self._enter(directory), name)
            if os.path.islink(path):
                real = os.path.realpath(path)
                self._files[real].append(path)
            self._known[path] = real

    def _enter(self, directory: str) -> str:
        unknown = []
        while directory not in self._known:
            unknown.append(directory)
            directory = os.path.dirname(directory)
            if directory == unknown[-1]:
                break
        real = self._known.get(directory, "")
        for below in reversed(unknown):
            real = os.path.join(real, os.path.basename(below)) if real else below
            if os.path.islink(real):
                real = os.path.realpath(real)
            if real != below:
                self._directories[real].append(below)
            self._known[below] = real
        return real

    def real(self, path: str) -> str:
        """Return where a file or directory is that the stamps name."""
        return self._known.get(path) or os.path.realpath(path)

    def of_given(self, path: str) -> list[str]:
        """Return all paths that lead where an absolute one does that a person or git named."""
        real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        return list(dict.fromkeys([*self.of(path), *self.of(real)]))

    def of(self, path: str) -> list[str]:
        """Return the absolute path itself, and all others that lead to it or would."""
        found = [path, *self._files.get(path, ())]
        parent = path
        while self._directories and parent != os.path.dirname(parent):
            inside = path[len(parent) :]
            found += [f"{directory}{inside}" for directory in self._directories.get(parent, ())]
            parent = os.path.dirname(parent)
        return list(dict.fromkeys(found))
