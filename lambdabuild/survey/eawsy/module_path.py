"""Tell by which path the packages of a repository without a go.mod import each other."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from lambdabuild.golang.tree import enclosing
from lambdabuild.survey.eawsy.packages import Disk, Package, is_import_path
from lambdabuild.system import files

_MOST_GIT = 1 << 20
"""Bytes of a file of git's."""
_LIBRARIES = "github.com/eawsy/"
"""Never votes: where they are missing, a directory called `runtime` would make them the repository."""
_NAMELESS = "local.invalid/project"
"""The same anywhere: it gets into executables, which must not depend on the name of a directory."""
_ORIGIN = re.compile(r'^[ \t]*\[remote "origin"\][^\n]*((?:\n(?![ \t]*\[)[^\n]*)*)', re.MULTILINE)
_URL = re.compile(r"^[ \t]*url[ \t]*=[ \t]*(\S+)", re.MULTILINE)
_REMOTE = re.compile(
    r"(?:[\w+.-]+://)?(?:[^@/]*@)?([^/:@]+)(?::[0-9]+(?=/))?[:/]/?(.+?)(?:\.git)?/?"
)


def path_of(disk: Disk, sources: Sequence[str]) -> str:
    """Return the module path of a repository, or one that stands for it.

    In this order: where it lies in GOPATH, what its packages import, their import comments, the
    remote of the clone.
    """
    origin = _origin(disk.project)
    path = _in_gopath(disk) or _voted(disk, sources, origin) or _commented(disk, sources) or origin
    return path or _NAMELESS


def _in_gopath(disk: Disk) -> str | None:
    for of in (os.path.normpath, os.path.realpath):
        for src in disk.gopath:
            inside = os.path.relpath(of(disk.project), of(src))
            if is_import_path(inside):
                return inside
    return None


def _voted(disk: Disk, sources: Iterable[str], origin: str | None) -> str | None:
    """Return the path that makes most imports lead to packages of the repository.

    The remote's is taken if it does for any: others have the names of directories in common by chance.
    """
    votes: Counter[str] = Counter()
    for source in sources:
        for path in disk.imports(source):
            first, *rest = path.split("/")
            known = path.startswith(_LIBRARIES) or "." not in first or disk.elsewhere(path, source)
            votes.update(
                "/".join([first, *rest[:count]])
                for count in range(0 if known else len(rest))
                if disk.package("/".join([disk.project, *rest[count:]]))
            )
    return min(
        votes, key=lambda path: (path != origin, -votes[path], len(path), path), default=None
    )


def _commented(disk: Disk, sources: Iterable[str]) -> str | None:
    for source in sources:
        inside = source.removeprefix(disk.project)
        comment = (disk.package(source) or Package()).comment or ""
        path = comment.removesuffix(inside)
        if f"{path}{inside}" == comment and is_import_path(path):
            return path
    return None


def _origin(project: str) -> str | None:
    """Return the path that the remote of a clone stands for: `git@github.com:acme/shop.git`."""
    top = enclosing(project, ".git", os.path.lexists)
    if top is None:
        return None
    try:
        section = _ORIGIN.search(files.text(os.path.join(_git(top), "config"), _MOST_GIT))
    except OSError:
        return None
    url = _URL.search(section[1]) if section else None
    remote = _REMOTE.fullmatch(url[1].strip('"')) if url else None
    if remote is None or "." not in remote[1]:
        return None
    path = f"{remote[1].lower()}/{remote[2]}{project.removeprefix(top)}"
    return path if is_import_path(path) else None


def _git(top: str) -> str:
    """Return the directory with git's configuration, which is elsewhere for a submodule or a worktree.

    https://git-scm.com/docs/gitrepository-layout
    """
    git = os.path.join(top, ".git")
    if os.path.isfile(git):
        git = os.path.join(top, files.text(git, _MOST_GIT).removeprefix("gitdir:").strip())
        common = os.path.join(git, "commondir")
        if os.path.isfile(common):
            git = os.path.join(git, files.text(common, _MOST_GIT).strip())
    return git
