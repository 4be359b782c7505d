"""The product, from top to bottom: discover, plan, build, publish, report."""

import logging
import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from lambdabuild import gotool, machine, publish
from lambdabuild.build import Event, Observe, Toolchain, build, command_of, stage, wrapper_path
from lambdabuild.config import Settings
from lambdabuild.discover import Discovery
from lambdabuild.errors import LambdabuildError
from lambdabuild.loading import variants_of
from lambdabuild.logfile import log_to_file
from lambdabuild.model import (
    Batch,
    Function,
    Linked,
    Plan,
    Report,
    Runtime,
    Skipped,
    Status,
    Step,
    StepResult,
    Target,
)
from lambdabuild.plan import PackageOf, batches_in_order, make_plan
from lambdabuild.process import in_parallel
from lambdabuild.removal import prune, say_waiting
from lambdabuild.report import report_value, to_json
from lambdabuild.session import Request, Session, find_functions
from lambdabuild.state import Home, State

log = logging.getLogger(__name__)


def list_functions(
    session: Session, *, thorough: bool
) -> tuple[list[tuple[Function, Target, Runtime | None]], tuple[Skipped, ...]]:
    """Return every function with its targets, and what was passed over."""
    _, discovery, functions = find_functions(session, (), thorough=thorough)
    loaded = _loaded(session.settings, discovery, functions)
    return [
        (function, target, settings.runtime if target.architecture else None)
        for function in functions
        for settings in [session.settings.of(function.name)]
        for target in settings.targets
        if (function.name, target) in loaded
    ], session.shown(discovery.skipped)


def build_functions(session: Session, request: Request) -> Report:
    """Build what `request` asks for and publish it.

    Raises:
        LambdabuildError: it could not start; nothing was changed.
        Interrupted: a signal came; what was published before is whole.

    """
    started = time.monotonic()
    home = Home(session.project)
    home.create()
    log_to_file(home.logs)
    with home.locked(lambda who: say_waiting(session.console, who)), home.staging() as staging:
        state = home.load()
        go, discovery, functions = find_functions(session, request.names)
        plan = _plan(session, discovery, functions)
        session.console.skipped(session.shown(discovery.skipped))
        publish.check_writable(_output_directories(session, plan))
        toolchain = _toolchain(session, go, request.jobs)
        session.console.building(plan)
        try:
            linked = _build_all(session, request, plan, discovery, toolchain, state, staging)
        finally:
            session.console.built()
        with session.interrupts.held_off():
            results = _publish_all(session, request, plan, linked, state)
            removed = prune(session, request, plan, discovery, state)
            if session.layout:
                publish.write_manifest(state, session.project, session.layout)
            home.save(state)
    report = Report(
        ok=not any(r.status in {Status.FAILED, Status.CANCELLED} for r in results),
        seconds=time.monotonic() - started,
        go=_go_version(discovery, plan),
        jobs=toolchain.jobs,
        results=tuple(results),
        removed=tuple(removed),
    )
    if request.report is not None:
        _write_report(session, request.report, report)
    return report


def dry_run(session: Session, request: Request) -> tuple[list[str], Plan]:
    """Return the shell lines that would build what `request` asks for; write nothing."""
    go, discovery, functions = find_functions(session, request.names)
    plan = _plan(session, discovery, functions)
    session.console.skipped(session.shown(discovery.skipped))
    toolchain = _toolchain(session, go, request.jobs)
    place = str(Home(session.project).path / "dry-run")
    lines = []
    for number, batch in enumerate(plan.batches):
        staging = stage(place, number, batch, observed=False)
        goflags = discovery.environments[batch.directory].flags
        command = command_of(batch, toolchain, goflags, staging)
        lines += [
            f"# {len(batch.steps)} for {batch.target}: {_names(batch)}",
            f"# each executable goes to {staging.executable('IMPORT/PATH')}",
            f"mkdir -p {shlex.quote(staging.temporary)}",
            gotool.shell_line(command),
        ]
    return lines, plan


def _names(batch: Batch) -> str:
    return ", ".join(step.function.name for step in batch.steps)


def _go_version(discovery: Discovery, plan: Plan) -> str:
    loads = [batch.directory for batch in plan.batches] or list(discovery.environments)
    return discovery.environments[loads[0]].version


def _loaded(settings: Settings, discovery: Discovery, functions: Sequence[Function]) -> PackageOf:
    """Return the package of each function under each target that has files for it."""
    loaded = {}
    for function in functions:
        for variant in variants_of(settings.of(function.name)):
            package = discovery.package(function, variant)
            if package is not None and (package.go_files or package.errors):
                graph = discovery.graphs[function.load_directory, variant]
                loaded[function.name, variant.target] = (package, graph)
    return loaded


def _plan(session: Session, discovery: Discovery, functions: Sequence[Function]) -> Plan:
    if not functions:
        raise _no_functions(session, discovery)
    loaded = _loaded(session.settings, discovery, functions)
    for function in functions:
        for target in session.settings.of(function.name).targets:
            if (function.name, target) not in loaded:
                session.console.warn(
                    f"`{function.name}` is not built for {target}: "
                    "build constraints exclude all its Go files"
                )
    return make_plan(functions, session.settings, loaded, out=session.out)


def _no_functions(session: Session, discovery: Discovery) -> LambdabuildError:
    roots = ", ".join(f"`{root}`" for root in session.settings.config.roots)
    return LambdabuildError(
        f"no function was found under {roots}",
        at=[f"{item.directory}: {item.reason}" for item in session.shown(discovery.skipped)[:5]],
        hint="a function is a `package main` with a `func main`; "
        "`lambdabuild list --skipped` tells what was passed over",
    )


def _output_directories(session: Session, plan: Plan) -> list[str]:
    if session.layout:
        return [session.out]
    return sorted({step.function.directory for step in plan.steps})


def _toolchain(session: Session, go: str, jobs: int | None) -> Toolchain:
    count = jobs or machine.processors()
    limit = None
    if not {"GOGC", "GOMEMLIMIT"} & session.environment.keys():
        limit = machine.heap_limit(machine.available_memory(), machine.memory(), count)
    return Toolchain(go, count, gotool.Memory(limit), wrapper_path())


def _build_all(
    session: Session,
    request: Request,
    plan: Plan,
    discovery: Discovery,
    toolchain: Toolchain,
    state: State,
    staging: str,
) -> list[Linked]:
    """Run every batch, and return what became of every step that was not set aside."""
    numbers = {id(batch): number for number, batch in enumerate(plan.batches)}
    stopping = request.fail_fast and bool(plan.set_aside)
    done: list[Linked] = []

    def one(batch: Batch, jobs: int | None = None) -> list[Linked]:
        if stopping:
            return [Linked(step, cancelled=True) for step in batch.steps]
        return build(
            session.run,
            batch,
            toolchain,
            goflags=discovery.environments[batch.directory].flags,
            staging=stage(staging, numbers[id(batch)], batch),
            current={} if request.force else _current(session, batch, state),
            observe=observe,
            fail_fast=request.fail_fast,
            jobs=jobs,
        )

    observe: Observe = session.console.observe
    alone, together = batches_in_order(plan.batches)
    for batch in alone:
        done += one(batch)
        stopping = stopping or (request.fail_fast and any(linked.errors for linked in done))
    workers = min(toolchain.jobs, len(together))
    if together:
        observe = _one_at_a_time(observe)
        jobs = max(1, toolchain.jobs // workers)
        for linked in in_parallel(session.run, lambda b: one(b, jobs), together, workers):
            done += linked
    return done


def _one_at_a_time(observe: Observe) -> Observe:
    import threading  # noqa: PLC0415 - only where several `go build` run at once

    lock = threading.Lock()

    def locked(event: Event | None) -> None:
        with lock:
            observe(event)

    return locked


def _current(session: Session, batch: Batch, state: State) -> dict[str, str]:
    """Return the link IDs of the batch's artifacts that are in place as lambdabuild wrote them."""
    current = {}
    for step in batch.steps:
        artifact = state.artifacts.get(os.path.relpath(step.artifact, session.project))
        if (
            artifact is not None
            and artifact.link_id is not None
            and artifact.key == step.key
            and publish.holds(artifact, session.project)
        ):
            current[step.function.package] = artifact.link_id
    return current


def _publish_all(
    session: Session, request: Request, plan: Plan, linked: Sequence[Linked], state: State
) -> list[StepResult]:
    publisher = publish.Publisher(session.project, session.layout, state)
    staged = [item for item in linked if item.executable is not None]
    measured = in_parallel(session.run, publisher.measure, staged, machine.processors())
    digests = {item.step.key: digest for item, digest in zip(staged, measured, strict=True)}
    results = [
        publish.failed(step, step.load_errors, state, session.project) for step in plan.set_aside
    ]
    for item in linked:
        if item.current:
            results.append(publisher.up_to_date(item))
        elif item.cancelled:
            results.append(publish.cancelled(item.step, state, session.project))
        elif item.executable is None:
            results.append(publish.failed(item.step, item.errors, state, session.project))
        else:
            reason = _reason(session, request, item.step, state)
            results.append(publisher.publish(item, digests[item.step.key], reason))
    return results


def _reason(session: Session, request: Request, step: Step, state: State) -> str:
    path = os.path.relpath(step.artifact, session.project)
    previous = state.artifacts.get(path)
    if request.force:
        return "--force"
    if previous is None or previous.key != step.key:
        return "not built before"
    if not os.path.lexists(step.artifact):
        return f"{path} is missing"
    if not publish.holds(previous, session.project):
        return f"{path} was changed"
    return "its inputs changed"


def _write_report(session: Session, path: str, report: Report) -> None:
    full = Path(session.working, path)
    try:
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(to_json(report_value(report, session.relative)), "utf-8")
    except OSError as error:
        raise LambdabuildError(
            f"cannot write the report `{path}`: {error.strerror}",
            hint="the functions are built; only the report is missing",
        ) from error
