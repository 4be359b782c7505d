"""The product, from top to bottom: survey, build, publish, report."""

import shlex
import time
from pathlib import Path

from lambdabuild import artifacts
from lambdabuild.errors import LambdabuildError
from lambdabuild.logfile import log_to_file
from lambdabuild.machine import processors
from lambdabuild.manifest import is_current, write_manifest
from lambdabuild.model import Function, Report, Runtime, Skipped, Status, StepResult, Target
from lambdabuild.removal import prune, say_waiting
from lambdabuild.report import report_value, to_json
from lambdabuild.request import Request
from lambdabuild.saved import State
from lambdabuild.session import Session
from lambdabuild.state import Home
from lambdabuild.survey import Survey, loaded_packages, overview, survey


def list_functions(
    session: Session, *, thorough: bool
) -> tuple[list[tuple[Function, Target, Runtime | None]], tuple[Skipped, ...]]:
    """Return every function with its targets, and what was passed over."""
    state = Home(session.project).load()
    there = overview(session, (), state, time.time_ns(), thorough=thorough)
    loaded = loaded_packages(session, there.discovery, there.functions)
    return [
        (function, target, settings.runtime if target.architecture else None)
        for function in there.functions
        for settings in [session.settings.of(function.name)]
        for target in settings.targets
        if (function.name, target) in loaded
    ], session.shown(there.discovery.skipped)


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
    with home.locked(lambda who: say_waiting(session.console, who)):
        report = _build_under_lock(session, request, home, started)
    if request.report is not None:
        _write_report(session, request.report, report)
    return report


def _build_under_lock(session: Session, request: Request, home: Home, started: float) -> Report:
    home.sweep()
    clock = home.clock()
    state = home.load()
    announced = home.announced()
    artifacts.recover(announced, state, session.project)
    before = dict(state.artifacts), dict(state.manifests), state.assets.files
    found = request.watching.surveyed(
        survey(session, request.names, state, clock, force=request.force)
    )
    session.console.skipped(session.shown(found.discovery.skipped))
    if request.explain:
        shown = found.to_build if session.console.calm else found.plan
        session.console.explain(shown, found.reasons)
    results = _build(session, request, home, state, found, clock)
    with session.interrupts.held_off():
        results += [artifacts.up_to_date(step, state, session.project) for step in found.up_to_date]
        removed = prune(session, request, found.plan, found.discovery, state)
        same = state.artifacts == before[0] and not announced
        if session.layout and not (same and is_current(state, session.project, session.layout)):
            write_manifest(state, session.project, session.layout)
        changed = (state.artifacts, state.manifests, state.assets.files) != before
        if changed or found.go.asked or found.seen.renewed or announced:
            home.save(state)
    return Report(
        ok=not any(r.status in {Status.FAILED, Status.CANCELLED} for r in results),
        seconds=time.monotonic() - started,
        go=_go_version(found),
        jobs=request.jobs or processors(),
        results=tuple(results),
        removed=tuple(removed),
    )


def _build(
    session: Session, request: Request, home: Home, state: State, found: Survey, clock: int
) -> list[StepResult]:
    """Build and publish all that is not up to date; return what became of it."""
    if not found.to_build.steps and not found.only_to_pack:
        return []
    # Not before there is something to build: nothing changed should cost next to nothing.
    from lambdabuild.batches import build_and_publish  # noqa: PLC0415

    return build_and_publish(session, request, home, state, found, clock)


def dry_run(session: Session, request: Request) -> tuple[list[str], Survey]:
    """Return the shell lines that would build what `request` asks for; write nothing."""
    from lambdabuild import gotool  # noqa: PLC0415
    from lambdabuild.batches import toolchain_for  # noqa: PLC0415
    from lambdabuild.build import command_of, stage  # noqa: PLC0415

    home = Home(session.project)
    state = home.load()
    found = survey(session, request.names, state, time.time_ns(), force=request.force)
    session.console.skipped(session.shown(found.discovery.skipped))
    toolchain = toolchain_for(session, found.go.path, request.jobs)
    place = str(home.path / "dry-run")
    lines = []
    for number, batch in enumerate(found.to_build.batches):
        staging = stage(place, number, batch, observed=False)
        goflags = found.discovery.environments[batch.directory].flags
        command = command_of(batch, toolchain, goflags, staging)
        names = ", ".join(step.function.name for step in batch.steps)
        lines += [
            f"# {len(batch.steps)} for {batch.target}: {names}",
            f"# each executable goes to {staging.executable('IMPORT/PATH')}",
            f"mkdir -p {shlex.quote(staging.temporary)}",
            gotool.shell_line(command),
        ]
    lines += [
        f"# {step.function.name} is packed again, without `go`" for step in found.only_to_pack
    ]
    return lines, found


def _go_version(found: Survey) -> str:
    loads = [batch.directory for batch in found.plan.batches] or list(found.discovery.environments)
    return found.discovery.environments[loads[0]].version


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
