"""Call one function: build it for this machine, and run it once."""

import os
from collections.abc import Iterable
from typing import NamedTuple

from lambdabuild.config.options import Request
from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Status, StepResult
from lambdabuild.core.text import some
from lambdabuild.local.functions import NotBuiltError, Program
from lambdabuild.local.host import hosted
from lambdabuild.local.programs.variables import NOTHING, declarations, program_of, read_env_file
from lambdabuild.pipeline import locked
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Survey

NOT_BUILT = frozenset({Status.FAILED, Status.CANCELLED})


class Prepared(NamedTuple):
    """A function that is ready to be started."""

    program: Program
    function: Function
    found: Survey
    """What the function is built from, among others the packages that it imports."""


def prepare(session: Session, name: str, env_file: str | None = None) -> Prepared:
    """Build the one function that `name` means, for this machine, if it is out of date.

    `name` may be a path or a glob, `env_file` is a path.

    Raises:
        LambdabuildError: it is not known, or nothing can be built here.
        NotBuiltError: it does not build.
        Interrupted: a signal came.

    """
    session = hosted(session)
    variables = NOTHING
    if env_file is not None:
        path = os.path.join(session.paths.working, env_file)
        variables = read_env_file(path, session.tools.environment)
    request = Request((name,), replace=True, local_cache_only=True)
    session.tools.console.calm = True
    with locked(session, request) as run:
        found = run.survey()
        named = list(dict.fromkeys(step.function for step in found.plan.steps))
        if len(named) != 1:
            raise LambdabuildError(
                f"`{name}` means {len(named)} functions: {some([f.name for f in named])}",
                hint="name one of them",
            )
        report = run.build(found)
        deployment = run.state.evidence.deployment
    if report.problem is not None:
        raise report.problem
    (result,) = report.results
    if result.status in NOT_BUILT:
        raise NotBuiltError(failure_of(session, [result]))
    (function,) = named
    declared = declarations(found.discovery.functions, deployment.functions, session.paths)
    program = program_of(
        function.name,
        result.step.artifact,
        session.settings.local_of(function.name),
        declared.get(function.name),
        variables,
    )
    return Prepared(program, function, found)


def failure_of(session: Session, results: Iterable[StepResult]) -> str:
    """Return why functions did not build, in the words of the compiler, as people read it."""
    lines = session.tools.console.layout(None, results, session.paths.relative)
    return "\n".join("".join(part.text for part in line) for line in lines)
