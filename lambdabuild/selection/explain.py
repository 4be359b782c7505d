"""Explain why functions would be rebuilt, and which ones depend on a file; nothing is written."""

import os
import time
from collections.abc import Sequence

from lambdabuild.config.options import NOTHING_LEFT_OUT, Narrowing
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.output.report import explanation
from lambdabuild.selection.symlinks import Aliases
from lambdabuild.state.store import Home
from lambdabuild.survey.evidence import with_evidence
from lambdabuild.survey.recheck import dependents_of
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import survey


def reasons(
    session: Session, names: Sequence[str], narrowing: Narrowing = NOTHING_LEFT_OUT
) -> list[str]:
    """Return a line for each function that `names` means: the reason, or `up to date`.

    Of a selection by change, the reason is what changed, even if it was built meanwhile.
    """
    state = Home(session.paths.project, session.tools.environment).load()
    session = with_evidence(session, state, time.time_ns())
    if not narrowing.narrows:
        found = survey(session, names, state, time.time_ns())
        return explanation(found.plan, found.reasons)
    # Slow to import, and seldom needed.
    from lambdabuild.selection.select import restricted, survey_some

    found, selected = survey_some(session, names, state, time.time_ns(), narrowing)
    shown = selected.reasons if narrowing.by_change else found.reasons
    return explanation(restricted(found, selected).plan, shown)


def dependants(session: Session, paths: Sequence[str]) -> list[str]:
    """Return the names of the functions that are built from any of these files."""
    given = set()
    for path in paths:
        full = os.path.normpath(os.path.join(session.paths.working, path))
        if not path or not os.path.lexists(full):
            raise LambdabuildError(
                f"there is no file `{path}`", hint="paths are relative to the working directory"
            )
        given.add(full)
    state = Home(session.paths.project, session.tools.environment).load()
    session = with_evidence(session, state, time.time_ns())
    found = survey(session, (), state, time.time_ns())
    aliases = Aliases(found.baseline.stamps)
    every = {alias for path in given for alias in aliases.of_given(path)}
    keys = dependents_of(found, session.paths.project, every)
    return list(dict.fromkeys(s.function.name for s in found.plan.steps if s.key in keys))
