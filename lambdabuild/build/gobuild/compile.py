"""Drive one `go build`: stage, run, follow its events, and return the result of each function."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from lambdabuild.build.gobuild.gocache import Distrusted, forget_packages, keep_apart, list_sources
from lambdabuild.core.build import Batch, Event, Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.record import field, record
from lambdabuild.core.result import Linked, Span
from lambdabuild.golang import commands
from lambdabuild.golang.action_graph import parse_actions, parse_dependencies
from lambdabuild.golang.commands import Staging
from lambdabuild.golang.output import Timing, parse_build_output, without_stacks
from lambdabuild.survey.plan import reached
from lambdabuild.system import directories
from lambdabuild.system.process import Command, Completed, Run, Stop

log = logging.getLogger(__name__)


_REFUSED = 2
"""How `go build` exits when its flags or its environment make no sense to it."""
_TRIES = 3
"""How often a function is built whose sources change while they are compiled."""


@record
class Toolchain:
    """What every `go build` of a run has in common."""

    go: str
    jobs: int
    memory_limit: int | None
    """Of each process, in bytes."""


def wrapper_path() -> str:
    """Return the path of the script that `-toolexec` runs."""
    return str(Path(__file__).parents[2] / "toolexec.sh")


def examiner_path() -> str:
    """Return the path of the script that links what is examined."""
    return str(Path(__file__).parents[2] / "examine.sh")


def stage(directory: str, number: int, batch: Batch, *, observed: bool = True) -> Staging:
    """Return where the `go build` of a run's batch puts things, without making anything."""
    name = f"{number}-{batch.target.goos}-{batch.target.goarch}"
    return Staging(
        directory=os.path.join(directory, name),
        temporary=os.path.join(directory, f"{name}-tmp"),
        wrapper=wrapper_path(),
        events=os.path.join(directory, f"{name}-events") if observed else None,
        graph=os.path.join(directory, f"{name}-graph.json") if observed else None,
        python=sys.executable if observed else None,
    )


class GoBuild(NamedTuple):
    """One `go build`: all that goes into it."""

    batch: Batch
    toolchain: Toolchain
    staging: Staging
    goflags: str
    """GOFLAGS, with what `go env -w` wrote."""
    jobs: int | None = None
    """As many at once; None for as many as the toolchain has."""
    current: Mapping[str, str] = MappingProxyType({})
    """The link IDs of artifacts in place, by import path: the same link is not made again."""
    distrusted: Distrusted | None = None
    """What is compiled anew, whatever Go's build cache has of it."""
    overlay: commands.Overlay | None = None
    """What Go sees in the place of files."""

    def command(self, *, everything: bool = False) -> Command:
        """Return the command; with `everything`, one that compiles all packages anew."""
        batch = self.batch
        command = commands.build_command(
            commands.BuildContext(
                self.toolchain.go, batch.directory, batch.target, batch.flags, self.goflags
            ),
            [step.function.package for step in batch.steps],
            jobs=self.jobs or self.toolchain.jobs,
            staging=self.staging,
            memory_limit=self.toolchain.memory_limit,
            everything=everything,
            overlay=self.overlay,
        )
        return keep_apart(command, self.distrusted)


class Observer(NamedTuple):
    """Whoever looks on while `go build` runs."""

    observe: Callable[[Event | None], None]
    """Called with every event, and with None at every tick."""
    stop: Callable[[], Stop | None]
    """Asked at every tick whether to stop the build; what is finished counts."""
    note: Callable[[tuple[Span, ...]], None]
    """Called with what `go build` spent its time on."""
    expect: Callable[[Mapping[str, Sequence[str]]], None] | None = None
    """Called once, with the packages of the build, each with those that are compiled before it."""


def build(run: Run, job: GoBuild, observer: Observer, tries: int = _TRIES) -> list[Linked]:
    """Build a batch with one `go build` and return what became of each step.

    Where a fault that `go list` did not see stops the whole `go build` before anything is
    compiled, the functions at fault are left out and the others built again. Functions whose
    sources changed while they were compiled are built again as well, `tries` times in all.
    """
    batch, staging = job.batch, job.staging
    _prepare(job)
    events = _Events(str(staging.events), batch)
    expect = observer.expect

    def tick() -> Stop | None:
        nonlocal expect
        for event in events.read():
            observer.observe(event)
        if expect is not None and events.seen and os.path.isfile(str(staging.graph)):
            expect(parse_dependencies(_graph(staging)))
            expect = None
        observer.observe(None)
        return observer.stop()

    command = job.command()
    list_sources(batch, staging, job.goflags)

    def export() -> Completed:
        exported = run(commands.export_command(command), tick)
        observer.note(parse_actions(_graph(staging)).spans)
        return exported

    distrusted = job.distrusted
    forgotten = (
        distrusted is None
        or not distrusted.packages
        or _forget(
            distrusted, export, events, tries, lambda: list_sources(batch, staging, job.goflags)
        )
    )
    if not forgotten:
        command = job.command(everything=True)
    completed = run(command, tick)
    tick()
    if completed.code == _REFUSED and not events.seen and not completed.stopped:
        from lambdabuild.golang.remedies import remedy_for

        printed = without_stacks(f"{completed.output}{completed.error}")
        hint = remedy_for(printed)
        raise LambdabuildError(f"`go build` refuses: {printed}", at=[batch.directory], hint=hint)
    steps = _conclude(job, completed, events, observer.note)
    rest = () if completed.stopped else _to_build_again(batch, steps, completed, events, tries)
    left = {step.key for step in rest}
    steps = [_explained(linked, completed) for linked in steps if linked.step.key not in left]
    if rest:
        log.info("go build again, for %d functions", len(rest))
        if forgotten and distrusted is not None:
            distrusted = distrusted._replace(packages=frozenset())
        again = job._replace(batch=batch._replace(steps=rest), distrusted=distrusted)
        steps += build(run, again, observer, tries - bool(events.refused))
    return steps


def _graph(staging: Staging) -> str:
    """Return the graph of actions, as Go has it so far; empty where there is none."""
    try:
        return Path(str(staging.graph)).read_text("utf-8", "replace")
    except OSError:
        return ""


def _forget(
    distrusted: Distrusted,
    export: Callable[[], Completed],
    events: "_Events",
    tries: int,
    list_again: Callable[[], None],
) -> bool:
    """Have Go forget what is distrusted; return False where only compiling everything does.

    `export` compiles what Go's cache has not, and may be refused as any build: then what imports
    the refused has no ID yet, and it is asked again, `tries` times in all.
    """
    for _ in range(tries):
        listed = export()
        forgotten = listed.code == 0 and forget_packages(listed.output, distrusted)
        if not events.take_refused():
            return forgotten
        list_again()
    return False


def _to_build_again(
    batch: Batch, steps: Iterable[Linked], completed: Completed, events: "_Events", tries: int
) -> tuple[Step, ...]:
    """Return the steps that are no worse for what stopped or refused them this time."""
    if events.refused:
        missing = (linked.step for linked in steps if not (linked.executable or linked.current))
        refused = (s for s in missing if reached(batch.graph, s.function.package, events.refused))
        return tuple(refused) if tries > 1 else ()
    blamed = {linked.step.key for linked in steps if linked.errors}
    if completed.code > 0 and not events.seen and blamed:
        return tuple(step for step in batch.steps if step.key not in blamed)
    return ()


def _prepare(job: GoBuild) -> None:
    staging = job.staging
    os.makedirs(staging.temporary, exist_ok=True)
    for step in job.batch.steps:
        package = step.function.package
        directories.make(os.path.dirname(staging.executable(package)))
        if package in job.current:
            Path(staging.current(package)).write_text(f"{job.current[package]}\n", "utf-8")
    Path(str(staging.events)).write_bytes(b"")


@record
class _Events:
    """Read the wrapper's events as they are appended."""

    path: str
    batch: Batch
    offset: int = 0
    seen: bool = False
    current: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    """Packages whose sources changed while they were compiled."""
    started: dict[tuple[str, str], float] = field(default_factory=dict)
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)

    def take_refused(self) -> bool:
        """Return whether a package was refused, and begin anew: nothing is seen yet."""
        refused = bool(self.refused)
        self.refused.clear()
        self.seen = False
        return refused

    def read(self) -> list[Event]:
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                text = file.read()
        except OSError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self.offset += len(whole)
        return [self._take(line) for line in whole.decode("utf-8", "replace").splitlines()]

    def _take(self, line: str) -> Event:
        now = time.monotonic()
        kind, tool, rest = line.split(" ", 2)
        package = rest
        self.seen = True
        if kind == "done":
            status, package = rest.split(" ", 1)
            kind = "done" if status == "0" else "failed"
            begun = self.started.get((tool, package), now)
            self.seconds[tool, package] = now - begun
        elif kind == "current":
            package = rest.split(" ", 1)[1]
            self.current.add(package)
        elif kind == "refused":
            self.refused.add(package)
        else:
            self.started[tool, package] = now
        return Event(self.batch, kind, tool, package, now)


def _conclude(
    job: GoBuild, completed: Completed, events: _Events, note: Callable[[tuple[Span, ...]], None]
) -> list[Linked]:
    """Return what became of each step: from what one `go build` left and printed."""
    batch = job.batch
    output = parse_build_output(
        f"{completed.output}{completed.error}", batch.graph, batch.directory
    )
    at_fault = dict(output.by_package)
    other = []
    packages = {package.directory: path for path, package in batch.graph.items()}
    for diagnostic in output.other:
        # Said of a file, under no heading: then it is of the package the file is in.
        path = packages.get(os.path.dirname(diagnostic.file or ""))
        if path is None:
            other.append(diagnostic)
        else:
            at_fault[path] = (*at_fault.get(path, ()), diagnostic)
    timings = _timings(batch, job.staging, events, note)
    # Go ends with 0 or 1. Any other way out, and nothing it left can be relied on; even after
    # a stop, an executable counts only once its build ID is final, which publishing checks.
    orderly = completed.code in {0, 1} or completed.stopped

    def linked(step: Step) -> Linked:
        package = step.function.package
        timing = timings.get(package, Timing())
        executable = job.staging.executable(package)
        if orderly and package in events.current:
            return Linked(step, current=True, compile_seconds=timing.compile)
        if orderly and os.path.isfile(executable):
            return Linked(
                step, executable=executable,
                compile_seconds=timing.compile, link_seconds=timing.link,
            )  # fmt: skip
        faulty = reached(batch.graph, package, at_fault)
        errors = tuple(error for path in faulty for error in at_fault[path])
        if completed.stopped and not errors:
            return Linked(step, cancelled=True)
        return Linked(step, errors=errors or tuple(other), compile_seconds=timing.compile)

    return [linked(step) for step in batch.steps]


def _explained(linked: Linked, completed: Completed) -> Linked:
    """Add to a step that failed without an error of its own how `go build` ended."""
    if linked.executable or linked.current or linked.cancelled or linked.errors:
        return linked
    code = completed.code
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    printed = f"{completed.output}{completed.error}".strip()
    message = f"`go build` {how} and made no executable" + (f"\n{printed}" if printed else "")
    return Linked(linked.step, errors=(Diagnostic(None, message),))


def _timings(
    batch: Batch, staging: Staging, events: _Events, note: Callable[[tuple[Span, ...]], None]
) -> Mapping[str, Timing]:
    names = {step.function.package: step.function.name for step in batch.steps}
    actions = parse_actions(_graph(staging), names)
    if actions.timings:
        note(actions.spans)
        return actions.timings
    seconds = events.seconds
    return {
        package: Timing(seconds.get(("compile", package)), seconds.get(("link", package)))
        for _, package in seconds
    }
