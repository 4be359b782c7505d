"""Refuse a `.lambdabuild` that git tracks: it came with the repository."""

import contextlib
import logging
import os
from collections.abc import Sequence

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.golang.tree import enclosing
from lambdabuild.state.state import Index
from lambdabuild.system import files
from lambdabuild.system.process import Run

log = logging.getLogger(__name__)

_MOST = 4096
"""Bytes of a file that names a working tree's git directory."""


def refuse_tracked(run: Run, project: str, own: Sequence[str], known: Index | None) -> Index | None:
    """Return the stamp of git's index, which must have nothing of `own`: paths from the project.

    `known` is the stamp of the last check, which saves asking git again. None where there is no
    index, or git does not tell what is in it.
    """
    stamp = _stamp(project)
    if stamp is None:
        return None
    index: Index = (*stamp, *own)
    if index == known:
        return index
    try:
        tracked = first_tracked(run, project, own)
    except LambdabuildError as error:
        log.info("whether git tracks what is ours is not known: %s", error.message)
        return None
    if tracked is None:
        return index
    top = next((name for name in own if f"{tracked}/".startswith(f"{name}/")), tracked)
    raise LambdabuildError(
        f"git tracks `{tracked}`: what lambdabuild takes for its own must not come with a clone",
        at=[os.path.join(project, tracked)],
        hint=f"`git rm -rf {top}` takes it out, and lambdabuild makes its own; then commit that",
    )


def first_tracked(run: Run, project: str, paths: Sequence[str]) -> str | None:
    """Return the first file that git tracks at or below paths from the project; None without one.

    Raises:
        LambdabuildError: git cannot tell: there is none, or no repository.

    """
    from lambdabuild.system.git import Git

    command = ("--literal-pathspecs", "-c", "core.fsmonitor=false", "ls-files", "-z", "--")
    return Git(run, project).text(*command, *paths).partition("\0")[0] or None


def _stamp(project: str) -> tuple[int, ...] | None:
    top = enclosing(project, ".git", os.path.lexists)
    if top is None:
        return None
    place = os.path.join(top, ".git")
    with contextlib.suppress(OSError, ValueError):
        if not os.path.isdir(place):
            # https://git-scm.com/docs/gitrepository-layout: of a linked tree, or of a submodule.
            directory = files.text(place, _MOST).removeprefix("gitdir:").strip()
            place = os.path.join(top, directory)
        found = os.stat(os.path.join(place, "index"))
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    return None
