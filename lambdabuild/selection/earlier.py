"""Ask git about the merge base, while `go list` runs."""

import os
import tempfile
from typing import NamedTuple

from lambdabuild.core.spans import Activity
from lambdabuild.selection.base_files import prepare
from lambdabuild.survey.session import Session
from lambdabuild.system import git
from lambdabuild.system.git import Repository
from lambdabuild.system.threads import Later


class Earlier(NamedTuple):
    """What there was at the merge base, as far as git has been asked."""

    repository: Repository
    directory: str
    """Where files are put as they were; absolute, and of whoever asked."""
    prepared: Later[None]
    """Done when git can write files into `directory`."""


def look_back(session: Session, ref: str) -> Earlier:
    """Ask git what differs between the merge base with `ref` and now.

    Raises:
        LambdabuildError: git cannot tell.

    """
    with session.timeline.span(Activity.GIT, ref):
        repository = git.changed_since(session.run, session.project, ref)
    directory = os.path.realpath(tempfile.mkdtemp(prefix="lambdabuild-"))
    return Earlier(
        repository, directory, Later(lambda: prepare(session.run, repository, directory))
    )
