"""What files are called among inputs and in reports; no disk."""

import os
from typing import NamedTuple


class Paths(NamedTuple):
    """The directories of a run; all but `layout` are absolute."""

    project: str
    """The directory of `lambdabuild.toml`, else the working directory."""
    working: str
    out: str
    layout: str
    """Where the outputs are, as the state remembers it: empty where they are beside the sources."""

    def relative(self, path: str) -> str:
        """Return a path as people and JSON get it: from the working directory."""
        return name_of(os.path.normpath(os.path.join(self.working, path)), self.working)


def name_of(path: str, project: str) -> str:
    """Return what a file is called among the inputs: its path from the project, wherever it is.

    As `os.path.relpath` of absolute paths in normal form, without asking where this runs.
    """
    inside = f"{project.rstrip(os.sep)}{os.sep}"
    return (path[len(inside) :] or ".") if path.startswith(inside) else _from(path, project)


def _from(path: str, project: str) -> str:
    parts, base = path.rstrip(os.sep).split(os.sep), project.rstrip(os.sep).split(os.sep)
    shorter = min(len(parts), len(base))
    same = next((n for n in range(shorter) if parts[n] != base[n]), shorter)
    return os.sep.join([*[".."] * (len(base) - same), *parts[same:]]) or "."


def path_of(name: str, project: str) -> str:
    """Return the absolute path of the file that `name_of` called so."""
    path = os.path.join(project, name)
    return os.path.normpath(path) if name.startswith("..") else path
