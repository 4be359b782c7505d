"""What files are called among inputs and in reports; no disk."""

import os


def name_of(path: str, project: str) -> str:
    """Return what a file is called among the inputs: its path from the project, wherever it is.

    As `os.path.relpath` of absolute paths in normal form, without asking where this runs.
    """
    inside = f"{project}{os.sep}"
    return path[len(inside) :] if path.startswith(inside) else _from(path, project)


def _from(path: str, project: str) -> str:
    parts, base = path.split(os.sep), project.split(os.sep)
    same = next((n for n, (a, b) in enumerate(zip(parts, base, strict=False)) if a != b), len(base))
    return os.sep.join([*[".."] * (len(base) - same), *parts[same:]]) or "."


def path_of(name: str, project: str) -> str:
    """Return the absolute path of the file that `name_of` called so."""
    path = os.path.join(project, name)
    return os.path.normpath(path) if name.startswith("..") else path
