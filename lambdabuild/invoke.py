"""Call one function: by the `serve` that runs here, or build it for this machine and run it once."""

import functools
import os
import time
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from lambdabuild.config.options import Request
from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Status, StepResult
from lambdabuild.core.text import some
from lambdabuild.local.control.client import Serving, find_serving
from lambdabuild.local.control.client import invoke as invoke_served
from lambdabuild.local.events.samples import parsed
from lambdabuild.local.events.wanted import Subject, Wanted, mismatch, payload_of
from lambdabuild.local.functions import (
    Call,
    LogSink,
    NotBuiltError,
    Outcome,
    Program,
)
from lambdabuild.local.host import hosted
from lambdabuild.local.identity import function_arn, new_request_id, new_trace_id
from lambdabuild.local.programs.credentials import platform_of
from lambdabuild.local.programs.variables import (
    NOTHING,
    Declarations,
    declarations,
    program_of,
    read_env_file,
)
from lambdabuild.local.recording.calls import Calls
from lambdabuild.pipeline import locked
from lambdabuild.state.store import Home
from lambdabuild.survey.evidence import with_evidence
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Survey, loaded_packages, overview

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
    deployed, session = session, hosted(session)
    variables = NOTHING
    if env_file is not None:
        path = os.path.join(session.paths.working, env_file)
        variables = read_env_file(path, session.tools.environment)
    request = Request((name,), replace=True, local_cache_only=True)
    session.tools.console.calm = True
    with locked(session, request) as run:
        try:
            found = run.survey()
        except LambdabuildError as error:
            raise _of_other_machines(deployed, session, name) or error from error
        named = list(dict.fromkeys(step.function for step in found.plan.steps))
        if len(named) != 1:
            raise LambdabuildError(
                f"`{name}` means {len(named)} functions: {some([f.name for f in named])}",
                hint="name one of them",
            )
        # Why others are not built is no matter of this call.
        found = found._replace(discovery=found.discovery._replace(skipped=()))
        report = run.build(found)
        deployment = Declarations().read(run.state.evidence)
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


def _of_other_machines(deployed: Session, here: Session, name: str) -> LambdabuildError | None:
    """Return why a function that is built for Lambda is not found here; None where it is none."""
    try:
        known = look(deployed, name).name
    except LambdabuildError:
        return None
    machine = here.settings.of(known).targets[0]
    return LambdabuildError(
        f"`{known}` is not built for this machine: build constraints exclude all its Go files for "
        f"{machine}",
        hint="a file whose name ends in _arm64.go, or a //go:build line, is for other machines",
    )


def failure_of(session: Session, results: Iterable[StepResult]) -> str:
    """Return why functions did not build, in the words of the compiler, as people read it."""
    lines = session.tools.console.layout(None, results, session.paths.relative)
    return "\n".join("".join(part.text for part in line) for line in lines)


class Invocation(NamedTuple):
    """What is to be called, and how."""

    name: str
    """A name, a path, or a glob that means one function."""
    wanted: Wanted = Wanted()
    timeout: float | None = None
    """Seconds; None for the function's own."""
    env_file: str | None = None
    credentials: bool = True
    """Whether the function gets the caller's."""
    client_context: str = ""
    """JSON; empty for none."""


class Answer(NamedTuple):
    """What was sent, and what came of it."""

    function: str
    payload: bytes
    outcome: Outcome


def invoke(session: Session, invocation: Invocation, log: LogSink) -> Answer:
    """Call a function once; `log` gets each line of the call's log.

    A `serve` of the project that runs is used, if it serves the function and the call has no environment
    of its own.

    Raises:
        LambdabuildError: it cannot be called.
        NotBuiltError: it does not build.
        Interrupted: a signal came.

    """
    wanted, working = invocation.wanted, session.paths.working
    if wanted.data is not None:
        # Before anything is built.
        parsed(wanted.data, wanted.origin)
    own = invocation.env_file is not None or not invocation.credentials
    serving = None if own else find_serving(session.paths.project)
    served = _served(session, serving, invocation.name) if serving is not None else None
    if serving is not None and served is not None:
        name = served
        payload = _payload(session, wanted, lambda: look(hosted(session), name))
        try:
            outcome = invoke_served(
                serving, name, payload, log,
                timeout=invocation.timeout, client_context=invocation.client_context,
            )  # fmt: skip
        except ConnectionError as error:
            raise LambdabuildError(
                f"the `serve` of this project went away before it answered: {error}",
                hint="call again: without one, the function is started for the call",
            ) from error
        return Answer(name, payload, outcome)
    prepared = prepare(session, invocation.name, invocation.env_file)
    payload = _payload(session, wanted, lambda: _subject_of(prepared))
    environment = session.tools.environment
    platform = platform_of(environment, working, credentials=invocation.credentials)
    name = prepared.program.name
    call = Call(
        name,
        payload,
        new_request_id(),
        function_arn(platform.region, name),
        invocation.client_context,
        new_trace_id(),
        invocation.timeout,
    )
    # Slow to import, and a `serve` has it.
    from lambdabuild.local.once import OnDemand, call_once

    def programs() -> OnDemand:
        return OnDemand(
            prepared.program,
            [function.name for function in prepared.found.discovery.functions],
            lambda other: prepare(session, other, invocation.env_file).program,
        )

    outcome = call_once(
        programs, platform, call, Calls(session.paths.project), log,
        session.tools.console.say, session.tools.run.close,
    )  # fmt: skip
    return Answer(name, payload, outcome)


def _payload(session: Session, wanted: Wanted, subject: Callable[[], Subject]) -> bytes:
    """Return the event as it is sent; say which it is, where a sample was chosen."""
    subject = functools.cache(subject)
    content, origin = payload_of(wanted, subject, session.paths.working)
    if wanted.data is None and (wanted.event is not None or wanted.shapes):
        session.tools.console.say(f"event: {origin}")
        if (doubt := mismatch(wanted, subject())) is not None:
            session.tools.console.warn(doubt, "`--event` without a type sends what it takes")
    return content


def _served(session: Session, serving: Serving, word: str) -> str | None:
    """Return the function of a server that a word means; None where it serves others."""
    if word in serving.functions:
        return word
    matching = [name for name in serving.functions if fnmatchcase(name, word)]
    if len(matching) == 1:
        return matching[0]
    if not matching and os.path.lexists(os.path.join(session.paths.working, word)):
        name = look(hosted(session), word).name
        if name in serving.functions:
            return name
    if matching:
        raise _several(word, matching)
    return None


def _several(word: str, names: Sequence[str]) -> LambdabuildError:
    return LambdabuildError(
        f"`{word}` means {len(names)} functions: {some(names)}", hint="name one of them"
    )


def look(session: Session, name: str) -> Subject:
    """Return the function that a word means, and the packages that it is made of; build nothing."""
    home = Home(session.paths.project, session.tools.environment, session.paths.home)
    state = home.load()
    session = with_evidence(session, state, time.time_ns())
    there = overview(session, (name,), state, time.time_ns())
    if len(there.functions) != 1:
        raise _several(name, [function.name for function in there.functions])
    (function,) = there.functions
    loaded = loaded_packages(session.settings, there.discovery, there.functions)
    for (known, _), (package, graph) in loaded.items():
        if known == function.name:
            return Subject(function.name, graph, package.import_path, function.adapter)
    raise LambdabuildError(
        f"Go has no files of `{function.name}` to read", hint="`lambdabuild check` says why"
    )


def _subject_of(prepared: Prepared) -> Subject:
    function = prepared.function
    graphs = prepared.found.discovery.graphs
    of_function = (
        graph
        for (directory, _), graph in graphs.items()
        if directory == function.load_directory and function.package in graph
    )
    return Subject(function.name, next(of_function, {}), function.package, function.adapter)
