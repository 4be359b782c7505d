"""The product, from top to bottom: discover, plan, build, publish, report."""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lambdabuild import gotool, machine, naming, publish
from lambdabuild.build import Event, Observe, Toolchain, build, command_of, stage, wrapper_path
from lambdabuild.config import FILE_NAME, Config, Settings, parse_config
from lambdabuild.console import Console
from lambdabuild.discover import Discovery, discover, variants_of
from lambdabuild.errors import LambdabuildError, did_you_mean
from lambdabuild.interrupts import Interrupts
from lambdabuild.logfile import log_to_file
from lambdabuild.model import (
    Artifact,
    Batch,
    Command,
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
from lambdabuild.process import Runner, in_parallel
from lambdabuild.publish import Removal
from lambdabuild.report import report_value, to_json
from lambdabuild.state import Home, State
from lambdabuild.toolchain import find_go
from lambdabuild.tree import enclosing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation: where it runs, with which settings, and what it talks through."""

    project: str
    """The directory of `lambdabuild.toml`, else the working directory; absolute."""
    working: str
    settings: Settings
    environment: Mapping[str, str]
    run: Runner
    console: Console
    interrupts: Interrupts

    def relative(self, path: str) -> str:
        """Return a path as people and JSON get it: from the working directory."""
        return os.path.relpath(path, self.working)

    @property
    def out(self) -> str:
        return os.path.normpath(os.path.join(self.project, self.settings.config.out))

    @property
    def layout(self) -> str:
        """Where the outputs are, as the state remembers it."""
        return "" if self.settings.in_place else os.path.relpath(self.out, self.project)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks to be built, and how."""

    names: tuple[str, ...] = ()
    """Names, globs and paths; empty for every function."""
    jobs: int | None = None
    fail_fast: bool = False
    force: bool = False
    report: str | None = None


def read_config(working: str, explicit: str | None) -> tuple[str, Config]:
    """Return the project directory and the configuration that holds in `working`.

    Raises:
        LambdabuildError: the file cannot be read, or what it says is wrong.

    """
    if explicit is None:
        project = enclosing(working, FILE_NAME)
        if project is None:
            return working, Config()
        path = os.path.join(project, FILE_NAME)
    else:
        path = os.path.normpath(os.path.join(working, explicit))
        project = os.path.dirname(path)
    shown = os.path.relpath(path, working)
    try:
        text = Path(path).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise LambdabuildError(f"this is not UTF-8: {error.reason}", at=[shown]) from error
    except OSError as error:
        raise LambdabuildError(
            f"cannot read the configuration `{shown}`: {error.strerror}",
            hint="`lambdabuild init` writes one",
        ) from error
    return project, parse_config(text, shown)


def find_functions(
    session: Session, names: Sequence[str], *, thorough: bool = False
) -> tuple[str, Discovery, list[Function]]:
    """Return the path of `go`, all that was found, and the functions that `names` means."""
    go = find_go(session.environment)
    discovery = discover(
        session.run,
        go,
        session.settings,
        project=session.project,
        working=session.working,
        environment=session.environment,
        thorough=thorough,
    )
    _refuse_unknown_tables(session.settings, discovery)
    functions = list(discovery.functions)
    if names:
        functions = naming.select(
            names,
            functions,
            relative={f.directory: session.relative(f.directory) for f in functions},
            working=session.working,
            excluded=discovery.excluded,
        )
    return go, discovery, functions


def _refuse_unknown_tables(settings: Settings, discovery: Discovery) -> None:
    known = {function.name for function in discovery.functions} | set(discovery.excluded)
    tables = settings.config.functions
    directories = {item.directory for item in discovery.skipped}
    for name, table in tables.items():
        # A table for a function that is passed over may stay: the reason is given elsewhere.
        skipped = table.directory in directories or any(
            name == directory.replace(os.sep, "-").partition("-")[2] for directory in directories
        )
        if name not in known and not skipped:
            raise LambdabuildError(
                f"there is no function `{name}`",
                at=[f'{settings.config.source}, table `[functions."{name}"]`'],
                hint=did_you_mean(name, known) or "`lambdabuild list` shows all there are",
            )


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
    ], discovery.skipped


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
    with home.locked(lambda who: _say_waiting(session.console, who)), home.staging() as staging:
        state = home.load()
        go, discovery, functions = find_functions(session, request.names)
        plan = _plan(session, discovery, functions)
        session.console.skipped(discovery.skipped)
        publish.check_writable(_output_directories(session, plan))
        toolchain = _toolchain(session, go, request.jobs)
        session.console.building(plan)
        try:
            linked = _build_all(session, request, plan, discovery, toolchain, state, staging)
        finally:
            session.console.built()
        with session.interrupts.held_off():
            results = _publish_all(session, request, plan, linked, state)
            removed = _prune(session, request, plan, discovery, state)
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
    session.console.skipped(discovery.skipped)
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
            gotool.shell_line(
                Command(("mkdir", "-p", staging.temporary), batch.directory)
            ).removeprefix(f"cd {batch.directory} && env "),
            gotool.shell_line(command),
        ]
    return lines, plan


def _names(batch: Batch) -> str:
    return ", ".join(step.function.name for step in batch.steps)


def _say_waiting(console: Console, who: str) -> None:
    console.say(f"waiting for another lambdabuild (process {who}) to finish in this repository")


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
        at=[f"{item.directory}: {item.reason}" for item in discovery.skipped[:5]],
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


def _prune(
    session: Session, request: Request, plan: Plan, discovery: Discovery, state: State
) -> list[str]:
    """Remove the outputs of functions that went away, and of targets no longer asked for."""
    planned = {os.path.relpath(step.artifact, session.project) for step in plan.steps}
    building = {step.function.name for step in plan.steps}
    removed = []
    for artifact in list(state.artifacts.values()):
        if artifact.layout != session.layout or artifact.path in planned:
            continue
        gone = not request.names and _is_gone(session, artifact, discovery)
        if artifact.function in building or gone:
            boundary = session.out if session.layout else session.project
            removed += _remove(session, artifact, state, boundary)
    return removed


def _remove(session: Session, artifact: Artifact, state: State, boundary: str) -> list[str]:
    """Remove one artifact; return its path if it was removed, and say so if it may not be."""
    path = os.path.normpath(os.path.join(session.project, artifact.path))
    removal = publish.remove(artifact, state, session.project, boundary)
    if removal is Removal.LEFT:
        session.console.warn(
            f"`{session.relative(path)}` is left, for somebody else has changed it"
        )
    return [path] if removal is Removal.REMOVED else []


def _is_gone(session: Session, artifact: Artifact, discovery: Discovery) -> bool:
    if discovery.excluded.get(artifact.function) in session.settings.also_exclude:
        return False
    directory = os.path.join(session.project, artifact.directory)
    if not os.path.isdir(directory):
        return True
    # What `--root` leaves out, or a warning was given of, has not gone away.
    if any(
        item.hint and _is_below(artifact.directory, item.directory) for item in discovery.skipped
    ):
        return False
    return any(_is_below(artifact.directory, root) for root in session.settings.config.roots)


def _is_below(directory: str, root: str) -> bool:
    return Path(os.path.normpath(directory)).is_relative_to(os.path.normpath(root))


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


def clean(session: Session) -> list[str]:
    """Remove what lambdabuild wrote and nobody changed since; return the paths removed."""
    home = Home(session.project)
    if not home.path.exists():
        return []
    removed = []
    with home.locked(lambda who: _say_waiting(session.console, who)):
        state = home.load()
        manifests = {os.path.dirname(path) for path in state.manifests}
        removed += [
            os.path.join(session.project, path)
            for path in list(state.manifests)
            if publish.remove_manifest(path, state, session.project)
        ]
        layouts = {a.layout for a in state.artifacts.values()} | manifests
        for artifact in list(state.artifacts.values()):
            boundary = os.path.normpath(os.path.join(session.project, artifact.layout))
            removed += _remove(session, artifact, state, boundary)
        for layout in layouts - {""}:
            with _ignoring_full_directories():
                os.rmdir(os.path.normpath(os.path.join(session.project, layout)))
        home.forget()
    return removed


@contextmanager
def _ignoring_full_directories() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.debug("left in place: %s", error)
