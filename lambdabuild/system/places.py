"""Check that no symbolic link leads outputs out of where they belong."""

import os

from lambdabuild.core.errors import LambdabuildError

_NEVER = (".git", ".lambdabuild")
"""Git and lambdabuild trust what is in there: hooks, among others."""


def check_out(out: str, project: str) -> None:
    """Check that an output directory is where its name says; both are absolute."""
    real = os.path.realpath(out)
    if left := _left(out, real, project):
        raise LambdabuildError(
            f"the output directory `{os.path.relpath(out, project)}` leads out of the project, "
            f"to `{left}`",
            hint=f"take the link away; or say `--out {left}`, if that is what you mean",
        )
    within = _within(real, os.path.realpath(project)) or real
    if name := _never(within):
        raise LambdabuildError(
            f"the output directory `{os.path.relpath(out, project)}` is in `{name}`, "
            f"which is not for outputs",
            hint="choose another with `out` in lambdabuild.toml, or with `--out`",
        )


def check_file(path: str, project: str) -> None:
    """Check that a requested file is no link of the project's to elsewhere; both are absolute."""
    real = os.path.realpath(path)
    if left := _left(path, real, project):
        raise LambdabuildError(
            f"`{os.path.basename(path)}` leads out of the project, to `{left}`",
            at=[path],
            hint="take the link away, or name the file that you mean",
        )


def leads_out(path: str, boundary: str, project: str) -> str | None:
    """Return where the directory of an output really is, if a link leads it to elsewhere.

    `boundary` is the output directory, or the project where outputs are beside their sources; all
    three are absolute. What is not below it, by name, is not checked.
    """
    directory, boundary = os.path.normpath(os.path.dirname(path)), os.path.normpath(boundary)
    real = os.path.realpath(directory)
    left = _left(directory, real, boundary) or _left(boundary, os.path.realpath(boundary), project)
    if left is None and _never(_within(real, os.path.realpath(boundary)) or ""):
        return real
    return left


def _left(path: str, real: str, top: str) -> str | None:
    """Return the real path of what is below a directory by name only."""
    if path != top and _within(path, top) is None:
        return None
    real_top = os.path.realpath(top)
    return None if real == real_top or _within(real, real_top) is not None else real


def _within(path: str, top: str) -> str | None:
    """Return a path from a directory that it is below; None where it is not."""
    start = top if top.endswith(os.sep) else f"{top}{os.sep}"
    return path[len(start) :] if path.startswith(start) else None


def _never(path: str) -> str | None:
    """Return what of a path is no place for outputs; a file system may fold case."""
    return next((part for part in path.split(os.sep) if part.casefold() in _NEVER), None)
