"""Ask git about the merge base, while `go list` runs, and write files as they were there."""

import os
import tempfile
from collections.abc import Collection
from typing import NamedTuple

from lambdabuild.core.result import Activity
from lambdabuild.survey.session import Session
from lambdabuild.system.git import Git, Repository, changed_since
from lambdabuild.system.process import Run
from lambdabuild.system.threads import Later

_AT_ONCE = 400
"""Paths on one command line."""
_LINKS = 8
"""Symbolic links that are followed one after the other."""


class Earlier(NamedTuple):
    """What there was at the merge base, as far as git has been asked."""

    repository: Repository
    directory: str
    """Where copies of files are put; absolute."""
    prepared: Later[None]
    """Done when git can write files into `directory`."""


def look_back(session: Session, ref: str) -> Earlier:
    """Ask git what differs between the merge base with `ref` and now."""
    with session.tools.timeline.span(Activity.GIT, ref):
        repository = changed_since(session.tools.run, session.paths.project, ref)
    directory = os.path.realpath(tempfile.mkdtemp(prefix="lambdabuild-"))

    def prepare() -> None:
        if any(change.before and change.known for change in repository.changes):
            _index(session.tools.run, repository, _place(directory, 0))

    return Earlier(repository, directory, Later(prepare))


def _place(directory: str, number: int) -> str:
    return os.path.join(directory, f"files-{number}")


def copy_base(
    run: Run, repository: Repository, paths: Collection[str], directory: str
) -> dict[str, str]:
    """Write files as they were at the merge base; return where each is.

    As git would check it out, with its filters and line ends. `paths` are those of changes, which
    the result maps to a copy; what was a symbolic link, to what it led to. `directory` is made.
    """
    copies: dict[str, str] = {}
    os.makedirs(directory, exist_ok=True)
    for number, one in enumerate(repository.all):
        there = {change.path for change in one.changes if change.before and change.known}
        below = _place(directory, number)
        copies |= _copy(run, one, there.intersection(paths), below)
        _follow_links(run, one, there, copies, below)
    return copies


def _copy(run: Run, repository: Repository, paths: Collection[str], place: str) -> dict[str, str]:
    if not paths:
        return {}
    git, index = Git(run, repository.top), _index(run, repository, place)
    names = {path: os.path.relpath(path, repository.top) for path in sorted(paths)}
    listed = list(names.values())
    for start in range(0, len(listed), _AT_ONCE):
        git.text(
            "checkout-index", "--force", f"--prefix={place}/", "--",
            *listed[start : start + _AT_ONCE], environment=index,
        )  # fmt: skip
    return {path: os.path.join(place, name) for path, name in names.items()}


def _index(run: Run, repository: Repository, place: str) -> dict[str, str]:
    """Make an index of the base, once; return the environment in which git uses it."""
    index = {"GIT_INDEX_FILE": f"{place}.index"}
    if not os.path.exists(index["GIT_INDEX_FILE"]):
        Git(run, repository.top).text("read-tree", repository.base, environment=index)
    return index


def _follow_links(
    run: Run, repository: Repository, there: Collection[str], copies: dict[str, str], place: str
) -> None:
    """Have each copy of a symbolic link stand for what it led to."""
    for _ in range(_LINKS):
        targets = {_target(path, copy) for path, copy in copies.items() if os.path.islink(copy)}
        missing = {path for path in targets if path in there and path not in copies}
        if not missing:
            break
        copies |= _copy(run, repository, missing, place)
    for path in [path for path, copy in copies.items() if os.path.islink(copy)]:
        end = path
        for _ in range(_LINKS):
            copy = copies.get(end, end)
            if os.path.islink(copy):
                end = _target(end, copy)
        copies[path] = copy


def _target(path: str, link: str) -> str:
    """Return where a link leads, from where it is, or from where it was."""
    return os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(link)))
