"""Run every batch of a plan: some after one another, the rest at the same time."""

import functools
import importlib
import threading
from collections.abc import Callable

from lambdabuild.build.gobuild.compile import (
    GoBuild,
    Observer,
    Toolchain,
    build,
    examiner_path,
    stage,
)
from lambdabuild.build.gobuild.gocache import find_distrusted
from lambdabuild.config.options import Request
from lambdabuild.core.build import Batch, Event, Plan
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.paths import name_of
from lambdabuild.core.record import record
from lambdabuild.core.result import Activity, Linked
from lambdabuild.golang import commands
from lambdabuild.output.terminal.console import Console
from lambdabuild.state import artifacts
from lambdabuild.state.state import State
from lambdabuild.survey.eawsy.adapting import overlay_for
from lambdabuild.survey.plan import batches_in_order
from lambdabuild.survey.session import Session, Tools
from lambdabuild.survey.survey import Survey
from lambdabuild.system import machine
from lambdabuild.system.logfile import open_log
from lambdabuild.system.process import Stop, in_parallel


@record
class Batches:
    """Builds the batches of what a survey found."""

    session: Session
    request: Request
    found: Survey
    state: State
    links: bool = True
    """Whether anything is linked; if not, functions are compiled alone."""
    examines: bool = False
    """Whether it is linked to be examined, with what only the linker knows."""

    def run(self, plan: Plan, staging: str, outdated: Callable[[Batch], bool]) -> list[Linked]:
        """Run every batch, and return what became of every step that was not set aside.

        `outdated` is asked, again and again, whether a batch is worth building any more.
        """
        session, request = self.session, self.request
        toolchain = toolchain_for(session.tools, self.found.go.path, request.jobs)
        failing = bool(plan.set_aside)
        done: list[Linked] = []
        meanwhile = functools.cache(
            functools.partial(_load_meanwhile, console=session.tools.console)
        )
        # Batches that run at the same time report in turn.
        lock = threading.Lock()

        def observe(event: Event | None) -> None:
            nonlocal failing
            meanwhile()
            with lock:
                if event is not None:
                    failing = failing or event.kind == "failed"
                session.tools.console.observe(event)

        def one(batch: Batch, jobs: int | None = None) -> list[Linked]:
            def stop() -> Stop | None:
                if outdated(batch):
                    return Stop.NOW
                # Go has yet to print why: a step without a message would count as cancelled.
                return Stop.SOON if request.fail_fast and failing else None

            if stop():
                return [Linked(step, cancelled=True) for step in batch.steps]
            environment = self.found.discovery.environments[batch.directory]
            place = stage(staging, batch.number, batch)._replace(
                links=self.links, examiner=examiner_path() if self.examines else None
            )
            may_skip = self.links and not self.examines and not request.force
            job = GoBuild(
                batch,
                toolchain,
                place,
                environment.flags,
                jobs=jobs,
                overlay=overlay_for(
                    batch, environment, self.found.findings, place, session.tools.console
                ),
                current=self._current(batch) if may_skip else {},
                distrusted=find_distrusted(
                    batch,
                    environment.cache,
                    session.tools.environment,
                    self.found.go.settings,
                    everything=request.force,
                ),
            )
            with session.tools.timeline.span(Activity.GO_BUILD, str(batch.target)):
                note = session.tools.timeline.add
                expect = session.tools.console.expecting(batch, lock)
                observer = Observer(observe, stop, lambda spans: note(*spans), expect)
                linked = build(session.tools.run, job, observer)
            return [
                item._replace(errors=self._explained(item, batch, environment.flags))
                for item in linked
            ]

        alone, together = batches_in_order(plan.batches)
        for batch in alone:
            done += one(batch)
            failing = failing or any(linked.errors for linked in done)
        workers = min(toolchain.jobs, len(together))
        if together:
            jobs = max(1, toolchain.jobs // workers)
            for linked in in_parallel(session.tools.run, lambda b: one(b, jobs), together, workers):
                done += linked
        return done

    def _explained(self, linked: Linked, batch: Batch, goflags: str) -> tuple[Diagnostic, ...]:
        """Return why a step was not linked, with what would help."""
        errors = linked.errors
        if not errors:
            return errors
        from lambdabuild.survey.cgo.withoutc import with_remedy

        if linked.step.function.adapter is not None:
            from lambdabuild.survey.eawsy.signatures import with_signatures

            errors = with_signatures(errors, linked.step, batch.graph)
        return with_remedy(errors, linked.step, batch.graph, goflags)

    def _current(self, batch: Batch) -> dict[str, str]:
        """Return the link IDs of the batch's artifacts that are in place as they were written."""
        current: dict[str, str] = {}
        if commands.uses_cgo(batch.target, batch.flags):
            # Go leaves out of the ID what it links C with, and for which C library.
            return current
        project = self.session.paths.project
        for step in batch.steps:
            artifact = self.state.artifacts.get(name_of(step.artifact, project))
            if (
                artifact is not None
                and artifact.link_id is not None
                and artifact.key == step.key
                and artifacts.is_verified(artifact, project)
            ):
                current[step.function.package] = artifact.link_id
        return current


def toolchain_for(tools: Tools, go: str, jobs: int | None) -> Toolchain:
    """Return what every `go build` of a run has in common."""
    count = jobs or machine.processors()
    limit = None
    if not {"GOGC", "GOMEMLIMIT"} & tools.environment.keys():
        limit = machine.heap_limit(machine.available_memory(), machine.memory(), count)
    return Toolchain(go, count, limit)


_NEEDED_LATER = (
    "elftools.elf.elffile",
    "lambdabuild.build.publish",
    "lambdabuild.output.terminal.table",
    "lambdabuild.sizes.methods",
    "lambdabuild.state.history",
    "lambdabuild.state.trends",
    "lambdabuild.survey.cgo.withoutc",
)


def _load_meanwhile(console: Console) -> None:
    """Import, on a thread, what is needed once `go` is done: together a tenth of a second.

    To be called once `go` works: before, this would only keep it from starting.
    """
    boards = ("lambdabuild.output.terminal.pinned",) if console.boarded else ()

    def load() -> None:
        open_log()
        for name in (*boards, *_NEEDED_LATER):
            importlib.import_module(name)

    threading.Thread(target=load, daemon=True).start()
