"""Run the batches of a plan, and publish what they made."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lambdabuild.build.gobuild.batches import Batches
from lambdabuild.build.restore import Keeper, caching_of, open_caches
from lambdabuild.build.size_limits import Limits, tell_of_methods
from lambdabuild.cache.transfer import Mode
from lambdabuild.config.options import Request
from lambdabuild.core import text
from lambdabuild.core.artifact import Input, epoch_of
from lambdabuild.core.build import Batch, Plan, Step
from lambdabuild.core.paths import Paths, name_of
from lambdabuild.core.record import record
from lambdabuild.core.result import Activity, Linked, Pace, StepResult
from lambdabuild.state import artifacts
from lambdabuild.state.state import State
from lambdabuild.state.store import Home, check_writable
from lambdabuild.survey.recheck import mark_changed_inputs
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Key, Survey
from lambdabuild.system import machine

if TYPE_CHECKING:
    from lambdabuild.build.obstacles import Replacing
    from lambdabuild.packaging.bills import Writer
    from lambdabuild.packaging.packer import Ready


Published = Callable[[Sequence[StepResult]], None]
"""Hears what became of the steps of a build, once executables are in place."""


@record
class Builder:
    """Builds and publishes what a survey found not to be up to date."""

    session: Session
    request: Request
    home: Home
    state: State
    found: Survey
    links: bool = True
    """Whether anything is linked; if not, functions are compiled alone."""
    examines: bool = False
    """Whether it is linked to be examined, with what only the linker knows, and not published."""

    @property
    def _batches(self) -> Batches:
        return Batches(
            self.session, self.request, self.found, self.state,
            links=self.links, examines=self.examines,
        )  # fmt: skip

    def check(self) -> list[Linked]:
        """Compile every requested function, and link and publish nothing; return the results."""
        with self.home.staging() as staging:
            return self.staged(staging)

    def staged(self, staging: str) -> list[Linked]:
        """Build every requested function into a directory, and publish nothing; return the results."""
        self._announce(self.found.plan)
        try:
            return self._batches.run(self.found.plan, staging, lambda _: False)
        finally:
            self.session.tools.console.built()

    def run(
        self, outdated: Callable[[Batch], bool], published: Published = lambda _: None
    ) -> list[StepResult]:
        """Build, pack and publish; return what became of each step.

        `outdated` is asked, again and again, whether a batch is worth building any more; `published`
        hears of what is in place before it is stored in caches. Where a signal interrupts this,
        nothing was put in place.
        """
        session, found = self.session, self.found
        plan = found.to_build
        steps = [*plan.steps, *found.only_to_pack]
        sources = (step.function.directory for step in steps)
        check_writable([session.paths.out] if session.paths.layout else sorted(set(sources)))
        with (
            self.home.staging() as staging,
            _keeping(session, self.request, found, staging) as keeper,
        ):
            bills = _bills(session, found.go.path, self.state, staging, steps)
            restored = keeper.restore(plan) if keeper and not self.request.force else []
            if restored:
                done = {linked.step.key for linked in restored}
                plan = plan.only({step.key for step in plan.steps} - done)
            if plan.steps:
                self._announce(plan)
            try:
                linked = self._batches.run(plan, staging, outdated)
            finally:
                session.tools.console.built()
            _warn_of_missing_c(session, found, linked)
            linked += restored
            linked += [Linked(step, current=True) for step in found.only_to_pack]
            # Not before `go` works: it would only keep it from starting.
            from lambdabuild.packaging.packer import Packer

            packer = Packer(
                session.paths.project, os.path.join(staging, "packages"), self.state.artifacts,
                epoch=epoch_of(session.tools.environment), in_place=session.settings.in_place,
                timeline=session.tools.timeline,
            )  # fmt: skip
            ready = packer.pack_all(session.tools.run, linked)
            if bills is not None:
                ready = bills.add(linked, ready)
            with session.tools.interrupts.held_off(), session.tools.timeline.span(Activity.PUBLISH):
                inputs = mark_changed_inputs(found, session.paths.project)
                failed = [
                    artifacts.failed(step, step.load_errors, self.state, session.paths.project)
                    for step in plan.set_aside
                ]
                results = failed + self._publish(inputs, linked, ready)
            published(results)
            if keeper:
                keeper.finish(results, inputs)
            return results

    def _announce(self, plan: Plan) -> None:
        """Begin to show progress."""

        def pace() -> Pace:
            from lambdabuild.state.history import read_history
            from lambdabuild.state.trends import pace_of

            return pace_of(read_history(self.home.history))

        jobs = self.request.jobs or machine.processors()
        self.session.tools.console.building(plan, jobs=jobs, pace=pace, links=self.links)

    def _publish(
        self, inputs: Mapping[Key, tuple[Input, ...]], linked: Sequence[Linked], ready: "Ready"
    ) -> list[StepResult]:
        """Put what is ready in its place; `inputs` are those that are sure after the build."""
        from lambdabuild.build.publish import Publisher
        from lambdabuild.packaging.packer import Packed

        session, state, project = self.session, self.state, self.session.paths.project
        may_replace = replacing(session.paths, self.request, self.found)
        publisher = Publisher(project, session.paths.layout, state, inputs, may_replace)
        _refuse_sizes(Limits(session, self.home), state, linked, ready)
        # If this process is killed now, its files still count as lambdabuild's.
        self.home.announce(
            [
                publisher.announcement(item, packed)
                for item in linked
                if isinstance(packed := ready.get(item.step.key), Packed)
            ]
        )
        results, built = [], []
        try:
            for item in linked:
                packed = ready.get(item.step.key)
                if item.cancelled:
                    results.append(artifacts.cancelled(item.step, state, project))
                elif not isinstance(packed, Packed):
                    errors = (*item.errors, packed) if packed is not None else item.errors
                    results.append(artifacts.failed(item.step, errors, state, project))
                else:
                    built.append(name_of(item.step.artifact, project))
                    put = publisher.confirm if item.current else publisher.publish
                    results.append(put(item, packed, self.found.reasons[item.step.key]))
                    _warn_of_size(session, results[-1])
                    tell_of_methods(session, results[-1])
        finally:
            artifacts.settle(state, built, self.home.clock)
        return results


@contextlib.contextmanager
def _keeping(
    session: Session, request: Request, found: Survey, staging: str
) -> Iterator[Keeper | None]:
    """Open the caches, and close them at the end."""
    caches = None
    if found.to_build.batches:
        caching = caching_of(session)
        if caching.url is not None and request.local_cache_only:
            # A mode that was set for the shared cache is not meant for this machine's.
            mode = Mode.OFF if caching.mode is Mode.OFF else Mode.READ_WRITE
            caching = caching._replace(url=None, mode=mode)
        caches = open_caches(session.tools, caching)
    directory = os.path.join(staging, "restored")
    os.makedirs(directory)
    cancelled = True
    try:
        yield Keeper(session, caches, found, directory) if caches else None
        cancelled = False
    finally:
        if caches is not None:
            caches.close(cancelled=cancelled)


def replacing(paths: Paths, request: Request, found: Survey) -> "Replacing":
    """Return what of other people's files a run may replace."""
    from lambdabuild.build.obstacles import replacing_in

    out = paths.out if paths.layout else None
    sources = (function.directory for function in found.discovery.functions)
    return replacing_in(out, sources, forced=request.replace)


def _refuse_sizes(limits: Limits, state: State, linked: Sequence[Linked], ready: "Ready") -> None:
    """Take out what may not be published: it replaces nothing."""
    from lambdabuild.packaging.packer import Packed

    for item in linked:
        packed = ready.get(item.step.key)
        if isinstance(packed, Packed):
            before = state.artifacts.get(name_of(item.step.artifact, limits.session.paths.project))
            previous = before.identity.size if before else None
            refusal = limits.refusal(item.step, packed.identity.size, previous)
            if refusal is not None:
                ready[item.step.key] = refusal


def _warn_of_size(session: Session, result: StepResult) -> None:
    from lambdabuild.packaging.verify import MOST_FOR_UPLOAD

    if result.zip is not None and result.zip.identity.size > MOST_FOR_UPLOAD:
        session.tools.console.warn(
            f"`{session.paths.relative(os.path.join(session.paths.project, result.zip.path))}` is "
            f"{text.size(result.zip.identity.size)}, too large to be uploaded in a request",
            "Lambda takes up to 50 MiB so; put it into S3 and deploy it from there",
        )


def _bills(
    session: Session, go: str, state: State, staging: str, steps: Sequence[Step]
) -> "Writer | None":
    """Return the writer of bills of materials; None where no function has one."""
    if not any(step.sbom for step in steps):
        return None
    from lambdabuild.packaging import bills, sbom

    sbom.check_library()
    return bills.Writer(
        session.tools.run, go, session.paths.project, os.path.join(staging, "bills"),
        epoch_of(session.tools.environment), state.artifacts,
    )  # fmt: skip


def _warn_of_missing_c(session: Session, found: Survey, linked: Sequence[Linked]) -> None:
    from lambdabuild.survey.cgo.withoutc import warnings

    made = [item.step.key for item in linked if item.executable or item.current]
    batches = found.to_build.batches
    for message, hint in warnings(batches, made, session.settings, found.discovery.goflags):
        session.tools.console.warn_once(message, hint)
