"""Paths of files as inputs and reports have them; no disk."""

import os
from typing import NamedTuple

HOME = ".lambdabuild"
"""What lambdabuild keeps in a project, from there."""
LOCAL = f"{HOME}/local"
"""What it keeps of functions that are built to run on this machine."""
CALLS = f"{HOME}/calls"
"""The calls of such functions."""


class Paths(NamedTuple):
    """The directories of a run; all but `layout` are absolute."""

    project: str
    """The directory of `lambdabuild.toml`, else the working directory."""
    working: str
    out: str
    layout: str
    """The output directory as the state has it; empty where outputs are beside the sources."""
    home: str = HOME
    """Where the state is, from the project."""
    deployed: str = ""
    """The output directory of builds for Lambda, where this is none; absolute."""

    @property
    def outputs(self) -> frozenset[str]:
        """The output directories, of this run and of builds for Lambda; absolute."""
        return frozenset({self.out, self.deployed or self.out})

    @property
    def own(self) -> frozenset[str]:
        """The directories that lambdabuild writes, in which nothing is anybody's source; absolute."""
        return self.outputs | {os.path.join(self.project, HOME)}

    def relative(self, path: str) -> str:
        """Return a path from the working directory, as it is shown."""
        return name_of(os.path.normpath(os.path.join(self.working, path)), self.working)


def name_of(path: str, project: str) -> str:
    """Return the name of a file among the inputs: its path from the project, wherever it is.

    As `os.path.relpath` of absolute paths in normal form, without asking where this runs.
    """
    inside = f"{project.rstrip(os.sep)}{os.sep}"
    if path.startswith(inside):
        return path[len(inside) :] or "."
    parts, base = path.rstrip(os.sep).split(os.sep), project.rstrip(os.sep).split(os.sep)
    shorter = min(len(parts), len(base))
    same = next((n for n in range(shorter) if parts[n] != base[n]), shorter)
    return os.sep.join([*[".."] * (len(base) - same), *parts[same:]]) or "."


def path_of(name: str, project: str) -> str:
    """Return the absolute path of a file by its name, as `name_of` gives it."""
    if name.startswith(("..", os.sep)):
        return os.path.normpath(os.path.join(project, name))
    return f"{project}{name}" if project.endswith(os.sep) else f"{project}{os.sep}{name}"
