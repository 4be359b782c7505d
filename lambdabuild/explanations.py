"""Tell why functions would be rebuilt, and which ones depend on a file; nothing is written."""

import os
import time
from collections.abc import Collection, Sequence
from pathlib import PurePath

from lambdabuild.errors import LambdabuildError
from lambdabuild.fingerprint import path_of
from lambdabuild.report import explanation
from lambdabuild.session import Session
from lambdabuild.state import Home
from lambdabuild.survey import Key, Survey, survey


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
    keys = depending(found, session.project, wanted)
    return list(dict.fromkeys(s.function.name for s in found.plan.steps if s.key in keys))


def depending(found: Survey, project: str, paths: Collection[str]) -> set[Key]:
    """Return the steps that are built from any of these files or directories, absolute paths."""
    if not paths:
        return set()
    known: dict[str, bool] = {}
    lists = (*found.inputs.values(), *found.packed.values())
    for name in {name for inputs in lists for name, _ in inputs}:
        if name.startswith("file "):
            file = path_of(name.removeprefix("file "), project)
            known[name] = file in paths or any(str(p) in paths for p in PurePath(file).parents)
    return {
        key
        for key in found.inputs
        if any(known.get(name, False) for name, _ in found.made_from(key))
    }


def _survey(session: Session, names: Sequence[str]) -> Survey:
    state = Home(session.project).load()
    return survey(session, names, state, time.time_ns())
