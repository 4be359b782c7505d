"""The product, from top to bottom: survey, build, publish, report."""

import contextlib
import shlex
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from lambdabuild.build.clean import prune, recall, say_waiting
from lambdabuild.build.manifest import is_current, write_manifest
from lambdabuild.build.reports import note_history, with_earlier_sizes, write_outlets
from lambdabuild.build.size_limits import Limits, checked
from lambdabuild.config.options import NOTHING_LEFT_OUT, Narrowing, Request
from lambdabuild.core.build import Batch, Function, Skipped
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.paths import Paths
from lambdabuild.core.record import record
from lambdabuild.core.result import Activity, Report, Share, Status, StepResult
from lambdabuild.core.target import Runtime, Target
from lambdabuild.output.report import place_of
from lambdabuild.state import artifacts
from lambdabuild.state.state import State
from lambdabuild.state.store import Home
from lambdabuild.survey.discovery.modules import problem_of
from lambdabuild.survey.evidence import warn_of_contradictions, with_evidence
from lambdabuild.survey.recheck import warn_of_embedded_outputs
from lambdabuild.survey.session import Session, Tools, shown
from lambdabuild.survey.survey import Key, Survey, loaded_packages, overview, survey
from lambdabuild.system.links import check_out
from lambdabuild.system.logfile import log_to_file
from lambdabuild.system.machine import processors
from lambdabuild.system.process import shell_line
from lambdabuild.system.timeline import Timeline

if TYPE_CHECKING:
    from lambdabuild.build.obstacles import Replacing


def list_functions(
    session: Session, *, thorough: bool, narrowing: Narrowing = NOTHING_LEFT_OUT
) -> tuple[list[tuple[Function, Target, Runtime | None]], tuple[Skipped, ...]]:
    """Return every selected function with its targets, and what was skipped."""
    state = Home(session.paths.project, session.tools.environment).load()
    if narrowing.narrows and not thorough:
        return _list_some(session, narrowing, state)
    session = with_evidence(session, state, time.time_ns())
    there = overview(session, (), state, time.time_ns(), thorough=thorough)
    state.note_survey(there.findings, None, renewed=False)
    selected = None
    if narrowing.narrows:
        some, _ = _list_some(session, narrowing, state)
        selected = {(function.name, target) for function, target, _ in some}
    warn_of_contradictions(session, there.discovery.functions, state.evidence.deployment)
    loaded = loaded_packages(session.settings, there.discovery, there.functions)
    for directory, error in there.discovery.failures.items():
        problem = problem_of(error)
        place = f"{place_of(problem, session.paths.relative)}: " if problem.file else ""
        session.tools.console.warn(
            f"the functions of `{session.paths.relative(directory)}` cannot be loaded: "
            f"{place}{problem.message.splitlines()[0]}",
            error.hint,
        )
    return [
        (function, target, settings.runtime if target.architecture else None)
        for function in there.functions
        for settings in [session.settings.of(function.name)]
        for target in settings.targets
        if (function.name, target) in loaded
        if selected is None or (function.name, target) in selected
    ], shown(there.discovery.skipped, session.paths)


def _list_some(
    session: Session, narrowing: Narrowing, state: State
) -> tuple[list[tuple[Function, Target, Runtime | None]], tuple[Skipped, ...]]:
    # Slow to import, and seldom asked for.
    from lambdabuild.selection.select import survey_some

    found, selected = survey_some(session, (), state, time.time_ns(), narrowing)
    steps = (step for step in found.plan.steps if step.key in selected.keys)
    functions = [(step.function, step.target, step.runtime) for step in steps]
    return functions, shown(found.discovery.skipped, session.paths)


def _never(_: Batch) -> bool:
    return False


def _nobody(_: Sequence[StepResult]) -> None:
    return


def build_functions(session: Session, request: Request) -> Report:
    """Build what `request` asks for and publish it.

    The state records what was published, whatever goes wrong afterwards. The report says which
    manifest or report could not be written.

    Raises:
        LambdabuildError: it could not start, and nothing was changed; or the state cannot be
            written.
        Interrupted: a signal came; what was published is complete.

    """
    with locked(session, request) as run:
        report = run.build(run.survey())
    return run.write_outlets(report)


@contextlib.contextmanager
def locked(session: Session, request: Request) -> Iterator["Run"]:
    """Hold the project's lock for one run: a survey, and a build of what it found."""
    started = time.monotonic()
    session = session._replace(tools=session.tools._replace(timeline=Timeline()))
    _check_caching(session)
    if session.paths.layout and session.settings.host is None:
        check_out(session.paths.out, session.paths.project)
    home = Home(session.paths.project, session.tools.environment, session.paths.home)
    home.create()
    log_to_file(home.logs, session.tools.console.warn_once)
    with (
        session.tools.timeline.span(Activity.RUN),
        home.locked(lambda who: say_waiting(session.tools.console, who)),
    ):
        home.sweep()
        if session.settings.config.source is not None:
            home.keep_schema()
        clock = home.clock()
        state, announced = recall(session, home)
        if announced:
            # Before this run announces what it is about to do, in the place of that one.
            home.save(state)
        session = with_evidence(session, state, clock)
        yield Run(session, request, home, state, clock, started)


@record
class Run:
    """One run under the project's lock; whoever leads it sees the survey before it is built."""

    session: Session
    request: Request
    home: Home
    state: State
    clock: int
    """When the run began, by the file system, in nanoseconds."""
    started: float
    share: Share | None = None

    def survey(self) -> Survey:
        """Find what there is to build, and why, and note it in the state."""
        found, self.share = _select(self.session, self.request, self.state, self.clock)
        found.note_in(self.state)
        return found

    def build(
        self,
        found: Survey,
        outdated: Callable[[Batch], bool] = _never,
        published: Callable[[Sequence[StepResult]], None] = _nobody,
    ) -> Report:
        """Build and publish what is not up to date, remove what no function has any more, save the state.

        `outdated` is called repeatedly: is this batch, which is being built, already out of date?
        `published` hears of what is in place before anything else is done.

        Raises:
            LambdabuildError: it could not start, or the state cannot be written.
            Interrupted: a signal came; what was published is complete.

        """
        session, request, home, state = self.session, self.request, self.home, self.state
        _tell_skipped(session, request, shown(found.discovery.skipped, session.paths))
        if request.explain:
            plan = found.to_build if session.tools.console.calm else found.plan
            session.tools.console.explain(plan, found.reasons)
        warn_of_embedded_outputs(session, found)
        warn_of_contradictions(session, found.discovery.functions, state.evidence.deployment)
        with saving(session.tools, home, state):
            results = self._results(found, outdated, published)
            with session.tools.interrupts.held_off():
                results = with_earlier_sizes(home, results)
                project, again = session.paths.project, bool(results)
                results += [
                    artifacts.up_to_date(step, state, project, again=again)
                    for step in found.up_to_date
                ]
                removed = prune(session, request, found, state)
                state.note_results(*_outcome(found, results))
                problem = None
                layout = session.paths.layout
                if layout and (state.published or not is_current(state, project, layout)):
                    problem = _write_manifest(session.paths, request, found, state)
                if state.changed:
                    home.save(state)
        report = Report(
            ok=problem is None
            and not any(r.status in {Status.FAILED, Status.CANCELLED} for r in results),
            seconds=time.monotonic() - self.started,
            go=_go_version(found),
            jobs=request.jobs or processors(),
            results=tuple(results),
            removed=tuple(removed),
            share=self.share,
            problem=problem,
        )
        report = checked(Limits(session, home), report)
        note_history(home, report._replace(spans=session.tools.timeline.spans))
        complaint = session.complaint
        return report._replace(
            ok=report.ok and complaint is None,
            warnings=tuple(session.tools.console.warnings),
            complaint=complaint,
        )

    def _results(
        self,
        found: Survey,
        outdated: Callable[[Batch], bool],
        published: Callable[[Sequence[StepResult]], None],
    ) -> list[StepResult]:
        """Build and publish all that is not up to date; return the results."""
        if not found.to_build.steps and not found.only_to_pack:
            return []
        # Not before there is something to build: nothing changed should cost next to nothing.
        from lambdabuild.build.schedule import Builder

        builder = Builder(self.session, self.request, self.home, self.state, found)
        return builder.run(outdated, published)

    def write_outlets(self, report: Report) -> Report:
        """Write the reports requested; return the report with its spans."""
        report = report._replace(spans=self.session.tools.timeline.spans)
        try:
            write_outlets(self.session, self.request, report)
        except LambdabuildError as error:
            report = report._replace(problem=report.problem or error)
        return report


def _tell_skipped(session: Session, request: Request, skipped: Sequence[Skipped]) -> None:
    """Warn of what was probably meant to be built; where functions run here, only say so."""
    console = session.tools.console
    if session.settings.host is None:
        console.skipped(skipped)
    elif not request.names:
        for item in skipped:
            if item.hint:
                console.say_once(f"`{item.directory}` does not run here: {item.reason}")


@contextlib.contextmanager
def saving(tools: Tools, home: Home, state: State) -> Iterator[None]:
    """Save what was published and removed, also if the block raises."""
    try:
        yield
    except BaseException:
        with tools.interrupts.held_off():
            if state.published:
                # The first error is the one to report.
                with contextlib.suppress(LambdabuildError):
                    home.save(state)
        raise


def _write_manifest(
    paths: Paths, request: Request, found: Survey, state: State
) -> LambdabuildError | None:
    """Write the manifest; return the error, as the functions are built all the same."""

    def asked() -> "Replacing":
        from lambdabuild.build.schedule import replacing

        return replacing(paths, request, found)

    try:
        write_manifest(state, paths.project, paths.layout, asked)
    except LambdabuildError as error:
        return error
    return None


def _check_caching(session: Session) -> None:
    """Refuse a shared cache that cannot be used, even if there is nothing to build."""
    if session.settings.config.cache:
        from lambdabuild.build.restore import caching_of

        caching_of(session)


def _select(
    session: Session, request: Request, state: State, clock: int
) -> tuple[Survey, Share | None]:
    """Survey the functions, and apply the selection."""
    names, narrowing, force = request.names, request.narrowing, request.force
    if not narrowing.narrows:
        with session.tools.timeline.span(Activity.SURVEY):
            return survey(session, names, state, clock, force=force), None
    # Slow to import, and seldom asked for.
    from lambdabuild.selection.select import restricted, survey_some

    found, selected = survey_some(
        session, names, state, clock, narrowing, force=force, next_="lambdabuild.build.schedule"
    )
    return restricted(found, selected), selected.share


def _outcome(
    found: Survey, results: Sequence[StepResult]
) -> tuple[dict[Key, bool], Collection[str]]:
    """Return whether each step that was tried is built, and the functions that there are.

    What did not build is built again, whatever the selection by change.
    """
    failures = {Status.FAILED, Status.CANCELLED}
    there = {function.name for function in found.discovery.functions} | found.discovery.unasked
    return {result.step.key: result.status not in failures for result in results}, there


def dry_run(session: Session, request: Request) -> tuple[list[str], Survey]:
    """Return the shell lines that would build what `request` asks for; write nothing."""
    from lambdabuild.build.gobuild.batches import toolchain_for
    from lambdabuild.build.gobuild.compile import GoBuild, stage
    from lambdabuild.survey.eawsy.adapting import planned_overlay

    home = Home(session.paths.project, session.tools.environment)
    state = home.load()
    session = with_evidence(session, state, time.time_ns())
    found, _ = _select(session, request, state, time.time_ns())
    session.tools.console.skipped(shown(found.discovery.skipped, session.paths))
    toolchain = toolchain_for(session.tools, found.go.path, request.jobs)
    place = str(home.path / "dry-run")
    lines = []
    for number, batch in enumerate(found.to_build.batches):
        staging = stage(place, number, batch, observed=False)
        goflags = found.discovery.environments[batch.directory].flags
        overlay = planned_overlay(batch, found.findings, staging)
        command = GoBuild(batch, toolchain, staging, goflags, overlay=overlay).command()
        names = ", ".join(step.function.name for step in batch.steps)
        lines += [
            f"# {len(batch.steps)} for {batch.target}: {names}",
            f"# each executable goes to {staging.executable('IMPORT/PATH')}",
            f"mkdir -p {shlex.quote(staging.temporary)}",
            shell_line(command),
        ]
    lines += [
        f"# {step.function.name} is packed again, without `go`" for step in found.only_to_pack
    ]
    return lines, found


def _go_version(found: Survey) -> str:
    loads = [batch.directory for batch in found.plan.batches] or list(found.discovery.environments)
    return found.discovery.environments[loads[0]].version
