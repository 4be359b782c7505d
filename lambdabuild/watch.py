"""Build, then rebuild what changes affect, until the user stops it."""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from lambdabuild.build.restore import caching_of
from lambdabuild.cache.transfer import Mode
from lambdabuild.config.options import Request
from lambdabuild.core.build import Batch, Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.record import field, record
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.filewatch.baseline import Watched
from lambdabuild.filewatch.bursts import come_to_rest
from lambdabuild.filewatch.keyboard import keys
from lambdabuild.filewatch.notifier import Watcher
from lambdabuild.filewatch.on_success import FollowUp
from lambdabuild.filewatch.roles import Demand, Display
from lambdabuild.filewatch.surroundings import directories_to_watch
from lambdabuild.filewatch.wakeups import Wakeups
from lambdabuild.golang.tree import releasing
from lambdabuild.output import events
from lambdabuild.output.streams import print_json
from lambdabuild.output.terminal.board import Board
from lambdabuild.pipeline import locked
from lambdabuild.survey.recheck import dependents_of
from lambdabuild.survey.session import Session, Tools
from lambdabuild.survey.survey import Key, Survey
from lambdabuild.system.process import Run, Runner

log = logging.getLogger(__name__)

_LOOK_EVERY = 10.0
"""Seconds after which the disk is looked at without an event: one may have been lost."""
_LOOK_SELDOM = 30.0
"""The same where whoever wants something built looks at its files anyway."""
_CHECK_EVERY = 0.2
"""Seconds between two looks at a command that runs."""
_POLL_EVERY = 0.5
"""The same with `--poll`."""
_BUILDING = frozenset({"r", "f"})
"""Keys that ask for a build."""


@record
class WatchOptions:
    """How to watch, and what to build."""

    request: Request
    json: bool = False
    poll: bool = False
    command: str | None = None
    """Run after each successful build of something."""
    bell: bool = False
    """Ring when a build fails, and when that is repaired."""
    reload: bool = True
    """Look at files at all, after the first survey."""


def watch(session: Session, options: WatchOptions, reopen: Callable[[Session], Session]) -> None:
    """Build and watch until `q` is pressed; `reopen` reads the configuration again.

    Raises:
        LambdabuildError: the first build could not start.
        Interrupted: a signal came.

    """
    signals = Wakeups()
    watcher = Watcher(signals.files_changed)
    console = session.tools.console
    follow_up = FollowUp(
        options.command, session.tools.environment, console, lambda: loop.shared_cache
    )
    # Where events go to the same terminal, no line stays in its place there.
    console.lent = lambda: (options.json and sys.stdout.isatty()) or follow_up.running
    board = Board(console, bell=options.bell)
    with keys(signals.press, console.stopping, signals.terminal_changed) as interactive:
        loop = Loop(session, options, reopen, watcher, signals, board, follow_up, runner_of)
        try:
            board.open(interactive=interactive)
            loop.run()
        finally:
            board.close()
            follow_up.close()
            watcher.close()


@record
class Loop:
    """The state of a watch."""

    session: Session
    options: WatchOptions
    reopen: Callable[[Session], Session]
    watcher: Watcher
    signals: Wakeups
    board: Display
    follow_up: FollowUp
    runner: Callable[[Tools], Run]
    """Makes, for each build, what runs its commands."""
    found: Survey | None = None
    """What the last run found."""
    watched: Watched = field(default_factory=Watched)
    doubted: bool = False
    """Something may have changed while `go list` ran."""
    polling: bool = False
    """There are no events, and the user was warned."""
    started: bool = False
    """The first build is done."""
    forced: str = ""
    """`r` for everything, `f` for what failed."""
    failed: dict[Key, tuple[object, ...]] = field(default_factory=dict)
    """What failed, and what it was made from."""
    reported_failed: set[Key] = field(default_factory=set)
    """Steps last reported as failed."""
    affected: frozenset[Key] = frozenset()
    demand: Demand | None = None
    """Who wants something built; None where all is."""
    idle: frozenset[Key] = frozenset()
    """What is out of date, and nobody wants."""

    @property
    def shared_cache(self) -> str | None:
        """The address of the shared cache, where one is used."""
        caching = caching_of(self.session)
        return None if caching.mode is Mode.OFF else caching.url

    def run(self) -> None:
        """Watch until the user quits."""
        self._first()
        while True:
            again = self.options.reload and self._arm()
            if self.signals.quitting or (not again and not self._wait()):
                return
            project = self.session.paths.project
            come_to_rest(project, self.signals, self.watcher, self.watched, self._own)
            if not self.signals.quitting:
                self._rebuild()

    def _first(self) -> None:
        started = time.monotonic()
        self.watched.note_configuration(self.session)
        self.session = self.reopen(self.session)
        report = self._build(self.options.request)
        self.board.first(report, self.session.paths.relative)
        if report.problem is not None:
            raise report.problem
        self.session.tools.console.calm = True
        self._report(report)
        self.started = True
        if self.options.reload:
            self._arm()
        steps = self.found.plan.steps if self.found is not None else ()
        count = len({step.function.name for step in steps})
        self.board.watching(count)
        self._print(events.ready(count, time.monotonic() - started))

    def _build(self, request: Request) -> Report:
        """Run the pipeline once, and leave out what it cannot help."""
        tools = self.session.tools
        runner = self.runner(tools)
        if self.demand is not None:
            self.demand.begin()
        try:
            with locked(self.session._replace(tools=tools._replace(run=runner)), request) as run:
                self.watched.deployment = run.state.evidence.stamps
                found = self._narrowed(run.survey())

                def settled(results: Sequence[StepResult], *, complete: bool = False) -> None:
                    if self.demand is not None and self.found is not None:
                        self.demand.settled(
                            self.session, self.found, results, run.state.evidence, complete=complete
                        )

                report = run.build(found, lambda batch: self._is_outdated(found, batch), settled)
            settled(report.results, complete=True)
            return run.write_outlets(report)
        finally:
            runner.close()

    def _rebuild(self) -> None:
        """Survey again, and build what the changes affect."""
        request = self.options.request._replace(force=self.forced == "r", local_cache_only=True)
        if self.forced:
            self.failed.clear()
            self.board.asked(self.forced)
        self.forced = ""
        clock = time.time_ns()
        self.watched.note_configuration(self.session)
        try:
            self.session = self.reopen(self.session)
            report = self._build(request)
        except LambdabuildError as error:
            self.watched.changed.clear()
            self.board.stuck(error)
            self._print(events.stuck(error, self.session.paths.relative))
            if self.demand is not None:
                self.demand.stuck(error)
            self.watched.widen(self.session, self._own, clock)
            return
        self._report(report)
        if report.problem is not None:
            self.session.tools.console.error(report.problem, self.session.paths.relative)
            self._print(events.stuck(report.problem, self.session.paths.relative))

    def _narrowed(self, found: Survey) -> Survey:
        """Announce what changed; leave out what failed and did not change."""
        self.found = found
        self.watched.stamps = found.baseline.stamps
        self.doubted = found.baseline.stamps.doubted
        put_off = {
            step.key
            for step in found.plan.steps
            if step.key in found.reasons
            and self.failed.get(step.key) == _made_from(found, step.key)
        }
        found = self._wanted(found)
        reasons = {key: why for key, why in found.reasons.items() if key not in put_off}
        if self.watched.changed or self.reported_failed or (self.started and reasons):
            # What changed between the look that led here and that of the run.
            self.watched.changed |= dict.fromkeys(
                p for p in found.seen.changed if p in found.baseline.stamps.files
            )
        paths = set(self.watched.changed)
        broken = {
            step.key
            for step in found.plan.steps
            if step.load_errors and self._is_affected(found, step, paths)
        }
        affected = dependents_of(found, self.session.paths.project, paths) - put_off - self.idle
        self.affected = frozenset({*reasons, *broken, *affected})
        if self.watched.changed:
            self._announce(found)
        self.watched.changed.clear()
        return found._replace(reasons=reasons, put_off=frozenset(put_off))

    def _wanted(self, found: Survey) -> Survey:
        """Leave out what is not up to date, and nobody wants."""
        if self.demand is None:
            return found
        wanted = self.demand.wanted(found)
        steps = found.plan.steps
        self.idle = frozenset(
            step.key
            for step in steps
            if step.key not in wanted and (step.load_errors or step.key in found.reasons)
        )
        return found._replace(
            plan=found.plan.only({step.key for step in steps} - self.idle),
            everything=found.plan,
            reasons={key: why for key, why in found.reasons.items() if key not in self.idle},
        )

    def _is_affected(self, found: Survey, step: Step, paths: set[str]) -> bool:
        """Return whether anything changed about a step that cannot be loaded."""
        if self.failed.get(step.key) != step.load_errors:
            return True
        directories = found.directories(step)
        return any(os.path.dirname(path) in directories for path in paths)

    def _announce(self, found: Survey) -> None:
        steps = found.plan.steps
        names = dict.fromkeys(step.function.name for step in steps if step.key in self.affected)
        paths = [self.session.paths.relative(path) for path in sorted(self.watched.changed)]
        if not names and all(
            os.path.isdir(path) or self.watched.only_deploys(path) for path in self.watched.changed
        ):
            # A directory came or went that is part of nothing, or a template says what it said.
            return
        self._print(events.change(paths, names))
        self.board.changed(paths, list(names))

    def _is_outdated(self, found: Survey, batch: Batch) -> bool:
        """Return whether an input of a batch changed since, or the user quit."""
        if self.signals.quitting:
            return True
        if not self.watcher.pending() and not self.watched.changed:
            return False
        self.watcher.take()
        self.watched.look(self._own)
        if self.watched.shifted:
            return True
        affected = dependents_of(found, self.session.paths.project, self.watched.changed)
        return any(step.key in affected for step in batch.steps)

    @property
    def _own(self) -> AbstractSet[str]:
        return self.found.baseline.own if self.found is not None else frozenset()

    def _report(self, report: Report) -> None:
        """Report every function that a change affected."""
        relative = self.session.paths.relative
        news: list[StepResult] = []
        self.watched.look(self._own)
        for result in report.results:
            key = result.step.key
            if result.status is Status.FAILED:
                made_from = result.step.load_errors or _made_from(self.found, key)
                known = self.failed.get(key) == made_from and key not in self.affected
                if result.step.load_errors or not (self.watched.changed or self.doubted):
                    self.failed[key] = made_from
                else:
                    # Not of what was surveyed, perhaps: to be tried again with what changed.
                    self.failed.pop(key, None)
                if known:
                    continue
            elif result.status is Status.CANCELLED:
                continue
            else:
                self.failed.pop(key, None)
                affected = key in self.reported_failed or key in self.affected
                if not affected and result.status is Status.UP_TO_DATE:
                    continue
            news.append(result)
            failed = result.status is Status.FAILED
            (self.reported_failed.add if failed else self.reported_failed.discard)(key)
            self._print(events.outcome(result, relative))
        for artifact in report.removed:
            self._print(events.removed(artifact, relative))
        names = [step.function.name for step in self.found.plan.steps] if self.found else []
        self.board.results(report, news, names, relative)
        new = [r.step.function.name for r in news if r.status is Status.BUILT]
        # What failed before, and was not touched, keeps nobody from running the command.
        complete = not any(r.status is Status.CANCELLED for r in report.results)
        if new and complete and not any(r.status is Status.FAILED for r in news):
            self.follow_up.start(new)

    def _arm(self) -> bool:
        """Watch all directories that matter now; return whether something changed meanwhile."""
        if not self.options.poll:
            watched = self.watched
            directories = directories_to_watch(
                self.session.paths, watched.stamps, watched.configuration, watched.deployment
            )
            inputs = {os.path.basename(path) for path in watched.stamps.files}
            with self.session.tools.interrupts.held_off():
                self.watcher.arm(directories, self._own, inputs)
            self.polling = self.watcher.warn_of_failure(self.session.tools.console) or self.polling
        self.watched.look(self._own)
        doubted, self.doubted = self.doubted, False
        return bool(self.watched.changed) or doubted

    def _wait(self) -> bool:
        """Wait for something to build; return False if the user quits."""
        looked = time.monotonic()
        every = _LOOK_EVERY if self.demand is None else _LOOK_SELDOM
        if self.options.poll or self.polling:
            every = _POLL_EVERY
        while not (self.demand is not None and self.demand.pending):
            until = min(looked + every, self.board.next_draw())
            if self.follow_up.running:
                until = min(until, time.monotonic() + _CHECK_EVERY)
            seconds = 0 if self.signals.pressed else until - time.monotonic()
            if self.signals.wait(seconds) or time.monotonic() >= looked + every:
                looked = time.monotonic()
                if self.options.reload and self._look() and not self.signals.quitting:
                    return True
            while self.signals.pressed:
                key = self.signals.take_key()
                if key in _BUILDING:
                    self.forced = key
                    return True
                if key == "q":
                    return False
                self.board.press(key)
            self.follow_up.check()
            self.board.draw(resized=self.signals.take_resized())
        return True

    def _look(self) -> bool:
        """Look at the disk; return whether anything changed."""
        self.watched.look(self._own)
        if self.watched.changed:
            return True
        # What is nearest above a directory that is missing may be another now, or where a link
        # leads.
        return bool(self.watcher.take()) and self._arm()

    def _print(self, value: Mapping[str, object]) -> None:
        if self.options.json:
            print_json(value, indent=None)
            sys.stdout.flush()


def runner_of(tools: Tools) -> Run:
    """Return what runs the commands of one build."""
    return Runner(tools.environment, tools.interrupts.held_off, releasing)


def _made_from(found: Survey | None, key: Key) -> tuple[object, ...]:
    return found.made_from(key) if found is not None else ()
