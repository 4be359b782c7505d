"""Run the batches of a plan, and publish what they made."""

import importlib
import threading
from collections.abc import Sequence

from lambdabuild import artifacts, gotool, machine
from lambdabuild.build import Event, Observe, Toolchain, build, stage, wrapper_path
from lambdabuild.fingerprint import name_of
from lambdabuild.logfile import open_log
from lambdabuild.model import Batch, Linked, Plan, StepResult
from lambdabuild.plan import batches_in_order
from lambdabuild.process import in_parallel
from lambdabuild.publish import Publisher, check_writable
from lambdabuild.request import Request
from lambdabuild.saved import State
from lambdabuild.session import Session
from lambdabuild.state import Home
from lambdabuild.survey import Survey, doubt


def build_and_publish(
    session: Session, request: Request, home: Home, state: State, found: Survey, clock: int
) -> list[StepResult]:
    """Build all that is not up to date and put it in place; return what became of it.

    `clock` is when the survey began, by the file system. An input that was written since leaves
    its functions not up to date.

    Raises:
        LambdabuildError: an output directory cannot be written, or Go refuses its flags.
        Interrupted: a signal came; nothing was put in place.

    """
    plan = found.to_build
    check_writable(_output_directories(session, plan))
    toolchain = toolchain_for(session, found.go.path, request.jobs)
    session.console.building(plan)
    threading.Thread(target=_load_meanwhile, daemon=True).start()
    with home.staging() as staging:
        try:
            linked = _build_all(session, request, plan, found, toolchain, state, staging)
        finally:
            session.console.built()
        with session.interrupts.held_off():
            inputs = doubt(found, session.project, clock)
            publisher = Publisher(session.project, session.layout, state, inputs)
            return _publish_all(session, home, state, found, publisher, plan, linked)


def _load_meanwhile() -> None:
    """Import what is needed once `go` is done, while it works: together a tenth of a second."""
    open_log()
    for name in ("rich.table", "rich.text", "concurrent.futures.thread"):
        importlib.import_module(name)


def _publish_all(
    session: Session,
    home: Home,
    state: State,
    found: Survey,
    publisher: Publisher,
    plan: Plan,
    linked: Sequence[Linked],
) -> list[StepResult]:
    project = session.project
    staged = [item for item in linked if item.executable is not None]
    measured = in_parallel(session.run, publisher.measure, staged, machine.processors())
    digests = {item.step.key: digest for item, digest in zip(staged, measured, strict=True)}
    announced = [publisher.announcement(item, digests[item.step.key]) for item in staged]
    # Whoever kills this process now does not make its files somebody else's.
    home.announce([artifact for artifact in announced if artifact is not None])
    results = [artifacts.failed(s, s.load_errors, state, project) for s in plan.set_aside]
    for item in linked:
        reason = found.reasons[item.step.key]
        if item.current:
            results.append(publisher.confirm(item, reason))
        elif item.cancelled:
            results.append(artifacts.cancelled(item.step, state, project))
        elif item.executable is None:
            results.append(artifacts.failed(item.step, item.errors, state, project))
        else:
            results.append(publisher.publish(item, digests[item.step.key], reason))
    built = [name_of(item.step.artifact, project) for item in staged]
    artifacts.settle(state, built, home.clock)
    return results


def _output_directories(session: Session, plan: Plan) -> list[str]:
    if session.layout:
        return [session.out]
    return sorted({step.function.directory for step in plan.steps})


def toolchain_for(session: Session, go: str, jobs: int | None) -> Toolchain:
    """Return what every `go build` of a run has in common."""
    count = jobs or machine.processors()
    limit = None
    if not {"GOGC", "GOMEMLIMIT"} & session.environment.keys():
        limit = machine.heap_limit(machine.available_memory(), machine.memory(), count)
    return Toolchain(go, count, gotool.Memory(limit), wrapper_path())


def _build_all(
    session: Session,
    request: Request,
    plan: Plan,
    found: Survey,
    toolchain: Toolchain,
    state: State,
    staging: str,
) -> list[Linked]:
    """Run every batch, and return what became of every step that was not set aside."""
    numbers = {id(batch): number for number, batch in enumerate(plan.batches)}
    failing = bool(plan.set_aside)
    done: list[Linked] = []

    def observe(event: Event | None) -> None:
        nonlocal failing
        failing = failing or (event is not None and event.kind == "failed")
        session.console.observe(event)

    def one(batch: Batch, jobs: int | None = None) -> list[Linked]:
        def stop() -> bool:
            return (request.fail_fast and failing) or request.watching.stop(found, batch)

        if stop():
            return [Linked(step, cancelled=True) for step in batch.steps]
        return build(
            session.run,
            batch,
            toolchain,
            goflags=found.discovery.environments[batch.directory].flags,
            staging=stage(staging, numbers[id(batch)], batch),
            current={} if request.force else _current(session, batch, state),
            observe=told,
            stop=stop,
            jobs=jobs,
        )

    told: Observe = observe
    alone, together = batches_in_order(plan.batches)
    for batch in alone:
        done += one(batch)
        failing = failing or any(linked.errors for linked in done)
    workers = min(toolchain.jobs, len(together))
    if together:
        told = _one_at_a_time(observe)
        jobs = max(1, toolchain.jobs // workers)
        for linked in in_parallel(session.run, lambda b: one(b, jobs), together, workers):
            done += linked
    return done


def _one_at_a_time(observe: Observe) -> Observe:
    lock = threading.Lock()

    def locked(event: Event | None) -> None:
        with lock:
            observe(event)

    return locked


def _current(session: Session, batch: Batch, state: State) -> dict[str, str]:
    """Return the link IDs of the batch's artifacts that are in place as lambdabuild wrote them."""
    current = {}
    for step in batch.steps:
        artifact = state.artifacts.get(name_of(step.artifact, session.project))
        if (
            artifact is not None
            and artifact.link_id is not None
            and artifact.key == step.key
            and artifacts.holds(artifact, session.project)
        ):
            current[step.function.package] = artifact.link_id
    return current
