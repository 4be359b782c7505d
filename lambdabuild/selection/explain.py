"""Explain why functions would be rebuilt, and which ones depend on a file; nothing is written."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lambdabuild.config.options import NOTHING_LEFT_OUT, Narrowing
from lambdabuild.core.build import Plan, Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.text import some
from lambdabuild.output.causes import Cause, Reasons, called, causes, in_order, reason_of
from lambdabuild.output.report import Relative, explanation_value
from lambdabuild.output.terminal.look import choose_look
from lambdabuild.selection.symlinks import Aliases
from lambdabuild.state.store import Home
from lambdabuild.survey.discovery.functions import meant_by
from lambdabuild.survey.evidence import with_evidence
from lambdabuild.survey.recheck import dependents_of
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Survey, survey


class Explanation(NamedTuple):
    """Why the steps of a plan are built."""

    plan: Plan
    reasons: Reasons
    names: Sequence[str] = ()
    """Of functions, in the order in which they are asked for."""

    def causes(self, *, everything: bool) -> list[Cause]:
        """Return it as people read it: a line for each reason, or for each step."""
        return causes(self.plan, self.reasons, self.names, everything=everything)

    def value(self, relative: Relative) -> dict[str, Any]:
        """Return it for `--json`."""
        steps = in_order(self.plan.steps, self.names)
        return explanation_value(steps, relative, lambda step: reason_of(step, self.reasons))


class Dependants(NamedTuple):
    """The steps that are built from a file."""

    steps: Sequence[Step]
    every: Sequence[Step]

    def causes(self, *, everything: bool) -> list[Cause]:
        """Return them as people read them: a line for each function."""
        del everything
        return [Cause(name) for name in called(self.steps, self.every)]

    def value(self, relative: Relative) -> dict[str, Any]:
        """Return them for `--json`."""
        return explanation_value(self.steps, relative)


def reasons(
    session: Session, names: Sequence[str], narrowing: Narrowing = NOTHING_LEFT_OUT
) -> Explanation:
    """Return for each function that `names` means the reason to build it, if there is one.

    Of a selection by change, the reason is what changed, even if it was built meanwhile.
    """
    state = Home(session.paths.project, session.tools.environment).load()
    session = with_evidence(session, state, time.time_ns())
    if not narrowing.narrows:
        found = survey(session, names, state, time.time_ns())
        return Explanation(found.plan, found.reasons, asked(session, found, names))
    # Slow to import, and seldom needed.
    from lambdabuild.selection.select import restricted, survey_some

    found, selected = survey_some(session, names, state, time.time_ns(), narrowing)
    shown = selected.reasons if narrowing.by_change else found.reasons
    plan = restricted(found, selected).plan
    if not plan.steps and narrowing.by_change:
        session.tools.console.say("no function is affected")
    return Explanation(plan, shown, asked(session, found, names))


def asked(session: Session, found: Survey, words: Sequence[str]) -> list[str]:
    """Return the names of functions, each once, in the order of the words that mean them."""
    meant = (meant_by(session, found.discovery, [word]) for word in words)
    return list(dict.fromkeys(f.name for one in meant for f in one.functions))


def dependants(session: Session, paths: Sequence[str]) -> Dependants:
    """Return the steps that are built from any of these files; say so if there is none."""
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
    steps = in_order(found.plan.steps)
    depending = [step for step in steps if step.key in keys]
    if not depending:
        session.tools.console.say(f"no function depends on {some(paths, quote='')}")
    return Dependants(depending, steps)


def colored(color: str, environment: Mapping[str, str]) -> bool:
    """Tell whether what is printed to stdout has colours."""
    return choose_look(color, environment, sys.stdout, quiet=False, verbose=False).color
