"""Tell why functions would be rebuilt, and which ones depend on a file; nothing is written."""

import os
import time
from collections.abc import Sequence

from lambdabuild.errors import LambdabuildError
from lambdabuild.fingerprint import path_of
from lambdabuild.model import Step
from lambdabuild.report import explanation
from lambdabuild.session import Session
from lambdabuild.state import Home
from lambdabuild.survey import Survey, survey


def reasons(session: Session, names: Sequence[str]) -> list[str]:
    """Return a line for each function that `names` means: the reason, or `up to date`."""
    found = _survey(session, names)
    return explanation(found.plan, found.reasons)


def dependants(session: Session, paths: Sequence[str]) -> list[str]:
    """Return the names of the functions that are built from any of these files.

    Raises:
        LambdabuildError: a path is none.

    """
    wanted = set()
    for path in paths:
        full = os.path.normpath(os.path.join(session.working, path))
        if not os.path.lexists(full):
            raise LambdabuildError(
                f"there is no file `{path}`", hint="paths are relative to the working directory"
            )
        wanted.add(full)
    found = _survey(session, ())
    return list(dict.fromkeys(
        step.function.name for step in found.plan.steps if depends(session, found, step, wanted)
    ))  # fmt: skip


def depends(session: Session, found: Survey, step: Step, paths: set[str]) -> bool:
    """Tell whether a step is built from any of these files or directories, absolute paths."""
    for name, _ in found.inputs.get(step.key, ()):
        if name.startswith("file "):
            file = path_of(name.removeprefix("file "), session.project)
            if file in paths or any(file.startswith(f"{path}{os.sep}") for path in paths):
                return True
    return False


def _survey(session: Session, names: Sequence[str]) -> Survey:
    state = Home(session.project).load()
    return survey(session, names, state, time.time_ns())
